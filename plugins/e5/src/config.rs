//! The options of the retriever.

use gloss_encoder::EncoderOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dense retrieval: an encoder of the BERT family (E5, MiniLM, BGE and the like) makes vectors of
/// texts, and the items whose vectors are most like the query's are found.
///
/// An item's score is the cosine of the angle between the vectors, or their inner product. What a
/// model wants its texts to look like is known for many models by their names, and read from the
/// folder for those that sentence-transformers wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct E5 {
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderOptions,
    /// The kind of search.
    #[serde(default)]
    pub search: Search,
    /// The approximate search by trees.
    #[serde(default)]
    pub arroy: Trees,
    /// The approximate search by inverted lists.
    #[serde(default)]
    pub ivf: Ivf,
}

/// The kind of search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Exactly up to a million items, by inverted lists beyond.
    #[default]
    Auto,
    /// Every item is scored.
    Exact,
    /// By trees on disk, for vectors that do not fit into memory: the items that look promising are
    /// scored.
    Arroy,
    /// By inverted lists in memory: the items of the lists nearest to the query are scored.
    Ivf,
}

/// The approximate search: arroy's trees of random planes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trees {
    /// The number of trees. More find more, and take space and time to build.
    #[schemars(range(min = 1, max = 10_000))]
    pub trees: usize,
    /// Items in the leaves that are looked at for each query; an item counts once for each tree
    /// that leads to it. More find more, and take time; a query has no more hits than this.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub candidates: usize,
    /// The most items in a leaf of a tree. Smaller leaves find more among as many candidates, and
    /// take room and time to build.
    #[schemars(range(min = 1))]
    pub split_after: usize,
    /// The most memory for vectors while trees are built, in GiB.
    #[schemars(range(min = 0.01))]
    pub memory: f64,
    /// Decides all random planes.
    pub seed: u64,
    /// Items whose texts are asked to measure recall against exact search, when the index is
    /// built.
    #[schemars(range(min = 1))]
    pub sample: usize,
    /// The least recall@10 of an index that is not refused.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub minimum_recall: f64,
}

impl Default for Trees {
    fn default() -> Self {
        Trees {
            trees: 20,
            candidates: 3000,
            split_after: 24,
            memory: 4.0,
            seed: 0,
            sample: 256,
            minimum_recall: 0.9,
        }
    }
}

/// The approximate search by inverted lists (an inverted file, IVF): k-means divides the items into
/// lists, and a query is compared with the items of the lists whose centroids are nearest to it.
/// The names of the options are those of faiss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ivf {
    /// The number of lists. By default four times the square root of the number of items, and at
    /// most one for each item.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub nlist: Option<usize>,
    /// The lists that are looked at for each query. More find more, and take time; a query has no
    /// more hits than these lists have items.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub nprobe: usize,
    /// The iterations of k-means.
    #[schemars(range(min = 1, max = 1_000))]
    pub niter: usize,
    /// The most items for each list from which k-means learns the centroids, spread evenly over the
    /// catalogue.
    #[schemars(range(min = 1))]
    pub max_points_per_centroid: usize,
    /// Items whose texts are asked to measure recall against exact search, when the index is
    /// built.
    #[schemars(range(min = 1))]
    pub sample: usize,
    /// The least recall@10 of an index that is not refused.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub minimum_recall: f64,
}

impl Default for Ivf {
    fn default() -> Self {
        Ivf {
            nlist: None,
            nprobe: 16,
            niter: 10,
            max_points_per_centroid: 64,
            sample: 256,
            minimum_recall: 0.9,
        }
    }
}

impl Ivf {
    /// The number of lists of so many items.
    pub fn lists(&self, items: usize) -> usize {
        let lists = self.nlist.unwrap_or(4 * items.isqrt());
        lists.clamp(1, items.max(1))
    }
}

/// The approximate search of an index, with its options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Approximate {
    /// By trees.
    Arroy(Trees),
    /// By inverted lists.
    Ivf(Ivf),
}

impl Approximate {
    /// Items whose texts are asked to measure the recall.
    pub(crate) fn sample(&self) -> usize {
        match self {
            Approximate::Arroy(trees) => trees.sample,
            Approximate::Ivf(lists) => lists.sample,
        }
    }

    /// The least recall, the option that says so, and the options that raise it, with their values.
    pub(crate) fn minimum_recall(&self, items: usize) -> (f64, &'static str, String) {
        match self {
            Approximate::Arroy(trees) => (
                trees.minimum_recall,
                "arroy.minimum_recall",
                format!(
                    "`arroy.candidates` ({}) or `arroy.trees` ({})",
                    trees.candidates, trees.trees
                ),
            ),
            Approximate::Ivf(lists) => (
                lists.minimum_recall,
                "ivf.minimum_recall",
                format!(
                    "`ivf.nprobe` ({} of {} lists)",
                    lists.nprobe,
                    lists.lists(items)
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_being_written() {
        for text in [
            r#"{"model": "m"}"#,
            r#"{"model": "m", "prefix": "none", "search": "arroy", "arroy": {"trees": 9}}"#,
            r#"{"model": "m", "prefix": {"query": "q: "}, "dtype": "bf16", "pooling": "cls"}"#,
            r#"{"model": "m", "search": "ivf", "ivf": {"nlist": 9, "nprobe": 2}}"#,
        ] {
            let options: E5 = serde_json::from_str(text).unwrap();
            let written = serde_json::to_value(&options).unwrap();
            assert_eq!(serde_json::from_value::<E5>(written).unwrap(), options);
        }
    }

    #[test]
    fn an_unknown_option_is_refused() {
        for text in [
            r#"{}"#,
            r#"{"model": "m", "k": 1}"#,
            r#"{"model": "m", "prefix": "auto", "arroy": {"tree": 1}}"#,
            r#"{"model": "m", "prefix": {"document": "d: "}}"#,
        ] {
            assert!(serde_json::from_str::<E5>(text).is_err(), "{text}");
        }
    }
}
