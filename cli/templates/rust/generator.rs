//! The query generator `skeleton`.

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks for what the user bought last, one query an item, the newest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Skeleton {
    /// The number of last items to query.
    #[schemars(range(min = 1))]
    items: usize,
}

impl Default for Skeleton {
    fn default() -> Self {
        Skeleton { items: 2 }
    }
}

impl QueryGenerator for Skeleton {
    fn open<'a>(&'a self, data: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        Ok(Box::new(|histories: &[History<'_>]| {
            let queries = histories.iter().map(|history| self.queries(history, data));
            Ok(queries.collect())
        }))
    }
}

impl Skeleton {
    fn queries(&self, history: &History<'_>, data: &Data) -> Vec<Query> {
        let newest = history.items.iter().rev().take(self.items);
        let texts = newest.map(|item| data.catalogue.item(*item).text.as_str());
        texts.map(Query::text).collect()
    }
}
