//! Files elsewhere, and their mirrors on this machine.

use std::collections::BTreeMap;

use gloss_core::Result;
use serde_json::Value;

/// Paths on this machine that stand for addresses elsewhere, with those addresses.
pub(crate) type Mirrors = BTreeMap<String, String>;

/// Calls `change` with every text in a value.
pub(crate) fn for_each_text(
    value: &mut Value,
    change: &mut dyn FnMut(&mut String) -> Result<()>,
) -> Result<()> {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| for_each_text(item, change)),
        Value::Object(map) => map
            .values_mut()
            .try_for_each(|item| for_each_text(item, change)),
        _ => Ok(()),
    }
}
