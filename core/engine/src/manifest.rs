//! The folder that a run or a training leaves: its manifest, and when it is reused or replaced.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gloss_core::{Component, Context, Error, Identity, Result};
use serde_json::json;

use crate::cache::{checksums, first_mismatch};
use crate::config::Experiment;
use crate::files::{read_record, write_record};
use crate::output_folder::OutputFolder;
use crate::program::{VERSION, peak_memory};
use crate::results::Manifest;
use crate::run_files::{MANIFEST, RUN_LOG, TRAIN_LOG, folder_name};
use crate::stage::{Provenance, StageRow};

/// The treatment of another run or training in the output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is kept, and an error is returned.
    Refuse,
    /// It is replaced once the new one is complete.
    Replace,
}

/// The kind of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Run,
    Training,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Work::Run => "run",
            Work::Training => "training",
        }
    }
}

/// The folder of a run or a training.
pub(crate) struct Folder<'a> {
    work: Work,
    experiment: &'a Experiment,
    provenance: Provenance,
    key: String,
    /// The path.
    pub(crate) path: PathBuf,
    output: OutputFolder,
    started: SystemTime,
    clock: Instant,
}

impl<'a> Folder<'a> {
    /// Waits until no other process writes the folder, which `experiment` names or which is named by
    /// the hash of everything that the result depends on.
    pub(crate) fn open(work: Work, experiment: &'a Experiment, context: &Context) -> Result<Self> {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let (path, provenance) = place(work, experiment, context)?;
        let key = provenance.key(work.name());
        Ok(Folder {
            output: OutputFolder::locked(&path, context)?,
            work,
            experiment,
            provenance,
            key,
            path,
            started,
            clock,
        })
    }

    /// Returns the manifest of the same run or training, if the folder holds it.
    ///
    /// # Errors
    /// If the folder holds anything else, unless it may be replaced; if a file of it was changed.
    pub(crate) fn find(&self, existing: Existing) -> Result<Option<Manifest>> {
        let entries = self.output.entries();
        if entries.is_empty() {
            return Ok(None);
        }
        let (path, work) = (self.path.display(), self.work.name());
        let manifest = read_record::<Manifest>(&self.path.join(MANIFEST)).ok();
        let manifest = manifest.filter(|(manifest, _)| {
            let own = own_entries(manifest);
            entries.iter().all(|entry| own.contains(&entry.as_str()))
        });
        let Some((manifest, intact)) = manifest else {
            return Err(Error::Usage(format!(
                "the output folder {path} holds files that are not a {work} of gloss; it is left \
                 as it is. Choose another by `output` or --output"
            )));
        };
        if existing == Existing::Replace {
            return Ok(None);
        }
        if manifest.key != self.key {
            return Err(Error::Usage(format!(
                "the output folder {path} holds another {work} (of {}, with other settings, data or \
                 code); it is left as it is. Choose another by `output` or --output, or replace it \
                 by --overwrite",
                manifest.experiment["name"],
            )));
        }
        let problem = match intact {
            true => first_mismatch(&self.path, &manifest.files)?,
            false => {
                let manifest = self.path.join(MANIFEST);
                let what = "does not have the content that was written";
                Some(format!("{} {what}", manifest.display()))
            }
        };
        match problem {
            None => Ok(Some(manifest)),
            Some(problem) => Err(Error::Usage(format!(
                "{problem}; run again with --overwrite to replace the {work}"
            ))),
        }
    }

    /// Creates the empty folder to write into.
    pub(crate) fn begin(&self) -> Result<&Path> {
        self.output.begin()
    }

    /// Writes the manifest and moves the folder into place.
    pub(crate) fn finish(&self, stages: Vec<StageRow>) -> Result<()> {
        let partial = self.output.partial();
        let manifest = Manifest {
            gloss: VERSION.to_string(),
            key: self.key.clone(),
            experiment: self.experiment.describe()?,
            packages: packages(self.experiment),
            provenance: json!(self.provenance.parts()),
            code: self.provenance.code().to_vec(),
            inputs: self.provenance.inputs().to_vec(),
            started: self
                .started
                .duration_since(UNIX_EPOCH)
                .map_or(0, |started| started.as_secs()),
            seconds: self.clock.elapsed().as_secs_f64(),
            peak_memory: peak_memory(),
            stages,
            files: checksums(partial)?,
        };
        write_record(&partial.join(MANIFEST), &manifest)?;
        self.output.finish()
    }
}

/// The folder of a run of the experiment: the one that it names, or one that is named by the hash of
/// everything that the result depends on.
///
/// # Errors
/// If a file that the result depends on cannot be read.
pub fn run_folder(experiment: &Experiment, context: &Context) -> Result<PathBuf> {
    place(Work::Run, experiment, context).map(|(path, _)| path)
}

/// The path of a folder, and everything that its content depends on.
fn place(work: Work, experiment: &Experiment, context: &Context) -> Result<(PathBuf, Provenance)> {
    let provenance = provenance(work, experiment, context)?;
    let path = experiment.output.clone().unwrap_or_else(|| {
        let middle = match work {
            Work::Run => "",
            Work::Training => "-train",
        };
        let key = provenance.key(work.name());
        let name = format!("{}{middle}-{}", folder_name(&experiment.name), &key[..8]);
        Path::new("runs").join(name)
    });
    Ok((path, provenance))
}

/// The names of everything directly in a folder that belongs to it.
fn own_entries(manifest: &Manifest) -> Vec<&str> {
    let files = manifest.files.iter();
    let first = |path: &'_ str| path.split('/').next().map_or(0, str::len);
    files
        .map(|file| &file.path[..first(&file.path)])
        .chain([MANIFEST, RUN_LOG, TRAIN_LOG])
        .collect()
}

/// Everything that a run or a training depends on.
fn provenance(work: Work, experiment: &Experiment, context: &Context) -> Result<Provenance> {
    let files = |paths| gloss_core::hash_files(paths, context);
    let dataset = experiment.dataset.as_ref();
    let mut all = Provenance::of_stage(option_env!("GLOSS_FINGERPRINT"))
        .with(work.name(), experiment.describe()?)
        .with_identity("dataset", &Identity::of(dataset)?)
        .with_files("dataset files", files(dataset.inputs()?)?);
    for (at, metric) in experiment.metrics.iter().enumerate() {
        all = all.with_identity(&format!("metric {at}"), &Identity::of(metric.as_ref())?);
    }
    for method in &experiment.methods {
        let name = &method.name;
        let generator = method.generator.as_ref();
        all = all
            .with_identity(&format!("{name}: generator"), &generator.identity()?)
            .with_files(
                format!("{name}: generator files"),
                files(generator.inputs()?)?,
            );
        if let Some(trainer) = generator.trainer() {
            let inputs = files(trainer.inputs()?)?;
            all = all.with_files(format!("{name}: training files"), inputs);
        }
        if let Some(metric) = &method.validation {
            let identity = Identity::of(metric.as_ref())?;
            all = all.with_identity(&format!("{name}: validation metric"), &identity);
        }
        if let Some(retriever) = &method.retriever {
            all = all
                .with_identity(&format!("{name}: retriever"), &retriever.identity()?)
                .with_files(
                    format!("{name}: retriever files"),
                    files(retriever.inputs()?)?,
                );
        }
    }
    Ok(all)
}

/// The packages of all components, with their versions.
fn packages(experiment: &Experiment) -> Vec<String> {
    let mut components: Vec<&dyn Component> = vec![experiment.dataset.as_ref()];
    for metric in &experiment.metrics {
        components.push(metric.as_ref());
    }
    for method in &experiment.methods {
        components.push(method.generator.as_ref());
        if let Some(retriever) = &method.retriever {
            components.push(retriever.as_ref());
        }
        if let Some(metric) = &method.validation {
            components.push(metric.as_ref());
        }
    }
    let mut packages: Vec<String> = components
        .into_iter()
        .map(|component| {
            let (name, version) = component.package();
            format!("{name} {version}")
        })
        .collect();
    packages.sort();
    packages.dedup();
    packages
}
