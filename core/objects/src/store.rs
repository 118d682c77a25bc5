//! Calls to object stores.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path as Folder, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use gloss_core::{Context, Error, Result};
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::runtime::{Builder, Runtime};

use crate::address::Address;

/// The number of times, and the time, for which a request is made again.
const RETRIES: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);
/// The time between looks at whether the work was cancelled.
const LOOK: Duration = Duration::from_millis(200);

/// The object stores that this process uses, and the folder in which their objects are mirrored.
pub struct Objects {
    pub(crate) root: PathBuf,
    runtime: Runtime,
    stores: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
    pub(crate) context: Context,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Objects")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Objects {
    /// Mirrors objects in `root`, which need not exist yet. Connects to nothing.
    ///
    /// # Errors
    /// If the system has no threads left.
    pub fn new(root: impl Into<PathBuf>, context: &Context) -> Result<Self> {
        // Another part of the program may have chosen it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Objects {
            root: root.into(),
            runtime: runtime.map_err(|error| Error::Internal(error.to_string()))?,
            stores: Mutex::default(),
            context: context.clone(),
        })
    }

    /// The store of an address.
    pub(crate) fn store(&self, address: &Address) -> Result<Arc<dyn ObjectStore>> {
        let bucket = address.bucket();
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(&bucket) {
            return Ok(Arc::clone(store));
        }
        let store = connected(&bucket).map_err(|error| in_words(&bucket, error))?;
        stores.insert(bucket, Arc::clone(&store));
        Ok(store)
    }

    /// The objects at an address: one, or those below it. None if there is nothing.
    pub(crate) fn list(&self, address: &Address) -> Result<Vec<ObjectMeta>> {
        let store = self.store(address)?;
        let url = address.of(&address.path);
        let listed = self.wait(async {
            if !address.path.as_ref().is_empty() {
                match store.head(&address.path).await {
                    Ok(object) => return Ok(vec![object]),
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            store.list(Some(&address.path)).try_collect().await
        })?;
        let mut objects: Vec<ObjectMeta> = listed.map_err(|error| in_words(&url, error))?;
        // Some tools leave empty objects that stand for folders.
        objects.retain(|object| object.size > 0 || !object.location.as_ref().ends_with('/'));
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(objects)
    }

    /// Waits for a call, unless it is interrupted.
    pub(crate) fn wait<T>(&self, call: impl Future<Output = T>) -> Result<T> {
        let mut call = Box::pin(call);
        loop {
            self.context.check()?;
            let waited = self
                .runtime
                .block_on(async { tokio::time::timeout(LOOK, call.as_mut()).await });
            if let Ok(result) = waited {
                return Ok(result);
            }
        }
    }
}

/// The store of a bucket, with the settings of the environment. S3 verifies a SHA-256 checksum of what
/// arrives.
fn connected(bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        max_retries: RETRIES,
        retry_timeout: PATIENCE,
        ..RetryConfig::default()
    };
    Ok(match bucket.starts_with("gs://") {
        true => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(bucket);
            Arc::new(builder.with_retry(retry).build()?)
        }
        false => {
            let builder = AmazonS3Builder::from_env().with_url(bucket);
            let builder = builder.with_checksum_algorithm(Checksum::SHA256);
            Arc::new(builder.with_retry(retry).build()?)
        }
    })
}

/// The folder below which mirrors of objects are, and their records.
pub(crate) fn folders(root: &Folder) -> (PathBuf, PathBuf) {
    (root.join("files"), root.join("records"))
}

/// The path of a file below a folder, as objects have it.
pub(crate) fn below(prefix: &Path, parts: &[String]) -> Path {
    let parts = parts.iter().map(String::as_str);
    Path::from_iter(
        prefix
            .parts()
            .map(|part| part.as_ref().to_string())
            .chain(parts.map(str::to_string)),
    )
}

/// An error of a store in words.
pub(crate) fn in_words(url: &str, error: object_store::Error) -> Error {
    use object_store::Error as Store;
    let words = flat(&error);
    match error {
        Store::NotFound { .. } => missing(url),
        // Listing what is below a bucket that is not there has no error of its own.
        Store::Generic { .. } if words.contains("404 Not Found") => missing(url),
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => Error::Usage(format!(
            "{url}: the store refuses: {words}; see the credentials in the environment (AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY, or GOOGLE_APPLICATION_CREDENTIALS)"
        )),
        _ => Error::Network(format!("{url}: {words}")),
    }
}

fn missing(url: &str) -> Error {
    Error::Usage(format!("there is no object {url}, or no such bucket"))
}

/// An error with its causes.
fn flat(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !words.contains(&further) {
            words = format!("{words}: {further}");
        }
        cause = error.source();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
