//! Finished runs, read from their folders.

use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, Segment};

use crate::cache::first_mismatch;
use crate::files::{damaged, read_json, read_record};
use crate::results::{Manifest, Results};
use crate::run_files::{MANIFEST, METRICS, VALUES_TABLE, folder_name, method_folder};
use crate::tables::Table;

/// A finished run whose files are those that it wrote.
#[derive(Debug, Clone)]
pub struct FinishedRun {
    /// The folder.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
    /// The results.
    pub results: Results,
}

/// The values of a method's metrics by user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserValues {
    /// The identifiers of the users.
    pub users: Vec<String>,
    /// The numbers of their interactions, targets included, equal ones counted as one; empty if
    /// they are not known.
    pub interactions: Vec<u32>,
    /// The label of each metric, and its value for each user.
    pub metrics: Vec<(String, Vec<f64>)>,
}

impl FinishedRun {
    /// Opens the runs in `folder`: the one that it holds, or those in its folders `seed-1`,
    /// `seed-2` and so on, ordered by seed.
    ///
    /// # Errors
    /// If there is none; if a file was changed since it was written.
    pub fn open(folder: &Path) -> Result<Vec<Self>> {
        if folder.join(MANIFEST).is_file() {
            return Ok(vec![FinishedRun::open_one(folder)?]);
        }
        let mut seeds = seed_folders(folder);
        seeds.sort_unstable();
        if seeds.is_empty() {
            let message = format!("is not the folder of a run: it has no {MANIFEST}");
            return Err(Error::input(folder, message));
        }
        let folders = seeds.into_iter();
        folders
            .map(|(_, folder)| FinishedRun::open_one(&folder))
            .collect()
    }

    fn open_one(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let (manifest, intact) = read_record::<Manifest>(&path)?;
        let problem = match intact {
            true => first_mismatch(folder, &manifest.files)?,
            false => Some(format!(
                "{} does not have the content that was written",
                path.display()
            )),
        };
        if let Some(problem) = problem {
            return Err(Error::Usage(format!("{problem}; run the experiment again")));
        }
        if !folder.join(METRICS).is_file() {
            let message = "is the folder of a training; expected that of a run";
            return Err(Error::input(folder, message));
        }
        Ok(FinishedRun {
            folder: folder.to_path_buf(),
            results: read_json(&folder.join(METRICS))?,
            manifest,
        })
    }

    /// The user segments of the run.
    pub fn segments(&self) -> Vec<Segment> {
        let segments = self.manifest.experiment["segments"].clone();
        serde_json::from_value(segments).unwrap_or_default()
    }

    /// The folder of a method's files.
    pub fn method_folder(&self, method: &str) -> PathBuf {
        method_folder(&self.folder, method, self.results.methods.len())
    }

    /// Returns `true` if `name` is a method's, or its folder's.
    pub fn is_method(method: &str, name: &str) -> bool {
        method == name || folder_name(method) == name
    }

    /// The values of a method's metrics by user.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn user_values(&self, method: &str) -> Result<UserValues> {
        let path = self.method_folder(method).join(VALUES_TABLE);
        let table = Table::read(&path)?;
        let users = table.text("user")?;
        let users = users
            .iter()
            .map(|user| user.unwrap_or_default().to_string());
        let mut values = UserValues {
            users: users.collect(),
            interactions: table.uint32("interactions")?.to_vec(),
            metrics: Vec::new(),
        };
        for name in table.names() {
            if name != "user" && name != "interactions" {
                let column = table.float64(&name)?.to_vec();
                values.metrics.push((name, column));
            }
        }
        match values.users.is_empty() {
            true => Err(damaged(&path, "no users")),
            false => Ok(values),
        }
    }
}

/// The folders of the seeds of a run, with their seeds.
fn seed_folders(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let seeds = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let seed = name.strip_prefix("seed-")?.parse().ok()?;
        let path = entry.path();
        path.join(MANIFEST).is_file().then_some((seed, path))
    });
    seeds.collect()
}
