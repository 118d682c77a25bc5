//! The driver of all stages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gloss_core::{
    ArtefactRequest, ArtefactStore, BuildArtefact, Context, Error, Result, hash_file,
    move_into_place,
};
use serde_json::json;

use super::artefact::{Artefact, Record};
use super::explain::explain;
use super::{Cache, lock};
use crate::files::{create_folder, remove_folder};
use crate::stage::{OnPartial, Provenance, Stage, StageRow};

/// Runs stages for a run or a training; clones are the same driver. The artefacts that it used stay
/// locked until the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Driver {
    shared: Arc<Shared>,
    /// The method that stages are run for.
    method: Option<String>,
}

struct Shared {
    cache: Cache,
    context: Context,
    rows: Mutex<Vec<StageRow>>,
    locks: Mutex<Vec<File>>,
}

/// The result of a stage.
pub(crate) struct Made<T> {
    /// The result in memory.
    pub(crate) value: T,
    /// The result on disk.
    pub(crate) artefact: Artefact,
}

/// An artefact and, if it was just built, its result in memory.
struct Built<T> {
    artefact: Artefact,
    fresh: Option<T>,
}

impl Driver {
    /// A driver that keeps artefacts in `cache`.
    pub(crate) fn new(cache: &Cache, context: &Context) -> Self {
        Driver {
            shared: Arc::new(Shared {
                cache: cache.clone(),
                context: context.clone(),
                rows: Mutex::default(),
                locks: Mutex::default(),
            }),
            method: None,
        }
    }

    /// The same driver, running stages for a method.
    pub(crate) fn for_method(&self, method: &str) -> Self {
        Driver {
            shared: Arc::clone(&self.shared),
            method: Some(method.to_string()),
        }
    }

    /// The method that stages are run for.
    pub(crate) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The context for components: with progress, interruption and this driver's cache.
    pub(crate) fn context(&self) -> Context {
        self.shared.context.with_artefacts(Arc::new(self.clone()))
    }

    /// The rows of the stages that were run, in the order of their ends.
    pub(crate) fn rows(&self) -> Vec<StageRow> {
        let rows = self.shared.rows.lock();
        rows.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the stage's result from the cache, or makes it. Processes that want the same result
    /// wait for each other.
    pub(crate) fn run<S: Stage>(&self, stage: &S) -> Result<Made<S::Output>> {
        let provenance = stage.provenance()?;
        self.run_as(stage, &provenance, stage.on_partial(), |folder| {
            stage.make(folder)
        })
    }

    /// Like [`run`](Self::run), with a provenance that is known, and another way to make the result.
    pub(crate) fn run_as<S: Stage>(
        &self,
        stage: &S,
        provenance: &Provenance,
        on_partial: OnPartial,
        make: impl FnOnce(&Path) -> Result<Option<S::Output>>,
    ) -> Result<Made<S::Output>> {
        let built = self.get_or_build(stage.name(), provenance, on_partial, make)?;
        let value = match built.fresh {
            Some(value) => value,
            None => stage.read(&built.artefact.folder)?,
        };
        Ok(Made {
            value,
            artefact: built.artefact,
        })
    }

    /// The stage's result, if it is in the cache; else the reason why it is not.
    pub(crate) fn find<S: Stage>(
        &self,
        stage: &S,
        provenance: &Provenance,
    ) -> Result<std::result::Result<Made<S::Output>, String>> {
        let (shared, start) = (&self.shared, Instant::now());
        let key = provenance.key(stage.name());
        let folder = shared.cache.stage(stage.name()).join(&key);
        let lock = lock::open(&shared.cache.lock_file(stage.name(), &key))?;
        lock::wait_for_shared(&lock, &shared.context)?;
        let Some(artefact) = find(&folder, provenance)? else {
            let others = shared.cache.stage(stage.name());
            return Ok(Err(explain(&others, provenance.parts())));
        };
        self.keep(lock, stage.name(), key, None, start);
        let value = stage.read(&artefact.folder)?;
        Ok(Ok(Made { value, artefact }))
    }

    /// The absolute path of a stage's result.
    ///
    /// # Errors
    /// If the current folder is gone.
    pub(crate) fn folder(&self, stage: &str, provenance: &Provenance) -> Result<PathBuf> {
        let folder = self.shared.cache.stage(stage).join(provenance.key(stage));
        std::path::absolute(&folder).map_err(Error::io("find", &folder))
    }

    fn get_or_build<T>(
        &self,
        stage: &str,
        provenance: &Provenance,
        on_partial: OnPartial,
        make: impl FnOnce(&Path) -> Result<Option<T>>,
    ) -> Result<Built<T>> {
        let (shared, start) = (&self.shared, Instant::now());
        let key = provenance.key(stage);
        let folder = shared.cache.stage(stage).join(&key);
        let lock = lock::open(&shared.cache.lock_file(stage, &key))?;
        lock::wait_for_shared(&lock, &shared.context)?;
        if let Some(artefact) = find(&folder, provenance)? {
            self.keep(lock, stage, key, None, start);
            return Ok(Built {
                artefact,
                fresh: None,
            });
        }
        // A lock cannot be upgraded; whoever comes first builds.
        let _ = lock.unlock();
        lock::wait_for(&lock, &shared.context)?;
        if let Some(artefact) = find(&folder, provenance)? {
            self.keep(lock, stage, key, None, start);
            return Ok(Built {
                artefact,
                fresh: None,
            });
        }
        let partial = folder.with_extension("partial");
        if self.fetch(stage, &key, &folder)?
            && let Some(artefact) = find(&folder, provenance)?
        {
            self.keep(lock, stage, key, None, start);
            return Ok(Built {
                artefact,
                fresh: None,
            });
        }
        let reason = explain(&shared.cache.stage(stage), provenance.parts());
        tracing::info!(stage, key, reason, "building");
        if on_partial == OnPartial::Restart {
            remove_folder(&partial)?;
        }
        create_folder(&partial)?;
        let fresh = make(&partial)?;
        if let Err(error) = check_inputs(provenance) {
            remove_folder(&partial)?;
            return Err(error);
        }
        let record = Record::write(&partial, stage, provenance, start.elapsed().as_secs_f64())?;
        remove_folder(&folder)?;
        move_into_place(&partial, &folder)?;
        if let Some(mirror) = &shared.cache.mirror {
            mirror.publish(stage, &key, &folder)?;
        }
        self.keep(lock, stage, key, Some(reason), start);
        let artefact = Artefact::new(folder, record);
        Ok(Built { artefact, fresh })
    }

    /// Takes an artefact from the cache's mirror, if it has it. The caller holds the lock.
    fn fetch(&self, stage: &str, key: &str, folder: &Path) -> Result<bool> {
        let Some(mirror) = &self.shared.cache.mirror else {
            return Ok(false);
        };
        let fetched = folder.with_extension("fetched");
        remove_folder(&fetched)?;
        create_folder(&fetched)?;
        let is_there = mirror.fetch(stage, key, &fetched)?;
        if is_there {
            tracing::info!(stage, key, "taken from the mirror of the cache");
            remove_folder(folder)?;
            move_into_place(&fetched, folder)?;
        }
        remove_folder(&fetched)?;
        Ok(is_there)
    }

    /// Holds the lock of a used artefact, shared, and records the stage's row.
    fn keep(&self, lock: File, stage: &str, key: String, reason: Option<String>, start: Instant) {
        // From exclusive to shared without a gap, as far as the system can.
        let _ = lock.try_lock_shared();
        let row = StageRow {
            stage: stage.to_string(),
            method: self.method.clone(),
            artefact: key,
            reused: reason.is_none(),
            reason,
            seconds: start.elapsed().as_secs_f64(),
        };
        let (key, seconds) = (&row.artefact, row.seconds);
        match row.reused {
            true => tracing::info!(stage, key, "reused"),
            false => tracing::info!(stage, key, seconds, "built"),
        }
        let poisoned = PoisonError::into_inner;
        self.shared.rows.lock().unwrap_or_else(poisoned).push(row);
        let mut locks = self
            .shared
            .locks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        locks.push(lock);
    }
}

/// Checks that the files that an artefact was made from are those that its key was computed from.
fn check_inputs(provenance: &Provenance) -> Result<()> {
    for input in provenance.inputs() {
        let now = hash_file(&input.path)?;
        if now != input.blake3 {
            return Err(Error::Stale {
                path: input.path.clone(),
                message: "was changed while it was read; run again".to_string(),
            });
        }
    }
    Ok(())
}

/// The artefact in `folder`, if it is intact. A damaged one is reported and built again.
fn find(folder: &Path, provenance: &Provenance) -> Result<Option<Artefact>> {
    let record = match Record::read(folder) {
        Ok(None) => return Ok(None),
        Ok(Some(record)) => record,
        Err(Error::Stale { path, message }) => {
            tracing::warn!("{} {message}; it is built again", path.display());
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if let Some(problem) = record.problem(folder, provenance)? {
        tracing::warn!("{problem}; the artefact is built again");
        return Ok(None);
    }
    Ok(Some(Artefact::new(folder.to_path_buf(), record)))
}

/// Components reach the cache through their context.
impl ArtefactStore for Driver {
    fn get_or_build(
        &self,
        request: &ArtefactRequest<'_>,
        build: &mut BuildArtefact<'_>,
    ) -> Result<PathBuf> {
        let (changing, hash) = &request.changing;
        let files = gloss_core::hash_files(request.inputs.clone(), &self.shared.context)?;
        let provenance = Provenance::of_stage(option_env!("GLOSS_FINGERPRINT_STAGE"))
            .with_identity("component", &request.identity)
            .with_files("files", files)
            .with(*changing, json!(hash));
        let similar = self.similar(request.stage, &provenance, changing)?;
        let on_partial = OnPartial::Restart;
        let built = self.get_or_build(request.stage, &provenance, on_partial, |folder| {
            build(folder, similar.as_ref().map(|(folder, _)| folder.as_path()))?;
            Ok(None::<()>)
        })?;
        Ok(built.artefact.folder)
    }
}

impl Driver {
    /// The newest intact artefact whose provenance differs in the part `changing` alone, with its
    /// lock.
    fn similar(
        &self,
        stage: &str,
        provenance: &Provenance,
        changing: &str,
    ) -> Result<Option<(PathBuf, File)>> {
        let folder = self.shared.cache.stage(stage);
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(Some(record)) = Record::read(&entry.path()) else {
                continue;
            };
            let mut parts = record.provenance.clone();
            parts.insert(changing.to_string(), provenance.parts()[changing].clone());
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            if let (true, Ok(modified)) = (parts == *provenance.parts(), modified) {
                found.push((modified, entry.path(), record));
            }
        }
        found.sort_by(|a, b| (b.0, &b.1).cmp(&(a.0, &a.1)));
        for (_, path, record) in found {
            let key = path.file_name().unwrap_or_default().to_string_lossy();
            let lock = lock::open(&self.shared.cache.lock_file(stage, &key))?;
            lock::wait_for_shared(&lock, &self.shared.context)?;
            if super::first_mismatch(&path, &record.files)?.is_none() {
                return Ok(Some((path, lock)));
            }
        }
        Ok(None)
    }
}
