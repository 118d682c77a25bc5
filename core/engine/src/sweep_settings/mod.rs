//! The table `sweep` of an experiment: settings to try, of which validation users choose the best.

mod points;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use points::{Point, points};

/// Settings to try, of which the best is chosen on validation users by `gloss sweep`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The metric that chooses, such as `ndcg@5`; the experiment's first by default.
    pub metric: Option<String>,
    /// The method whose metric chooses; the experiment's last by default.
    pub method: Option<String>,
    /// The search for the best settings.
    #[serde(default)]
    pub search: Search,
    /// The number of settings that are drawn at random, for `random` (20 by default) and `halving` (the
    /// whole grid by default).
    #[schemars(range(min = 1))]
    pub trials: Option<u32>,
    /// The seed of random settings.
    #[serde(default)]
    pub seed: u64,
    /// For `halving`, the key of the number of epochs, such as
    /// `generator.training.num_train_epochs`.
    pub epochs: Option<String>,
    /// For `halving`, the epochs of the first round; 1 by default.
    #[schemars(range(min = 1))]
    pub first_epochs: Option<u32>,
    /// For `halving`, the factor by which each round has fewer settings and more epochs; 3 by
    /// default.
    #[schemars(range(min = 2))]
    pub factor: Option<u32>,
    /// The values of each setting, by its key, such as `retriever.k1`: a list, or a table with `from`,
    /// `to`, `steps` (of a grid) and `scale` (`"linear"` or `"log"`). Numbers are whole if `from` and
    /// `to` are written without a decimal point.
    #[schemars(extend("minProperties" = 1))]
    pub parameters: Map<String, Value>,
}

/// A search for the best settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// All combinations.
    #[default]
    Grid,
    /// Random combinations (Bergstra and Bengio, 2012).
    Random,
    /// Successive halving (Jamieson and Talwalkar, 2016): all combinations with few epochs, then the
    /// best share of them with more, until one is left.
    Halving,
}

impl Sweep {
    /// The epochs of the first round.
    pub(crate) fn first_epochs(&self) -> u32 {
        self.first_epochs.unwrap_or(1)
    }

    /// The factor between rounds.
    pub(crate) fn factor(&self) -> u32 {
        self.factor.unwrap_or(3)
    }

    /// The faults that the schema cannot express: the key below `sweep`, and a message.
    pub(crate) fn check(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        match (self.search, &self.epochs) {
            (Search::Halving, None) => faults.push((
                "epochs",
                "is required for search = \"halving\": the key of the number of epochs".to_string(),
            )),
            (Search::Grid | Search::Random, Some(_)) => {
                faults.push(("epochs", "is for search = \"halving\"".to_string()));
            }
            _ => {}
        }
        if self.search == Search::Grid && self.trials.is_some() {
            faults.push((
                "trials",
                "is for search = \"random\" or \"halving\"".to_string(),
            ));
        }
        if self.search != Search::Halving {
            let message = "is for search = \"halving\"";
            let given = [("first_epochs", self.first_epochs), ("factor", self.factor)];
            let given = given.into_iter().filter(|(_, value)| value.is_some());
            faults.extend(given.map(|(key, _)| (key, message.to_string())));
        }
        let is_grid = self.search != Search::Random && self.trials.is_none();
        if is_grid && self.seed != 0 {
            faults.push((
                "seed",
                "is for settings that are drawn at random".to_string(),
            ));
        }
        if let Err(message) = points(self) {
            faults.push(("parameters", message));
        }
        faults
    }
}
