//! The places in which one table of settings may have been written.

use gloss_core::{Diagnostic, Location, Result};
use serde_json::Value;

use super::document::{Document, Key};

/// The places in which one table of settings may have been written: a method's own table first, then
/// the experiment's.
pub(super) struct Source<'a> {
    pub(super) document: &'a Document,
    pub(super) prefixes: Vec<Key>,
}

impl Source<'_> {
    /// The full path of the setting `below` the table: in the first place that has it, or else
    /// that has the table.
    pub(super) fn key(&self, below: &[String]) -> Key {
        let full = |prefix: &Key| [prefix.as_slice(), below].concat();
        let has_setting = |prefix: &&Key| self.document.has(&full(prefix));
        let has_table = |prefix: &&Key| self.document.has(prefix);
        let mut prefixes = self.prefixes.iter();
        prefixes
            .clone()
            .find(has_setting)
            .or_else(|| prefixes.find(has_table))
            .or(self.prefixes.last())
            .map(full)
            .unwrap_or_default()
    }

    /// Adds key and place to a diagnostic of the setting `below` the table.
    pub(super) fn locate(
        &self,
        below: &[String],
        at_key: bool,
        diagnostic: Diagnostic,
    ) -> Diagnostic {
        let key = self.key(below);
        Diagnostic {
            location: self.location(&key, at_key),
            key: key.join("."),
            ..diagnostic
        }
    }

    fn location(&self, key: &[String], at_key: bool) -> Option<Location> {
        match at_key {
            true => self.document.key_location(key),
            false => self.document.value_location(key),
        }
    }

    /// Checks the table's settings against a JSON Schema.
    ///
    /// # Errors
    /// If the schema itself is not valid.
    pub(super) fn check(&self, schema: &Value, settings: &Value) -> Result<Vec<Diagnostic>> {
        let findings = gloss_schema::check(schema, settings)?;
        let locate = |finding: gloss_schema::Finding| {
            self.locate(&finding.path, finding.at_key, finding.diagnostic)
        };
        Ok(findings.into_iter().map(locate).collect())
    }
}
