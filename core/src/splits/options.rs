//! Options for histories and splits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Diagnostic;

/// Options for histories and splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitOptions {
    /// The fewest interactions of a user who is evaluated and counts for the catalogue.
    #[schemars(range(min = 2))]
    pub minimum_interactions: u32,
    /// Keeps the k-core: users and items with fewer interactions are removed until none is left; 0
    /// keeps all.
    pub k_core: u32,
    /// The order of a user's interactions that have the same time. In data with days instead of
    /// times, such as Amazon's reviews, these are the purchases of one day.
    pub same_day: SameDay,
    /// The seed of `same_day = "shuffle"`.
    pub same_day_seed: u64,
    /// The interactions to test on.
    pub strategy: SplitStrategy,
    /// For `temporal`, the share of all interactions, the latest, to test on; for `ratio`, of each
    /// user's. 0.1 if neither this nor `test_from` is given.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// For `temporal`, the time of the first interactions to test on, in UTC, such as `2014-01-01`
    /// or `2014-01-01T12:00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_from: Option<String>,
    /// For `leave-last-out`, the share of all users, rounded down, that are drawn as validation
    /// users; for `temporal`, the share of all interactions, the latest before those to test on, to
    /// validate on; for `ratio`, of each user's.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub validation_share: f64,
    /// The seed of the draw of `leave-last-out`, which is CPython's `random.sample`.
    pub validation_seed: u64,
    /// For `temporal`, the treatment of users without an interaction in the training data.
    pub unseen_users: Unseen,
    /// For `temporal`, the treatment of interactions to validate or test on whose items are not in
    /// the training data.
    pub unseen_items: Unseen,
}

impl Default for SplitOptions {
    fn default() -> Self {
        SplitOptions {
            minimum_interactions: 3,
            k_core: 0,
            same_day: SameDay::File,
            same_day_seed: 0,
            strategy: SplitStrategy::LeaveLastOut,
            test_share: None,
            test_from: None,
            validation_share: 0.05,
            validation_seed: 42,
            unseen_users: Unseen::Keep,
            unseen_items: Unseen::Keep,
        }
    }
}

/// The order of a user's interactions that have the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SameDay {
    /// That of the file.
    #[default]
    File,
    /// By item identifier, byte by byte.
    Id,
    /// Random, drawn by `same_day_seed` for each user and item whatever the order of the file.
    Shuffle,
}

/// The interactions to test on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitStrategy {
    /// Each user's last. Validation users are validated on the last but one, and train on those
    /// before it; all others train on all but the last.
    #[default]
    LeaveLastOut,
    /// All from a point in time. Their users' interactions before it are the context.
    Temporal,
    /// The last share of each user's, as RecBole counts it: rounded down, but at least one if
    /// more than one is left to train on.
    Ratio,
}

/// The treatment of what the training data does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// Evaluate it, and count it.
    #[default]
    Keep,
    /// Leave it out, and count it.
    Drop,
}

impl SplitOptions {
    /// Returns diagnostics that the options' schema cannot express: options of another strategy,
    /// a date that is none. Keys start with `split.`; call it in
    /// [`Dataset::check`](crate::Dataset::check).
    pub fn check(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut fault = |key: &str, message: &str| {
            found.push(Diagnostic::new(format!("split.{key}"), message));
        };
        let temporal = self.strategy == SplitStrategy::Temporal;
        if self.test_share.is_some() && self.strategy == SplitStrategy::LeaveLastOut {
            fault("test_share", "is for strategy = \"temporal\" or \"ratio\"");
        }
        if self.test_from.is_some() && !temporal {
            fault("test_from", "is for strategy = \"temporal\"");
        }
        if self.test_from.is_some() && self.test_share.is_some() {
            fault("test_share", "give either test_share or test_from");
        }
        if self
            .test_from
            .as_deref()
            .is_some_and(|from| milliseconds(from).is_none())
        {
            fault(
                "test_from",
                "must be a date such as 2014-01-01, or a time such as 2014-01-01T12:00:00",
            );
        }
        if self.unseen_users == Unseen::Drop && !temporal {
            fault("unseen_users", "is for strategy = \"temporal\"");
        }
        if self.unseen_items == Unseen::Drop && !temporal {
            fault("unseen_items", "is for strategy = \"temporal\"");
        }
        if self.strategy != SplitStrategy::LeaveLastOut
            && self.test_share() + self.validation_share >= 1.0
        {
            fault(
                "validation_share",
                "leaves nothing to train on beside test_share",
            );
        }
        if self.validation_seed != SplitOptions::default().validation_seed
            && self.strategy != SplitStrategy::LeaveLastOut
        {
            fault("validation_seed", "is for strategy = \"leave-last-out\"");
        }
        if self.same_day_seed != 0 && self.same_day != SameDay::Shuffle {
            fault("same_day_seed", "is for same_day = \"shuffle\"");
        }
        found
    }

    /// The share to test on.
    pub(super) fn test_share(&self) -> f64 {
        match self.test_from {
            Some(_) => 0.0,
            None => self.test_share.unwrap_or(0.1),
        }
    }

    /// The time of the first interactions to test on, in milliseconds since 1970, if it is given.
    pub(super) fn test_from(&self) -> Option<i64> {
        self.test_from.as_deref().and_then(milliseconds)
    }
}

/// A date or time in UTC in milliseconds since 1970.
fn milliseconds(text: &str) -> Option<i64> {
    let date = text.parse::<chrono::NaiveDate>();
    let time = date.map(|date| date.and_time(chrono::NaiveTime::MIN));
    let time = time.or_else(|_| text.parse::<chrono::NaiveDateTime>());
    Some(time.ok()?.and_utc().timestamp_millis())
}
