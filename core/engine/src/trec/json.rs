//! Runs and qrels as ranx writes them: `{"user": {"item": 0.5, …}, …}`.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use gloss_core::{Error, Result, read_file};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// The entries of a JSON object, in order, also those whose key is there twice.
struct Entries<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

/// Returns `true` if the file's name ends in `.json`.
pub(super) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

/// A user's items with their scores or grades.
pub(super) type Scored = Vec<(String, f64)>;

/// Reads the users of the file `path` in order, each with items and scores or grades.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Scored)>> {
    let bytes = read_file(path)?;
    let users: Entries<Entries<f64>> = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!(
            "is not a JSON object of users with their items' scores, as ranx writes it: {error}"
        );
        Error::input(path, message)
    })?;
    let users: Vec<(String, Scored)> = users
        .0
        .into_iter()
        .map(|(user, items)| (user, items.0))
        .collect();
    match users.iter().all(|(_, items)| items.is_empty()) {
        true => Err(Error::input(path, "has no items")),
        false => Ok(users),
    }
}
