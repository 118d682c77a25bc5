//! Groups of users, on which methods are judged by themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Dataset, Fault, Histories};

/// A group of users: those with so many interactions in all, targets included.
///
/// Interactions with the same item, time and rating count as one, as in the evaluation of GLoSS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name in tables.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The fewest interactions of a user.
    #[serde(default)]
    pub at_least: u32,
    /// The most interactions of a user; if it is not given, there is no limit.
    #[serde(default)]
    pub at_most: Option<u32>,
}

/// The groups of users that methods are judged on by themselves, besides all users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Segmentation {
    /// `none`, or `usual`.
    Named(NamedSegmentation),
    /// The groups themselves. A user may be in several of them, or in none.
    Given(Vec<Segment>),
}

/// Groups that need not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamedSegmentation {
    /// None but all users.
    None,
    /// Those that are usual for the data set.
    Usual,
}

impl Default for Segmentation {
    fn default() -> Self {
        Segmentation::Named(NamedSegmentation::None)
    }
}

impl Segment {
    /// The users who have from `at_least` to `at_most` interactions.
    pub fn new(name: &str, at_least: u32, at_most: Option<u32>) -> Self {
        Segment {
            name: name.to_string(),
            at_least,
            at_most,
        }
    }

    /// The three of GLoSS (arXiv 2506.01910): cold users with at most 5 interactions, power users
    /// with more than `regular`, and regular users between them.
    pub fn cold_regular_power(regular: u32) -> Vec<Segment> {
        vec![
            Segment::new("cold", 0, Some(5)),
            Segment::new("regular", 6, Some(regular)),
            Segment::new("power", regular + 1, None),
        ]
    }

    /// Whether a user with so many interactions is in it.
    pub fn holds(&self, interactions: usize) -> bool {
        let most = self.at_most.unwrap_or(u32::MAX);
        interactions >= self.at_least as usize && interactions <= most as usize
    }
}

impl Segmentation {
    /// The segments for this data set.
    ///
    /// # Errors
    /// What is wrong with them, with the key below `segments`.
    pub(crate) fn resolve(self, dataset: &dyn Dataset) -> Result<Vec<Segment>, Fault> {
        let segments = match self {
            Segmentation::Named(NamedSegmentation::None) => return Ok(Vec::new()),
            Segmentation::Named(NamedSegmentation::Usual) => {
                let usual = dataset.segments();
                if usual.is_empty() {
                    let message = "no segments are usual for this data set; give them as tables \
                                   with `name`, `at_least` and `at_most`";
                    return Err(Fault::new("", message));
                }
                usual
            }
            Segmentation::Given(segments) => segments,
        };
        for (index, segment) in segments.iter().enumerate() {
            if segment.at_most.is_some_and(|most| most < segment.at_least) {
                let message = format!("must be at least {}, `at_least`", segment.at_least);
                return Err(Fault::new(format!("{index}.at_most"), message));
            }
            if segments[..index]
                .iter()
                .any(|other| other.name == segment.name)
            {
                let message = format!("`{}` is given twice", segment.name);
                return Err(Fault::new(format!("{index}.name"), message));
            }
        }
        Ok(segments)
    }
}

impl Histories {
    /// How many interactions a user has in all, those with the same item, time and rating counted
    /// as one.
    pub fn distinct(&self, user: u32) -> usize {
        let history = self.history(user);
        let event = |at: usize| {
            (
                history.items[at],
                history.times[at],
                history.ratings[at].to_bits(),
            )
        };
        let mut events: Vec<_> = (0..history.items.len()).map(event).collect();
        events.sort_unstable();
        events.dedup();
        events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_is_cold_regular_or_power() {
        let segments = Segment::cold_regular_power(14);
        for (interactions, expected) in [(3, 0), (5, 0), (6, 1), (14, 1), (15, 2), (900, 2)] {
            let holding: Vec<usize> = (0..3)
                .filter(|at| segments[*at].holds(interactions))
                .collect();
            assert_eq!(holding, [expected], "{interactions}");
        }
    }

    #[test]
    fn equal_interactions_count_once() {
        let mut histories = Histories::new();
        let events = [
            (1, 10, 5.0),
            (1, 10, 5.0),
            (1, 10, 4.0),
            (2, 10, f32::NAN),
            (2, 10, f32::NAN),
            (1, 20, 5.0),
        ];
        histories.push("user".into(), events);
        assert_eq!(histories.distinct(0), 4);
    }
}
