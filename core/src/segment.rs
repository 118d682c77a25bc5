//! User segments, which methods are also evaluated on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user segment: the users with a number of interactions in a range, targets included.
///
/// Interactions with the same item, time and rating count as one, as in the evaluation of GLoSS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The name in tables.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The fewest interactions of a user.
    #[serde(default)]
    pub at_least: u32,
    /// The most interactions of a user. No limit by default.
    #[serde(default)]
    pub at_most: Option<u32>,
}

impl Segment {
    /// The users with `at_least` to `at_most` interactions.
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

    /// Returns `true` if a user with this number of interactions belongs to the segment.
    pub fn contains(&self, interactions: usize) -> bool {
        let most = self.at_most.unwrap_or(u32::MAX);
        interactions >= self.at_least as usize && interactions <= most as usize
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
                .filter(|at| segments[*at].contains(interactions))
                .collect();
            assert_eq!(holding, [expected], "{interactions}");
        }
    }
}
