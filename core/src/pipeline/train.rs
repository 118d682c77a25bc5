//! The stage before the third, for generators that learn.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::provenance::{all_inputs, code, packages, peak_memory};
use super::run::MANIFEST;
use super::score::{Judge, Ranked};
use super::{Existing, Manifest, Prepared, Stage, generate, index, prepare, retrieve};
use crate::config::folder_name;
use crate::output::OutputFolder;
use crate::store::{
    Artefact, Input, Remains, Store, VERSION, build, create_folder, hash, identity, read_inputs,
    read_json, write_json,
};
use crate::{
    Component, Context, Error, Experiment, Method, Metric, QueryGenerator, Result, Split,
    describe_component,
};

/// A generator that is ready to be opened.
pub struct Trained {
    /// The generator: the method's own, or the one that uses what was learnt.
    pub generator: Arc<dyn QueryGenerator>,
    /// What was learnt, if anything had to be.
    pub artefact: Option<Artefact>,
}

/// Has the method's generator learn what it has to, or finds what was learnt before. Goes on where
/// an earlier attempt was killed.
///
/// # Errors
/// If the training fails, or a validation within it.
pub fn train(
    method: &Method,
    prepared: &Prepared,
    store: &Store,
    context: &Context,
) -> Result<Trained> {
    let Some(trainer) = method.generator.trainer() else {
        return Ok(Trained {
            generator: Arc::clone(&method.generator),
            artefact: None,
        });
    };
    let inputs = read_inputs(trainer.inputs()?, context)?;
    let made_from = json!({
        "training": trainer.identity_text()?,
        "package": identity_of_package(method.generator.as_ref())?,
        "inputs": Input::identity(&inputs),
        "data": prepared.artefact.key,
        "validation": validation(method)?,
    });
    let validate = |generator: &dyn QueryGenerator| {
        let Some(metric) = &method.validation else {
            return Err(Error::Internal("there is no metric to validate by".into()));
        };
        Validation {
            method,
            metric,
            prepared,
            store,
            context,
        }
        .value(generator)
    };
    let artefact = store.obtain("train", made_from, Remains::Continue, context, |folder| {
        trainer.train(&prepared.data, folder, &validate, context)
    })?;
    Ok(Trained {
        generator: trainer.trained(&artefact.folder),
        artefact: Some(artefact),
    })
}

fn identity_of_package(component: &dyn Component) -> Result<Value> {
    let (package, version) = component.package();
    let code = Input::identity(&component.code()?);
    Ok(json!([component.name(), package, version, code]))
}

/// What a validation through the method depends on, if there is one.
fn validation(method: &Method) -> Result<Option<Value>> {
    let Some(metric) = &method.validation else {
        return Ok(None);
    };
    let retriever = method.retriever.as_deref();
    Ok(Some(json!({
        "metric": identity(metric.as_ref())?,
        "generator": describe_component(method.generator.as_ref())?,
        "retriever": retriever.map(|retriever| identity(retriever)).transpose()?,
        "ranking": method.ranking,
    })))
}

/// A method on the validation cases.
struct Validation<'a> {
    method: &'a Method,
    metric: &'a Arc<dyn Metric>,
    prepared: &'a Prepared,
    store: &'a Store,
    context: &'a Context,
}

impl Validation<'_> {
    /// How good the method is with this generator in the place of its own; higher is better.
    fn value(&self, generator: &dyn QueryGenerator) -> Result<f64> {
        let split = Split::Validation;
        let (prepared, store, context) = (self.prepared, self.store, self.context);
        let generated = generate(generator, split, prepared, store, context)?;
        let indexed = match &self.method.retriever {
            Some(retriever) => Some(index(retriever.as_ref(), prepared, store, context)?),
            None => None,
        };
        let ranking = &self.method.ranking;
        let indexed = indexed.as_ref();
        let retrieved = retrieve(
            ranking, split, prepared, &generated, indexed, store, context,
        )?;
        let judge = Judge::new(&prepared.data, split);
        let metrics = [Arc::clone(self.metric)];
        let ranked = Ranked::new(self.method, indexed, &retrieved);
        let scored = judge.score(&ranked, &metrics)?;
        let figure = scored.result.figures.first();
        let value = figure.map_or(0.0, |figure| figure.value);
        Ok(match figure.is_none_or(|figure| figure.higher_is_better) {
            true => value,
            false => -value,
        })
    }
}

/// A finished training of an experiment's generators.
#[derive(Debug, Clone)]
pub struct Training {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it was there already, so that nothing was done.
    pub reused: bool,
    /// Each method that learns, and the folder of what it learnt.
    pub methods: Vec<(String, PathBuf)>,
    /// The stages that ran.
    pub stages: Vec<Stage>,
}

/// Trains the generators of an experiment that learn, each method in turn, and leaves a folder with
/// `manifest.json` and what each learnt (in a folder of its own if there are several methods). A
/// run of the same experiment finds it and trains nothing.
///
/// # Errors
/// Whatever a training fails with; if no generator learns; if the folder is in use by something
/// else.
pub fn train_experiment(
    experiment: &Experiment,
    store: &Store,
    existing: Existing,
    context: &Context,
) -> Result<Training> {
    let clock = Instant::now();
    let started = SystemTime::now().duration_since(UNIX_EPOCH);
    let learns = |method: &&Method| method.generator.trainer().is_some();
    let learning: Vec<&Method> = experiment.methods.iter().filter(learns).collect();
    if learning.is_empty() {
        return Err(Error::Usage(
            "no generator of this experiment learns; for `llama`, give `generator.training`".into(),
        ));
    }
    let inputs = all_inputs(experiment, context)?;
    let code = code(experiment)?;
    let made_from = json!({
        "build": build(),
        "code": Input::identity(&code),
        "training": experiment.describe()?,
        "inputs": Input::identity(&inputs),
    });
    let key = hash(&made_from);
    let folder = experiment.output.clone().unwrap_or_else(|| {
        let name = format!("{}-train-{}", folder_name(&experiment.name), &key[..8]);
        Path::new("runs").join(name)
    });
    let own = |method: &Method| experiment.method_folder(&folder, &method.name);
    let methods: Vec<(String, PathBuf)> = learning
        .iter()
        .map(|method| (method.name.clone(), own(method)))
        .collect();
    let output = OutputFolder::locked(&folder, context)?;
    if let Some(manifest) = found(&folder, &output, &key, existing)? {
        return Ok(Training {
            folder,
            reused: true,
            methods,
            stages: manifest.stages,
        });
    }
    let prepared = prepare(experiment.dataset.as_ref(), store, context)?;
    let mut stages = vec![Stage::new("prepare", None, &prepared.artefact)];
    let partial = output.begin()?;
    for method in learning {
        if let Some(artefact) = train(method, &prepared, store, context)?.artefact {
            copy(
                &artefact.folder,
                &experiment.method_folder(partial, &method.name),
            )?;
            stages.push(Stage::new("train", Some(&method.name), &artefact));
        }
    }
    let manifest = Manifest {
        gloss: VERSION.to_string(),
        key,
        experiment: experiment.describe()?,
        packages: packages(experiment),
        code,
        inputs,
        started: started.map_or(0, |started| started.as_secs()),
        seconds: clock.elapsed().as_secs_f64(),
        peak_memory: peak_memory(),
        stages: stages.clone(),
        entries: entries(partial)?,
    };
    write_json(&partial.join(MANIFEST), &manifest)?;
    output.finish()?;
    Ok(Training {
        folder,
        reused: false,
        methods,
        stages,
    })
}

/// What was told during a training.
const LOG: &str = "train.log";

/// The manifest of the same training, if it is in the folder already.
fn found(
    folder: &Path,
    output: &OutputFolder,
    key: &str,
    existing: Existing,
) -> Result<Option<Manifest>> {
    if output.entries().is_empty() {
        return Ok(None);
    }
    let manifest = read_json::<Manifest>(&folder.join(MANIFEST)).ok();
    let is_own = |manifest: &Manifest| {
        let own = |entry: &String| manifest.entries.contains(entry);
        output.entries().iter().all(own)
    };
    match manifest.filter(is_own) {
        Some(manifest) if manifest.key == key => Ok(Some(manifest)),
        Some(_) if existing == Existing::Replace => Ok(None),
        Some(_) => Err(Error::Usage(format!(
            "the output folder {} holds another training, and is left as it is; choose another by \
             `output` or --output, or replace it by --overwrite",
            folder.display(),
        ))),
        None => Err(Error::Usage(format!(
            "the output folder {} holds files that are not a training of gloss, and is left as it \
             is; choose another by `output` or --output",
            folder.display(),
        ))),
    }
}

/// The names of all that a training's folder holds when it is complete.
fn entries(folder: &Path) -> Result<Vec<String>> {
    let read = std::fs::read_dir(folder).map_err(Error::io("read the folder", folder))?;
    let mut names = vec![MANIFEST.to_string(), LOG.to_string()];
    for entry in read {
        let entry = entry.map_err(Error::io("read the folder", folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    create_folder(to)?;
    for entry in std::fs::read_dir(from).map_err(Error::io("read the folder", from))? {
        let entry = entry.map_err(Error::io("read the folder", from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target)?,
            false => drop(std::fs::copy(&path, &target).map_err(Error::io("write", &target))?),
        }
    }
    Ok(())
}
