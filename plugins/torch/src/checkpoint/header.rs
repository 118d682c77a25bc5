//! The names in the header of a safetensors file.

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
