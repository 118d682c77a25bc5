//! Shared by all metrics here: the option `k`, and rankings cut off at it.

use gloss_core::{Evaluation, Invariants, Scores, UserGains};

/// Declares a metric whose only option is the cut-off `k`: its doc comment, type, name, formula,
/// laws, and a function from the evaluation and `k` to scores.
macro_rules! metric {
    (
        $(#[$doc:meta])*
        $type:ident, $name:literal, $formula:literal, $invariants:expr, $score:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $type {
            /// The number of ranks to consider; all by default.
            #[schemars(range(min = 1))]
            pub k: Option<usize>,
        }

        impl gloss_core::Metric for $type {
            fn label(&self) -> String {
                self.k.map_or_else(|| $name.into(), |k| format!("{}@{k}", $name))
            }

            fn formula(&self) -> &'static str {
                $formula
            }

            fn cutoff(&self) -> Option<usize> {
                self.k
            }

            fn invariants(&self) -> gloss_core::Invariants {
                $invariants
            }

            fn score(
                &self,
                evaluation: &gloss_core::Evaluation<'_>,
            ) -> gloss_core::Result<gloss_core::Scores> {
                $score(evaluation, self.k)
            }
        }
    };
}

/// A measure of agreement with the relevant items that grows with the cut-off.
pub(crate) const MONOTONE: Invariants = Invariants {
    range: 0.0..=1.0,
    higher_is_better: true,
    monotone_in_cutoff: true,
    measures_relevance: true,
};

/// A measure of agreement with the relevant items that may fall as the cut-off grows.
pub(crate) const NOT_MONOTONE: Invariants = Invariants {
    monotone_in_cutoff: false,
    ..MONOTONE
};

/// A measure without a highest value that grows with the cut-off.
pub(crate) const UNBOUNDED: Invariants = Invariants {
    range: 0.0..=f64::INFINITY,
    ..MONOTONE
};

/// The best `k` of a ranking, or all of it.
pub(crate) fn top<T>(ranking: &[T], k: Option<usize>) -> &[T] {
    &ranking[..k.map_or(ranking.len(), |k| k.min(ranking.len()))]
}

/// The gains of one user's ranking down to the cut-off.
#[derive(Clone, Copy)]
pub(crate) struct Top<'a> {
    /// The grades of the items at the ranks looked at.
    pub(crate) gains: &'a [f32],
    /// The grades of all relevant items, highest first.
    pub(crate) ideal: &'a [f32],
    /// The number of ranks that count: `k` even if fewer items are ranked, or all ranks without it.
    pub(crate) depth: usize,
}

impl<'a> Top<'a> {
    pub(crate) fn new(judged: UserGains<'a>, k: Option<usize>) -> Self {
        Top {
            gains: top(judged.gains, k),
            ideal: judged.ideal,
            depth: k.unwrap_or(judged.gains.len()),
        }
    }

    /// The number of relevant items at the ranks looked at.
    pub(crate) fn hits(&self) -> f64 {
        count_hits(self.gains) as f64
    }
}

/// The number of relevant items among `gains`.
pub(crate) fn count_hits(gains: &[f32]) -> usize {
    gains.iter().filter(|gain| **gain > 0.0).count()
}

/// `numerator / denominator`, and 0 where there is nothing to divide by: no relevant item, or no
/// ranking.
pub(crate) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        // The sum of no numbers is -0.
        numerator / denominator + 0.0
    } else {
        0.0
    }
}

/// A value for each user's [`Top`].
pub(crate) fn per_user(
    evaluation: &Evaluation<'_>,
    k: Option<usize>,
    value: impl Fn(Top<'_>) -> f64,
) -> Scores {
    evaluation.per_user(|judged| value(Top::new(judged, k)))
}
