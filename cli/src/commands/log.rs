//! `gloss log`: a finished run in an experiment tracker.

mod mlflow_files;
#[cfg(feature = "http")]
mod mlflow_server;
mod tensorboard;
mod wandb;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gloss_core::Error;
use gloss_engine::FinishedRun;
use serde_json::{Value, json};

use self::tensorboard::EventFiles;
use self::wandb::OfflineRuns;
use crate::args::{Log, TrackerKind};
use crate::session::Session;

/// A run of a tracker: a method of a run of ours.
struct Logged {
    experiment: String,
    name: String,
    /// In milliseconds since 1970.
    start: u64,
    /// In milliseconds since 1970.
    end: u64,
    parameters: BTreeMap<String, String>,
    metrics: BTreeMap<String, f64>,
    tags: BTreeMap<String, String>,
}

impl Logged {
    /// The hash of the run and the method, so that a run that is logged twice is there once: 32 letters
    /// and digits.
    fn id(&self) -> String {
        let key = self.tags.get("gloss.key").map_or("", String::as_str);
        let hash = blake3::hash(format!("{key} {}", self.name).as_bytes());
        hash.to_hex()[..32].to_string()
    }
}

/// The place that runs are logged to.
trait Tracker {
    /// Logs a run, and returns its identifier.
    fn log(&self, run: &Logged) -> gloss_core::Result<String>;
}

pub(crate) fn execute(args: &Log, session: &Session) -> Result<()> {
    let (uri, tracker) = tracker(args)?;
    let mut runs = Vec::new();
    for folder in &args.runs {
        for run in FinishedRun::open(&session.remote.local(folder)?)? {
            for logged in logged(&run) {
                let id = tracker.log(&logged)?;
                runs.push(
                    json!({ "experiment": logged.experiment, "method": logged.name, "run": id }),
                );
            }
        }
    }
    let value = json!({ "uri": uri, "runs": runs });
    session.output.show(&value, |_, _| {
        let lines = runs.iter().map(|run| {
            format!(
                "{} {}",
                run["run"].as_str().unwrap_or_default(),
                run["method"]
            )
        });
        format!("logged to {uri}:\n{}", lines.collect::<Vec<_>>().join("\n"))
    })
}

/// The tracker that the flags name, and where it is.
fn tracker(args: &Log) -> Result<(String, Box<dyn Tracker>)> {
    let (variable, default) = match args.tracker {
        TrackerKind::Mlflow => (Some("MLFLOW_TRACKING_URI"), "mlruns"),
        TrackerKind::Tensorboard => (None, "runs"),
        TrackerKind::Wandb => (Some("WANDB_DIR"), "."),
    };
    let variable = || std::env::var(variable?).ok();
    let uri = args.uri.clone().or_else(variable);
    let uri = uri.unwrap_or_else(|| default.to_string());
    let tracker: Box<dyn Tracker> = match (args.tracker, uri.split_once("://")) {
        (TrackerKind::Tensorboard, None) => Box::new(EventFiles(PathBuf::from(&uri))),
        (TrackerKind::Wandb, None) => Box::new(OfflineRuns(PathBuf::from(&uri))),
        (TrackerKind::Tensorboard | TrackerKind::Wandb, Some(_)) => {
            let message = format!("cannot log to `{uri}`: give a folder for this tracker");
            return Err(Error::Usage(message).into());
        }
        (TrackerKind::Mlflow, _) => mlflow(&uri)?,
    };
    Ok((uri, tracker))
}

fn mlflow(uri: &str) -> Result<Box<dyn Tracker>> {
    Ok(match uri.split_once("://") {
        #[cfg(feature = "http")]
        Some(("http" | "https", _)) => Box::new(mlflow_server::Server::new(uri)),
        #[cfg(not(feature = "http"))]
        Some(("http" | "https", _)) => {
            return Err(super::without_http("gloss log to a server").into());
        }
        Some(("file", path)) => Box::new(mlflow_files::Folder::new(Path::new(path))),
        Some((scheme, _)) => {
            let message = format!(
                "cannot log to `{uri}`: {scheme} is not known; give http, https, file, or a folder"
            );
            return Err(Error::Usage(message).into());
        }
        None => Box::new(mlflow_files::Folder::new(Path::new(uri))),
    })
}

/// A run of the tracker for each method.
fn logged(run: &FinishedRun) -> Vec<Logged> {
    let experiment = &run.manifest.experiment;
    let methods = run.results.methods.iter().map(|result| {
        let described = ["methods", "fusions"]
            .iter()
            .flat_map(|kind| experiment[kind].as_array());
        let described = described
            .flatten()
            .find(|method| method["name"] == result.method);
        let mut parameters = BTreeMap::new();
        flatten("dataset", &experiment["dataset"], &mut parameters);
        flatten("", described.unwrap_or(&Value::Null), &mut parameters);
        parameters.insert("split".to_string(), run.results.split.to_string());
        let mut metrics = BTreeMap::new();
        for value in &result.metrics {
            metrics.insert(plain(&value.metric), value.value);
        }
        for segment in &result.segments {
            for value in &segment.metrics {
                let name = format!("{}/{}", plain(&segment.segment), plain(&value.metric));
                metrics.insert(name, value.value);
            }
        }
        let tags = [
            ("gloss.version", run.manifest.gloss.clone()),
            ("gloss.key", run.manifest.key.clone()),
            ("gloss.folder", run.folder.display().to_string()),
            ("gloss.data", run.results.audit.fingerprint.clone()),
        ];
        let start = run.manifest.started * 1000;
        Logged {
            experiment: run.results.experiment.clone(),
            name: result.method.clone(),
            start,
            end: start + (run.manifest.seconds * 1000.0) as u64,
            parameters,
            metrics,
            tags: tags.map(|(name, value)| (name.to_string(), value)).into(),
        }
    });
    methods.collect()
}

/// A name in the letters that MLflow allows, which may be that of a file: `recall@5` is `recall_at_5`.
fn plain(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    let name = name.replace('@', "_at_");
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    match name.starts_with('.') {
        true => format!("_{name}"),
        false => name,
    }
}

/// Adds the values of tables of tables under keys such as `retriever.k1`.
fn flatten(above: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                let key = if above.is_empty() {
                    name.clone()
                } else {
                    format!("{above}.{name}")
                };
                flatten(&key, value, found);
            }
        }
        Value::Null => {}
        Value::String(text) => drop(found.insert(plain(above), text.clone())),
        other => drop(found.insert(plain(above), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_letters_that_mlflow_allows() {
        assert_eq!(plain("recall@5"), "recall_at_5");
        assert_eq!(plain("f(β)"), "f___");
        assert_eq!(plain("../../x"), "_.._.._x");
    }

    #[test]
    fn options_of_tables_have_dotted_keys() {
        let mut found = BTreeMap::new();
        let value = json!({"retriever": {"type": "bm25", "k1": 1.5}, "validation": null});
        flatten("", &value, &mut found);
        let expected = [("retriever.k1", "1.5"), ("retriever.type", "bm25")];
        assert!(
            found
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .eq(expected)
        );
    }
}
