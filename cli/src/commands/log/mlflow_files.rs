//! MLflow's file store: a folder for each experiment and run, a file for each parameter and metric.

use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result};

use super::{Logged, Tracker};

/// A file store.
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Folder {
            root: root.to_path_buf(),
        }
    }

    /// The folder of an experiment, named by the hash of its name, and its identifier.
    fn experiment(&self, name: &str) -> Result<(PathBuf, String)> {
        let hash = blake3::hash(name.as_bytes());
        let bytes = hash
            .as_bytes()
            .first_chunk::<8>()
            .copied()
            .unwrap_or_default();
        // MLflow's own identifiers of experiments are numbers of 18 digits.
        let id = format!("{:018}", u64::from_le_bytes(bytes) % 10_u64.pow(18));
        let folder = self.root.join(&id);
        let location = quoted(&folder.display().to_string());
        let meta = format!(
            "artifact_location: {location}\nexperiment_id: '{id}'\nlifecycle_stage: active\nname: {}\n",
            quoted(name)
        );
        write(&folder.join("meta.yaml"), &meta)?;
        Ok((folder, id))
    }
}

/// A text as a JSON string, which is one of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
    }
    fs::write(path, text).map_err(Error::io("write", path))
}

impl Tracker for Folder {
    fn log(&self, run: &Logged) -> Result<String> {
        let (experiment, experiment_id) = self.experiment(&run.experiment)?;
        let id = run.id();
        let folder = experiment.join(&id);
        let meta = format!(
            "artifact_uri: {}\nend_time: {}\nentry_point_name: ''\nexperiment_id: '{experiment_id}'\n\
             lifecycle_stage: active\nrun_id: {id}\nrun_name: {}\nrun_uuid: {id}\nsource_name: gloss\nsource_type: 4\n\
             source_version: ''\nstart_time: {}\nstatus: 3\ntags: []\nuser_id: ''\n",
            quoted(&folder.join("artifacts").display().to_string()),
            run.end,
            quoted(&run.name),
            run.start,
        );
        fs::create_dir_all(folder.join("artifacts"))
            .map_err(Error::io("create the folder", &folder))?;
        for (key, value) in &run.parameters {
            write(&folder.join("params").join(key), value)?;
        }
        for (key, value) in &run.metrics {
            write(
                &folder.join("metrics").join(key),
                &format!("{} {value} 0\n", run.end),
            )?;
        }
        for (key, value) in &run.tags {
            write(&folder.join("tags").join(key), value)?;
        }
        write(&folder.join("tags/mlflow.runName"), &run.name)?;
        write(&folder.join("meta.yaml"), &meta)?;
        Ok(id)
    }
}
