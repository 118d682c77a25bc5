//! The address of objects.

use std::path::{Path as Folder, PathBuf};

use gloss_core::{Error, Result};
use object_store::path::Path;
use url::Url;

/// The schemes of object stores.
const SCHEMES: [&str; 2] = ["s3://", "gs://"];

/// Returns `true` for the URL of an object store.
pub fn is_url(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// A bucket, and a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: Url,
    pub(crate) path: Path,
}

impl Address {
    /// Parses `scheme://bucket/path`.
    ///
    /// # Errors
    /// If it is none, or the path has parts such as `..`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::Usage(format!(
                "`{text}` is not the address of objects: {what}; expected s3://bucket/path or \
                 gs://bucket/path"
            ))
        };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !is_url(text) || url.host_str().unwrap_or_default().is_empty() {
            return Err(wrong("it names no bucket"));
        }
        // As typed: `Url` would resolve `..`.
        let typed = text.splitn(4, '/').nth(3).unwrap_or_default();
        let path = Path::parse(typed.trim_end_matches('/'));
        let path = path.map_err(|error| wrong(&error.to_string()))?;
        Ok(Address { url, path })
    }

    /// The bucket, which settings and connections belong to.
    pub(crate) fn bucket(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{}://{host}", self.url.scheme())
    }

    /// The URL of an object in the bucket.
    pub(crate) fn of(&self, path: &Path) -> String {
        format!("{}/{path}", self.bucket())
    }

    /// The place of an object's mirror below `root`.
    pub(crate) fn mirror(&self, root: &Folder, path: &Path) -> PathBuf {
        let host = self.url.host_str().unwrap_or_default();
        let folder = root.join(self.url.scheme()).join(host);
        path.parts()
            .fold(folder, |folder, part| folder.join(part.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_path() {
        let address = Address::parse("s3://bucket/a/b c/x.gz").unwrap();
        assert_eq!(address.bucket(), "s3://bucket");
        assert_eq!(address.path.as_ref(), "a/b c/x.gz");
        let mirror = address.mirror(Folder::new("m"), &address.path);
        assert_eq!(mirror, Folder::new("m/s3/bucket/a/b c/x.gz"));
        assert_eq!(Address::parse("gs://b").unwrap().path.as_ref(), "");
        assert_eq!(Address::parse("gs://b/x/").unwrap().path.as_ref(), "x");
    }

    #[test]
    fn nothing_leaves_the_mirror() {
        for text in [
            "s3://",
            "s3:///x",
            "s3://b/../x",
            "s3://b/x/../../y",
            "s3://b/./x",
            "file:///x",
        ] {
            let message = Address::parse(text).unwrap_err().to_string();
            assert!(
                message.contains("expected s3://bucket/path"),
                "{text}: {message}"
            );
        }
        assert!(!is_url("http://127.0.0.1") && !is_url("s3") && is_url("s3://b/x"));
    }
}
