//! What is timed on our side, and the files that the peers are given.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use gloss as _;
use gloss_core::{
    Context, Data, Error, Evaluation, History, Index, Metric, QueryContent, Registry, Request,
    Result,
};
use gloss_engine::trec::{Qrels, Run, Ties, write_qrels, write_run};
use gloss_engine::{Experiment, ExperimentConfig};

const METRICS: [&str; 3] = ["recall@5", "ndcg@5", "mrr"];
const K: usize = 5;

/// A task: its name, its peer, and our side of it, in seconds.
pub(crate) type Task = (&'static str, &'static str, fn(&Tasks) -> Result<f64>);

/// Amazon Beauty and all that is done with it.
pub(crate) struct Tasks {
    folder: PathBuf,
    files: PathBuf,
    experiment: &'static Experiment,
    queries: Vec<QueryContent>,
    index: Box<dyn Index>,
}

impl Tasks {
    /// Prepares data, queries, index and files.
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        let files = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        let index = files.join("index");
        let _ = std::fs::remove_dir_all(&files);
        std::fs::create_dir_all(&index).map_err(Error::io("make the folder", &index))?;
        // The index borrows both, until the process ends.
        let experiment: &Experiment = Box::leak(Box::new(experiment(&folder)?));
        let context = Context::default();
        let data: &Data = Box::leak(Box::new(experiment.dataset.load(&context)?));
        let queries = queries(experiment, data)?;
        let retriever = experiment.methods[0].retriever.as_deref();
        let retriever = retriever.ok_or_else(|| Error::Internal("no retriever".into()))?;
        retriever.build(&data.catalogue, &index, &context)?;
        let tasks = Tasks {
            index: retriever.open(&data.catalogue, &index, &context)?,
            folder,
            files,
            experiment,
            queries,
        };
        tasks.write(data)?;
        Ok(tasks)
    }

    /// All tasks.
    pub(crate) fn all(&self) -> [Task; 4] {
        [
            ("prepare", "pandas", Tasks::prepare),
            ("retrieve", "bm25s", Tasks::retrieve),
            ("evaluate", "ranx", Tasks::evaluate),
            ("read+evaluate", "ranx", Tasks::read_and_evaluate),
        ]
    }

    /// How many queries there are.
    pub(crate) fn queries(&self) -> usize {
        self.queries.len()
    }

    /// The folder of the data.
    pub(crate) fn data(&self) -> String {
        self.folder.to_string_lossy().into_owned()
    }

    /// A file that the peers are given.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    /// The metrics, as the peers are given them.
    pub(crate) fn metrics(&self) -> Vec<String> {
        METRICS.map(str::to_string).to_vec()
    }

    fn prepare(&self) -> Result<f64> {
        best_of(3, || {
            self.experiment
                .dataset
                .load(&Context::default())
                .map(|_| ())
        })
    }

    fn retrieve(&self) -> Result<f64> {
        let requests = self.requests();
        best_of(10, || self.index.search(&requests).map(|_| ()))
    }

    fn evaluate(&self) -> Result<f64> {
        let (run, qrels) = self.read()?;
        best_of(20, || score(&run, &qrels, &self.experiment.metrics))
    }

    fn read_and_evaluate(&self) -> Result<f64> {
        best_of(5, || {
            let (run, qrels) = self.read()?;
            score(&run, &qrels, &self.experiment.metrics)
        })
    }

    fn requests(&self) -> Vec<Request<'_>> {
        self.queries
            .iter()
            .map(|query| Request { query, k: K })
            .collect()
    }

    fn read(&self) -> Result<(Run, Qrels)> {
        Ok((
            Run::read(&self.file("run.trec"))?,
            Qrels::read(&self.file("qrels.trec"))?,
        ))
    }

    /// Writes catalogue, queries, run and qrels for the peers.
    fn write(&self, data: &Data) -> Result<()> {
        let texts = data.catalogue.items().iter().map(|item| item.text.as_str());
        self.write_lines("catalogue.txt", texts)?;
        let queries = self.queries.iter().filter_map(|query| match query {
            QueryContent::Text(text) => Some(text.as_str()),
            _ => None,
        });
        self.write_lines("queries.txt", queries)?;
        let hits = self.index.search(&self.requests())?;
        let id = |item: u32| data.catalogue.item(item).id.as_str();
        let examples = &data.splits.test;
        let user = |example: usize| data.histories.context(examples[example]).user;
        let rows = hits.iter().enumerate().flat_map(|(example, hits)| {
            hits.iter()
                .map(move |hit| (user(example), id(hit.item), hit.score))
        });
        write_run(&self.file("run.trec"), "gloss", rows)?;
        let rows = examples.iter().enumerate().flat_map(|(example, of)| {
            let targets = data.histories.targets(*of).iter();
            targets.map(move |item| (user(example), id(*item), 1))
        });
        write_qrels(&self.file("qrels.trec"), rows)
    }

    fn write_lines<'a>(&self, name: &str, lines: impl Iterator<Item = &'a str>) -> Result<()> {
        let text = lines.map(|line| format!("{line}\n")).collect::<String>();
        let path = self.file(name);
        std::fs::write(&path, text).map_err(Error::io("write", &path))
    }
}

fn experiment(folder: &Path) -> Result<Experiment> {
    let text = format!(
        "dataset = {{ type = 'amazon', category = 'Beauty', folder = {folder:?} }}\n\
         generator = 'lis'\nretriever = 'bm25'\nmetrics = {METRICS:?}\n"
    );
    ExperimentConfig::from_text(Path::new("benchmark"), &text)?.resolve(&Registry::compiled_in()?)
}

/// Every test user's query.
fn queries(experiment: &Experiment, data: &Data) -> Result<Vec<QueryContent>> {
    let histories: Vec<History<'_>> = data
        .splits
        .test
        .iter()
        .map(|example| data.histories.context(*example))
        .collect();
    let generator = &experiment.methods[0].generator;
    let queries = generator
        .open(data, &Context::default())?
        .generate(&histories)?;
    Ok(queries
        .into_iter()
        .flatten()
        .map(|query| query.content)
        .collect())
}

fn score(run: &Run, qrels: &Qrels, metrics: &[Arc<dyn Metric>]) -> Result<()> {
    let aligned = run.align(qrels, Ties::File);
    let evaluation = Evaluation::new(&aligned.rankings, qrels.grades())?;
    for metric in metrics {
        std::hint::black_box(metric.score(&evaluation)?.value());
    }
    Ok(())
}

/// The least time of several repetitions after one that warms up, in seconds.
fn best_of(repetitions: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let mut best = f64::INFINITY;
    for _ in 0..repetitions {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}
