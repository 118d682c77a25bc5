//! Ranking metrics: how well rankings agree with the relevant items, and, beyond accuracy, what the
//! recommendations are like in themselves.
//!
//! Every metric has one option, the cut-off `k`, and is written `recall@5`, or `recall` for the
//! whole ranking. Names and definitions follow [ranx](https://github.com/AmenRa/ranx), and agree
//! with [trec_eval](https://github.com/usnistgov/trec_eval) under the names given with each metric.
//! What holds for all metrics of agreement:
//!
//! - An item is relevant if its grade is above 0. Only ndcg and ndcg_burges look at how far above.
//! - A user without relevant items, and one without a ranking, has the value 0 and counts in the
//!   mean; so it is in ranx with `make_comparable` and in trec_eval with `-c`. (Without `-c`,
//!   trec_eval leaves users without a ranking out of the mean.)
//! - A ranking shorter than `k` is as good as one filled up with irrelevant items.

#[macro_use]
mod cutoff;
mod accuracy;
mod beyond_accuracy;
mod ndcg;
mod ranks;

pub use accuracy::{F1, HitRate, Precision, RPrecision, Recall};
pub use beyond_accuracy::{Coverage, Gini, IntraListDiversity, Novelty};
pub use ndcg::{Ndcg, NdcgBurges};
pub use ranks::{AveragePrecision, ReciprocalRank};

gloss_core::plugin! {
    metric "coverage" => Coverage,
    metric "f1" => F1,
    metric "gini" => Gini,
    metric "hit_rate" => HitRate,
    metric "intra_list_diversity" => IntraListDiversity,
    metric "map" => AveragePrecision,
    metric "mrr" => ReciprocalRank,
    metric "ndcg" => Ndcg,
    metric "ndcg_burges" => NdcgBurges,
    metric "novelty" => Novelty,
    metric "precision" => Precision,
    metric "r_precision" => RPrecision,
    metric "recall" => Recall,
}
