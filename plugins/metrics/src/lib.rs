//! Ranking metrics: how well rankings agree with the relevant items, and, beyond accuracy, what the
//! recommendations are like in themselves.
//!
//! Nearly every metric has one option, the cut-off `k`, and is written `recall@5`, or `recall` for the
//! whole ranking; `bpref` has none, and `rbp` the persistence `p`. Names and definitions follow
//! [ranx](https://github.com/AmenRa/ranx), and agree with
//! [trec_eval](https://github.com/usnistgov/trec_eval) under the names given with each metric.
//! Conventions of all relevance metrics:
//!
//! - An item is relevant if its grade is above 0. Only dcg, ndcg, their `_burges` variants and rbp
//!   look at how far above.
//! - A user without relevant items, and one without a ranking, has the value 0 and counts in the
//!   mean; so it is in ranx with `make_comparable` and in trec_eval with `-c`. (Without `-c`,
//!   trec_eval leaves users without a ranking out of the mean.)
//! - A ranking shorter than `k` is as good as one filled up with irrelevant items.

#[macro_use]
mod cutoff;
mod accuracy;
mod beyond_accuracy;
mod bpref;
mod ndcg;
mod rank_biased;
mod ranks;

pub use accuracy::{F1, HitRate, Hits, Precision, RPrecision, Recall};
pub use beyond_accuracy::{Coverage, Gini, IntraListDiversity, Novelty};
pub use bpref::Bpref;
pub use ndcg::{Dcg, DcgBurges, Ndcg, NdcgBurges};
pub use rank_biased::RankBiasedPrecision;
pub use ranks::{AveragePrecision, ReciprocalRank};

gloss_core::plugin! {
    metric "bpref" => Bpref,
    metric "coverage" => Coverage,
    metric "dcg" => Dcg,
    metric "dcg_burges" => DcgBurges,
    metric "f1" => F1,
    metric "gini" => Gini,
    metric "hit_rate" => HitRate,
    metric "hits" => Hits,
    metric "intra_list_diversity" => IntraListDiversity,
    metric "map" => AveragePrecision,
    metric "mrr" => ReciprocalRank,
    metric "ndcg" => Ndcg,
    metric "ndcg_burges" => NdcgBurges,
    metric "novelty" => Novelty,
    metric "precision" => Precision,
    metric "r_precision" => RPrecision,
    metric "rbp" => RankBiasedPrecision,
    metric "recall" => Recall,
}

#[cfg(test)]
mod tests {
    use gloss_core::{AnyComponent, Catalogue, Evaluation, Item, Ragged, Registry, Scores};
    use serde_json::json;

    /// Every metric's scores of rankings of two items and of none, with the cut-off `k`.
    fn scores(k: Option<usize>) -> Vec<(String, Scores)> {
        let items = ["red soap", "lip balm", "red comb"].map(|text| Item {
            id: text.into(),
            text: text.into(),
            ..Item::default()
        });
        let catalogue = Catalogue::new(items.to_vec(), vec![]).unwrap();
        let rankings: Ragged<u32> = [vec![0, 2], vec![]].into_iter().collect();
        let relevant = [vec![(1, 1.0), (2, 2.0)], vec![(0, 1.0)]];
        let relevant = relevant.into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let evaluation = evaluation.with_catalogue(&catalogue, &[0, 1, 2]);
        let mut registry = Registry::new();
        super::register(&mut registry).unwrap();
        let score = |entry: &gloss_core::Entry| match entry.parse(json!({ "k": k })) {
            Ok(AnyComponent::Metric(metric)) => {
                (entry.name.clone(), metric.score(&evaluation).unwrap())
            }
            _ => panic!("{} is not a metric", entry.name),
        };
        let has_cutoff = |entry: &&gloss_core::Entry| entry.schema["properties"]["k"].is_object();
        registry.entries().filter(has_cutoff).map(score).collect()
    }

    #[test]
    fn the_deepest_cut_is_none_but_for_those_that_divide_by_k() {
        let deepest = scores(Some(usize::MAX));
        assert_eq!(deepest.len(), 16);
        for ((name, deepest), (_, whole)) in deepest.into_iter().zip(scores(None)) {
            assert!(whole.value() > 0.0, "{name}");
            match name.as_str() {
                "precision" | "f1" => assert!((0.0..1e-15).contains(&deepest.value()), "{name}"),
                _ => assert_eq!(deepest, whole, "{name}"),
            }
        }
    }
}
