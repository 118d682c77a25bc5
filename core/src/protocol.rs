//! From interactions in file order to histories, catalogue and splits: the leave-last-out protocol
//! of GLoSS, shared by all loaders.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Context, Data, Item, Report, Result};

/// How interactions become histories and splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protocol {
    /// Fewest interactions that a user must have to be evaluated and to count for the catalogue.
    #[schemars(range(min = 2))]
    pub minimum_interactions: u32,
    /// Share of all users, rounded down, that are drawn as validation users.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub validation_share: f64,
    /// Seed of that draw, which is CPython's `random.sample`.
    pub validation_seed: u64,
    /// Keeps only users and items with at least this many interactions among each other, found
    /// by removing the others until nothing changes; 0 keeps all.
    pub k_core: u32,
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol {
            minimum_interactions: 3,
            validation_share: 0.05,
            validation_seed: 42,
            k_core: 0,
        }
    }
}

/// One interaction, as read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// The user's position in [`Interactions::users`].
    pub user: u32,
    /// The item's position in [`Interactions::items`].
    pub item: u32,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The rating, NaN where there is none.
    pub rating: f32,
}

/// What a loader read.
#[derive(Debug, Clone, Default)]
pub struct Interactions {
    /// The users' identifiers, each once, in any order.
    pub users: Vec<String>,
    /// The items that may be recommended, each once, in the order of their file.
    pub items: Vec<Item>,
    /// The names of the items' further fields.
    pub field_names: Vec<String>,
    /// The interactions in file order; those with items that are not in `items` left out.
    pub events: Vec<Event>,
    /// What was read and dropped so far.
    pub report: Report,
}

impl Protocol {
    /// Sorts the interactions by user and time, and makes catalogue, histories and splits.
    ///
    /// # Errors
    /// If no user has enough interactions.
    pub fn apply(&self, _interactions: Interactions, _context: &Context) -> Result<Data> {
        Err(crate::Error::Internal("not written yet".into()))
    }
}
