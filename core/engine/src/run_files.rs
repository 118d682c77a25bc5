//! The files and folders of a run.

use std::path::{Path, PathBuf};

/// The file of a run or a training that describes it. It is written last.
pub const MANIFEST: &str = "manifest.json";
pub(crate) const METRICS: &str = "metrics.json";
pub(crate) const QRELS: &str = "qrels.trec";
/// A method's rankings.
pub(crate) const RANKINGS: &str = "run.trec";
/// The values of metrics by user.
pub(crate) const VALUES_TABLE: &str = "per-user.parquet";
/// The same in the layout of GLoSS.
pub(crate) const VALUES_LINES: &str = "per-user.jsonl";
/// The generated queries of a method, in the layout of GLoSS.
pub(crate) const GENERATED: &str = "generated.json";
/// The log of a run.
pub(crate) const RUN_LOG: &str = "run.log";
/// The log of a training.
pub(crate) const TRAIN_LOG: &str = "train.log";

/// The files that a run's folder may hold. No method's folder may have such a name.
pub(crate) const RUN_FILES: [&str; 8] = [
    MANIFEST,
    METRICS,
    QRELS,
    RUN_LOG,
    RANKINGS,
    VALUES_TABLE,
    VALUES_LINES,
    GENERATED,
];

/// Returns `name` as the name of a folder: lower-case letters, digits, `.`, `_`, `+` and `-`, all
/// else as `-`.
pub(crate) fn folder_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let mapped: String = name
        .to_lowercase()
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    let words: Vec<&str> = mapped.split('-').filter(|word| !word.is_empty()).collect();
    match words.join("-").trim_start_matches('.') {
        "" => "unnamed".to_string(),
        name => name.to_string(),
    }
}

/// Returns the folder of a method's files below that of a run: the run's own if it has one method.
pub(crate) fn method_folder(run: &Path, method: &str, methods: usize) -> PathBuf {
    match methods {
        1 => run.to_path_buf(),
        _ => run.join(folder_name(method)),
    }
}
