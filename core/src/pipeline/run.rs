//! All stages in a row, and the folder that a run leaves.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::provenance::{all_inputs, code, packages, peak_memory};
use super::score::{Judge, MethodResult, Ranked};
use super::{Generated, Indexed, Prepared, export, generate, index, prepare, retrieve, train};
use crate::config::folder_name;
use crate::output::OutputFolder;
use crate::store::{Artefact, Input, Store, VERSION, build, hash, read_json, write_json};
use crate::{
    Context, Error, Experiment, FusedMethods, Hit, Lists, Method, QueryKind, Report, Result,
};

pub(super) const MANIFEST: &str = "manifest.json";
const METRICS: &str = "metrics.json";
const QRELS: &str = "qrels.trec";

/// The files of each method.
const METHOD_FILES: [&str; 3] = ["run.trec", "per-user.parquet", "per-user.jsonl"];
/// The file of a method whose queries have a text.
const GENERATED: &str = "generated.json";

/// The files that a run's folder may hold. No method's folder may have such a name.
pub(crate) const RUN_FILES: [&str; 8] = [
    MANIFEST,
    METRICS,
    QRELS,
    "run.log",
    METHOD_FILES[0],
    METHOD_FILES[1],
    METHOD_FILES[2],
    GENERATED,
];

/// What a run says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of gloss.
    pub gloss: String,
    /// The hash of all that the run was made from.
    pub key: String,
    /// The experiment, defaults included.
    pub experiment: Value,
    /// The packages that the components are from, with their versions.
    pub packages: Vec<String>,
    /// The files of components' code that is not compiled in: plugin libraries, programs.
    #[serde(default)]
    pub code: Vec<Input>,
    /// The files that were read.
    pub inputs: Vec<Input>,
    /// When the run started, in seconds since 1970.
    pub started: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The most memory that the process had, in bytes; none where the system does not tell.
    pub peak_memory: Option<u64>,
    /// Each stage, in the order in which they ran.
    pub stages: Vec<Stage>,
    /// The names of what a training left in its folder; none of a run, whose files have fixed names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<String>,
}

/// One stage of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stage {
    /// The stage's name.
    pub stage: String,
    /// The method that it ran for; none if for all.
    pub method: Option<String>,
    /// The key of its artefact.
    pub artefact: String,
    /// Whether the artefact was there already.
    pub reused: bool,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What a run shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The experiment's name.
    pub experiment: String,
    /// The data set's name.
    pub dataset: String,
    /// The cases that the methods were judged on.
    pub split: crate::Split,
    /// The methods, in the experiment's order.
    pub methods: Vec<MethodResult>,
    /// What the loader said of the data.
    pub data: Report,
}

impl Stage {
    pub(super) fn new(stage: &str, method: Option<&str>, artefact: &Artefact) -> Self {
        Stage {
            stage: stage.to_string(),
            method: method.map(str::to_string),
            artefact: artefact.key.clone(),
            reused: artefact.reused,
            seconds: artefact.seconds,
        }
    }
}

/// A finished run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it was there already, so that nothing was done.
    pub reused: bool,
    /// What came out.
    pub results: Results,
}

/// What becomes of another run's folder in the place of this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is kept, and the run is refused.
    Refuse,
    /// It is replaced, once the new run is complete.
    Replace,
}

/// Runs an experiment, or finds the equal run that was made before. The run's folder holds
/// `manifest.json`, `metrics.json`, `qrels.trec` and, for each method (in a folder of its own if
/// there are several), `run.trec`, `per-user.parquet`, `per-user.jsonl` and, unless its queries
/// are vectors, `generated.json`. It appears whole or not at all.
///
/// # Errors
/// Whatever a stage fails with; or if the folder is in use by something else.
pub fn run(
    experiment: &Experiment,
    store: &Store,
    existing: Existing,
    context: &Context,
) -> Result<Run> {
    let clock = std::time::Instant::now();
    let started = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let inputs = all_inputs(experiment, context)?;
    let code = code(experiment)?;
    let made_from = json!({
        "build": build(),
        "experiment": experiment.describe()?,
        "packages": packages(experiment),
        "code": Input::identity(&code),
        "inputs": Input::identity(&inputs),
    });
    let key = hash(&made_from);
    let folder = experiment.output.clone().unwrap_or_else(|| {
        let name = format!("{}-{}", folder_name(&experiment.name), &key[..8]);
        Path::new("runs").join(name)
    });
    let output = OutputFolder::locked(&folder, context)?;
    if let Some(results) = find(&folder, &output, &key, experiment, existing)? {
        return Ok(Run {
            folder,
            reused: true,
            results,
        });
    }
    let partial = output.begin()?;
    let (results, stages) = stages(experiment, store, partial, context)?;
    let manifest = Manifest {
        gloss: VERSION.to_string(),
        key,
        experiment: experiment.describe()?,
        packages: packages(experiment),
        code,
        inputs,
        started,
        seconds: clock.elapsed().as_secs_f64(),
        peak_memory: peak_memory(),
        stages,
        entries: Vec::new(),
    };
    write_json(&partial.join(METRICS), &results)?;
    write_json(&partial.join(MANIFEST), &manifest)?;
    output.finish()?;
    Ok(Run {
        folder,
        reused: false,
        results,
    })
}

/// The results of the run in `folder`, if it is the one that `key` names and complete.
fn find(
    folder: &Path,
    output: &OutputFolder,
    key: &str,
    experiment: &Experiment,
    existing: Existing,
) -> Result<Option<Results>> {
    if output.entries().is_empty() {
        return Ok(None);
    }
    let manifest = read_json::<Manifest>(&folder.join(MANIFEST)).ok();
    let manifest = manifest.filter(|manifest| {
        let own = manifest.files();
        output.entries().iter().all(|entry| own.contains(entry))
    });
    let Some(manifest) = manifest else {
        return Err(Error::Usage(format!(
            "the output folder {} holds files that are not a run of gloss, and is left as it is; \
             choose another by `output` or --output",
            folder.display()
        )));
    };
    if existing == Existing::Replace {
        return Ok(None);
    }
    if manifest.key != key {
        return Err(Error::Usage(format!(
            "the output folder {} holds another run (of {}, with other settings, data or build), \
             and is left as it is; choose another by `output` or --output, or replace it by \
             --overwrite",
            folder.display(),
            manifest.experiment["name"],
        )));
    }
    let of_methods = experiment.methods.iter().flat_map(|method| {
        let own = experiment.method_folder(folder, &method.name);
        let generated = method.has_texts().then_some(GENERATED);
        let files = METHOD_FILES.into_iter().chain(generated);
        files.map(move |file| own.join(file))
    });
    let of_fusions = experiment.fusions.iter().flat_map(|fused| {
        let own = experiment.method_folder(folder, &fused.name);
        METHOD_FILES.map(|file| own.join(file))
    });
    let of_run = [METRICS, QRELS].map(|file| folder.join(file));
    match of_methods
        .chain(of_fusions)
        .chain(of_run)
        .all(|file| file.exists())
    {
        true => Ok(Some(read_json(&folder.join(METRICS))?)),
        false => Ok(None),
    }
}

impl Method {
    /// Whether its queries are texts, or items, which have one.
    fn has_texts(&self) -> bool {
        self.generator.produces() != QueryKind::Vector
    }
}

impl Manifest {
    /// The names of all that a run's folder may hold: files, and the folders of methods.
    fn files(&self) -> Vec<String> {
        let named = |kind: &str| self.experiment[kind].as_array().into_iter().flatten();
        let methods = named("methods").chain(named("fusions"));
        let folders = methods.filter_map(|method| method["name"].as_str().map(folder_name));
        RUN_FILES
            .map(str::to_string)
            .into_iter()
            .chain(folders)
            .collect()
    }
}

fn stages(
    experiment: &Experiment,
    store: &Store,
    folder: &Path,
    context: &Context,
) -> Result<(Results, Vec<Stage>)> {
    let mut stages = Vec::new();
    let mut record = |stage: &str, method: Option<&str>, artefact: &Artefact| {
        stages.push(Stage::new(stage, method, artefact));
    };
    let prepared: Prepared = prepare(experiment.dataset.as_ref(), store, context)?;
    record("prepare", None, &prepared.artefact);
    if prepared.data.cases(experiment.split).is_empty() {
        return Err(Error::Usage(format!(
            "the data has no {} cases; for validation cases, raise \
             dataset.protocol.validation_share",
            experiment.split
        )));
    }
    let judge = Judge::of(experiment, &prepared.data);
    judge.write_qrels(&folder.join(QRELS))?;
    let (mut results, mut rankings) = (Vec::new(), Vec::new());
    for method in &experiment.methods {
        let name = Some(method.name.as_str());
        let trained = train(method, &prepared, store, context)?;
        if let Some(artefact) = &trained.artefact {
            record("train", name, artefact);
        }
        let generator = trained.generator.as_ref();
        let generated: Generated =
            generate(generator, experiment.split, &prepared, store, context)?;
        record("generate", name, &generated.artefact);
        let indexed: Option<Indexed<'_>> = match &method.retriever {
            Some(retriever) => Some(index(retriever.as_ref(), &prepared, store, context)?),
            None => None,
        };
        if let Some(indexed) = &indexed {
            record("index", name, &indexed.artefact);
        }
        let retrieved = retrieve(
            &method.ranking,
            experiment.split,
            &prepared,
            &generated,
            indexed.as_ref(),
            store,
            context,
        )?;
        record("retrieve", name, &retrieved.artefact);
        let ranked = Ranked::new(method, indexed.as_ref(), &retrieved);
        let own = experiment.method_folder(folder, &method.name);
        results.push(judge.judge(&ranked, &experiment.metrics, &own)?);
        if method.has_texts() {
            let cases = prepared.data.cases(experiment.split);
            let path = own.join(GENERATED);
            export::write(&path, &prepared.data, cases, &generated.queries)?;
        }
        rankings.push(retrieved.rankings);
    }
    for fused in &experiment.fusions {
        let ranked = Ranked {
            method: &fused.name,
            ranking: &fused.ranking,
            remarks: Vec::new(),
            rankings: &fuse(fused, &rankings),
        };
        let own = experiment.method_folder(folder, &fused.name);
        results.push(judge.judge(&ranked, &experiment.metrics, &own)?);
    }
    let results = Results {
        experiment: experiment.name.clone(),
        dataset: experiment.dataset.name().to_string(),
        split: experiment.split,
        methods: results,
        data: prepared.data.report.clone(),
    };
    Ok((results, stages))
}

/// The rankings of all cases that a fused method makes of those of all methods.
fn fuse(fused: &FusedMethods, rankings: &[Lists<Hit>]) -> Lists<Hit> {
    let cases = rankings.first().map_or(0, Lists::len);
    let of = |case: usize| {
        let parts = fused.methods.iter();
        let parts = parts.map(|&(method, weight)| (rankings[method].get(case), weight));
        fused.ranking.fuse_rankings(&parts.collect::<Vec<_>>())
    };
    (0..cases)
        .into_par_iter()
        .map(of)
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}
