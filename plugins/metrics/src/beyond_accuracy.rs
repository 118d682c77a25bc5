//! Metrics that describe the recommendations themselves, whatever was relevant.

mod diversity;
mod exposure;
mod novelty;

use gloss_core::{Catalogue, Error, Evaluation, Invariants, Result};

pub use diversity::IntraListDiversity;
pub use exposure::{Coverage, Gini};
pub use novelty::Novelty;

/// A share, higher being better, that may fall as the cut-off grows.
const SHARE: Invariants = Invariants {
    range: 0.0..=1.0,
    higher_is_better: true,
    monotone_in_cutoff: false,
    measures_relevance: false,
};

fn catalogue<'a>(evaluation: &Evaluation<'a>, metric: &str) -> Result<&'a Catalogue> {
    evaluation
        .catalogue()
        .ok_or_else(|| needs(metric, "the catalogue"))
}

fn needs(metric: &str, what: &str) -> Error {
    Error::Usage(format!(
        "metric {metric} needs {what}, which a run file does not tell; use it in an experiment \
         with a data set, or leave it out"
    ))
}

#[cfg(test)]
mod tests {
    use gloss_core::{Metric, Ragged};

    use super::*;

    #[test]
    fn without_a_catalogue_they_say_what_is_missing() {
        let rankings: Ragged<u32> = [vec![1]].into_iter().collect();
        let relevant = [vec![]].into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let metrics: [&dyn Metric; 4] = [
            &Coverage { k: None },
            &Gini { k: None },
            &Novelty { k: None },
            &IntraListDiversity { k: None },
        ];
        for metric in metrics {
            let error = metric.score(&evaluation).unwrap_err().to_string();
            assert!(error.contains(&metric.label()), "{error}");
            assert!(error.contains("needs the"), "{error}");
        }
    }
}
