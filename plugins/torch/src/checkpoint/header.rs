//! The header of a safetensors file: names, and the hash that gloss writes.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};

/// Returns a name that the header, a JSON object, has twice. (The crate `safetensors` keeps the last
/// of them.)
pub(super) fn repeated(header: &[u8]) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(header);
    json.deserialize_map(Names).ok().flatten()
}

/// The key of the hash among the header's texts.
pub(crate) const HASH: &str = "gloss_blake3";

/// The BLAKE3 hash of tensors in the order of their names: name, type, shape and bytes.
#[derive(Default)]
pub(crate) struct Hash(blake3::Hasher);

impl Hash {
    /// Adds the next tensor.
    pub(crate) fn add(&mut self, name: &str, dtype: &str, shape: &[usize], bytes: &[u8]) {
        let about = format!("{name}\0{dtype}\0{shape:?}\0{}\0", bytes.len());
        self.0.update(about.as_bytes());
        self.0.update_rayon(bytes);
    }

    /// The hash in hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = HashSet::new();
        let mut repeated = None;
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if let Some(name) = names.replace(name) {
                repeated.get_or_insert(name);
            }
        }
        Ok(repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_twice_is_found() {
        let header = br#"{"a": {"dtype": "F32"}, "b": {}, "a": {}} "#;
        assert_eq!(repeated(header).as_deref(), Some("a"));
        assert_eq!(repeated(br#"{"a": {}, "b": {"a": {}}}"#), None);
        assert_eq!(repeated(b"[]"), None);
    }
}
