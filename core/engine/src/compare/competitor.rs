//! The methods to compare.

use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, Segment};
use hashbrown::HashMap;
use serde_json::Value;

use crate::config::is_seed;
use crate::finished::{FinishedRun, UserValues};
use crate::ranking::Seen;

/// A method to compare: one, or several runs of it that differ in their seeds alone.
#[derive(Debug, Clone)]
pub struct Competitor {
    /// The name, unique in a comparison.
    pub name: String,
    runs: Vec<MethodValues>,
}

/// The values of a method in one run.
#[derive(Debug, Clone)]
pub struct MethodValues {
    /// The method's name.
    pub method: String,
    /// The folder or file.
    pub source: PathBuf,
    /// Values by user.
    pub values: UserValues,
    /// The metrics of which a lower value is better.
    pub lower_is_better: Vec<String>,
    /// The properties that must agree, as far as they are known.
    pub seen: Option<Seen>,
    /// The split, such as `test`.
    pub split: Option<String>,
    /// The fingerprint of the data.
    pub fingerprint: Option<String>,
    /// The order of interactions at one time.
    pub same_day: Option<String>,
    /// The user segments.
    pub segments: Vec<Segment>,
    /// The method's configuration, and that of its dataset and split, without seeds; null if it is
    /// not known.
    pub configuration: Value,
    /// The seeds in the configuration, those of the dataset first.
    pub seeds: Vec<Value>,
    /// The number of them that are the dataset's.
    pub dataset_seeds: usize,
    /// The metrics that are not means over users and cannot be tested.
    pub overall_metrics: Vec<String>,
}

impl MethodValues {
    /// The values of all methods of a run, or of the one named `method`, which may also be the name
    /// of its folder.
    ///
    /// # Errors
    /// If a file cannot be read; if there is no such method.
    pub fn of_run(run: &FinishedRun, method: Option<&str>) -> Result<Vec<Self>> {
        let experiment = &run.manifest.experiment;
        let mut found = Vec::new();
        let split = run.results.split.to_string();
        for result in &run.results.methods {
            let name = &result.method;
            if method.is_some_and(|method| !FinishedRun::is_method(name, method)) {
                continue;
            }
            let lower = result
                .metrics
                .iter()
                .filter(|value| !value.higher_is_better);
            let values = run.user_values(name)?;
            let by_user = |label: &str| values.metrics.iter().any(|(name, _)| name == label);
            let labels = result.metrics.iter().map(|value| &value.metric);
            let overall_metrics = labels.filter(|label| !by_user(label)).cloned().collect();
            let (configuration, seeds, dataset_seeds) = configuration(experiment, name, &split);
            found.push(MethodValues {
                method: name.clone(),
                source: run.folder.clone(),
                overall_metrics,
                values,
                lower_is_better: lower.map(|value| value.metric.clone()).collect(),
                seen: Some(result.ranking.seen),
                split: Some(split.clone()),
                fingerprint: Some(run.results.audit.fingerprint.clone()),
                same_day: same_day(experiment),
                segments: run.segments(),
                configuration,
                seeds,
                dataset_seeds,
            });
        }
        match (found.is_empty(), method) {
            (true, Some(method)) => Err(Error::input(
                &run.folder,
                format!("has no method `{method}`"),
            )),
            _ => Ok(found),
        }
    }

    /// Returns `true` if another folder's run has the same seeds, data and values.
    fn repeats(&self, other: &Self) -> bool {
        self.source != other.source
            && self.seeds == other.seeds
            && self.fingerprint == other.fingerprint
            && self.values == other.values
    }

    /// Values from elsewhere, of whose making nothing is known.
    pub fn of_file(path: &Path, values: UserValues, lower_is_better: Vec<String>) -> Self {
        let name = path.file_stem().unwrap_or_default();
        MethodValues {
            method: name.to_string_lossy().into_owned(),
            source: path.to_path_buf(),
            values,
            lower_is_better,
            seen: None,
            split: None,
            fingerprint: None,
            same_day: None,
            segments: Vec::new(),
            configuration: Value::Null,
            seeds: Vec::new(),
            dataset_seeds: 0,
            overall_metrics: Vec::new(),
        }
    }
}

/// The dataset's choice of the order at one time, if it has one.
fn same_day(experiment: &Value) -> Option<String> {
    let choice = &experiment["dataset"]["split"]["same_day"];
    choice.as_str().map(str::to_string)
}

/// The configuration of a method, its dataset and its split without seeds, the seeds, and the number of
/// those of the dataset, which come first.
fn configuration(experiment: &Value, method: &str, split: &str) -> (Value, Vec<Value>, usize) {
    let methods = ["methods", "fusions"]
        .iter()
        .flat_map(|kind| experiment[kind].as_array());
    let method = methods.flatten().find(|other| other["name"] == method);
    let is_fusion = method.is_some_and(|method| method.get("methods").is_some());
    let mut dataset = experiment["dataset"].clone();
    let mut method = serde_json::json!({
        "method": method,
        "methods": if is_fusion { experiment["methods"].clone() } else { Value::Null },
    });
    let mut seeds = Vec::new();
    take_seeds(&mut dataset, &mut seeds);
    let dataset_seeds = seeds.len();
    take_seeds(&mut method, &mut seeds);
    let value = serde_json::json!({ "dataset": dataset, "method": method, "split": split });
    (value, seeds, dataset_seeds)
}

/// Moves all seeds out of a configuration.
fn take_seeds(value: &mut Value, seeds: &mut Vec<Value>) {
    match value {
        Value::Object(map) => {
            seeds.extend(
                map.iter()
                    .filter(|(name, _)| is_seed(name))
                    .map(|(_, seed)| seed.clone()),
            );
            map.retain(|name, _| !is_seed(name));
            map.values_mut().for_each(|value| take_seeds(value, seeds));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| take_seeds(value, seeds)),
        _ => {}
    }
}

impl Competitor {
    /// Groups methods: those with one name and one configuration are the same with other seeds. One
    /// without a seed has the same values in all runs of an experiment with several seeds, and counts
    /// once. Names that several have are made unique by their folders.
    pub fn group(methods: Vec<MethodValues>) -> Vec<Self> {
        let mut groups: Vec<Competitor> = Vec::new();
        for method in methods {
            let same = groups.iter_mut().find(|group| {
                let first = &group.runs[0];
                let known = !first.configuration.is_null();
                known
                    && first.method == method.method
                    && first.configuration == method.configuration
            });
            match same {
                Some(group) if group.runs.iter().any(|run| run.repeats(&method)) => {}
                Some(group) => group.runs.push(method),
                None => groups.push(Competitor {
                    name: method.method.clone(),
                    runs: vec![method],
                }),
            }
        }
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        for group in &mut groups {
            if names.iter().filter(|name| **name == group.name).count() > 1 {
                group.name = format!("{} ({})", group.name, group.runs[0].source.display());
            }
        }
        groups
    }

    /// The number of its runs.
    pub(super) fn seeds(&self) -> u64 {
        self.runs.len() as u64
    }

    pub(super) fn seen(&self) -> Option<Seen> {
        self.runs[0].seen
    }

    /// The users of the first run.
    pub(super) fn users(&self) -> &[String] {
        &self.runs[0].values.users
    }

    /// The metrics that all of its runs have.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &str> {
        let has =
            |run: &MethodValues, name: &str| run.values.metrics.iter().any(|(n, _)| n == name);
        let names = self.runs[0]
            .values
            .metrics
            .iter()
            .map(|(name, _)| name.as_str());
        names.filter(move |name| self.runs.iter().all(|run| has(run, name)))
    }

    pub(super) fn higher_is_better(&self, metric: &str) -> bool {
        !self.runs[0]
            .lower_is_better
            .iter()
            .any(|name| name == metric)
    }

    /// For each run, the values of a metric in the order of `users`.
    pub(super) fn values(&self, metric: &str, users: &[String]) -> Vec<Vec<f64>> {
        let of_run = |run: &MethodValues| {
            let found = run.values.metrics.iter().find(|(name, _)| name == metric);
            let values = found.map_or(&[][..], |(_, values)| values);
            let own = run
                .values
                .users
                .iter()
                .map(String::as_str)
                .zip(values.iter().copied());
            let own: HashMap<&str, f64> = own.collect();
            let value = |user: &String| own.get(user.as_str()).copied().unwrap_or_default();
            users.iter().map(value).collect()
        };
        self.runs.iter().map(of_run).collect()
    }

    /// The name of each user segment, and the positions of its users.
    pub(super) fn segments(&self) -> Vec<(String, Vec<usize>)> {
        let run = &self.runs[0];
        let members = |segment: &Segment| {
            let interactions = run.values.interactions.iter().enumerate();
            let members = interactions.filter(|(_, count)| segment.contains(**count as usize));
            (segment.name.clone(), members.map(|(at, _)| at).collect())
        };
        run.segments.iter().map(members).collect()
    }
}

/// The metrics of any method that are not means over users, each once.
pub(super) fn overall_metrics(competitors: &[Competitor]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let runs = competitors.iter().flat_map(|competitor| &competitor.runs);
    for metric in runs.flat_map(|run| &run.overall_metrics) {
        if !found.contains(metric) {
            found.push(metric.clone());
        }
    }
    found
}

/// Checks that methods are comparable.
pub(super) fn check(competitors: &[Competitor], mixed_seen: bool) -> Result<()> {
    if competitors.len() < 2 {
        let message =
            "there is one method to compare; name another run, or a run of several methods";
        return Err(Error::Usage(message.into()));
    }
    for competitor in competitors {
        check_runs(competitor)?;
    }
    // All pairs, since a method of another tool says nothing of its data.
    for (at, other) in competitors.iter().enumerate() {
        for one in &competitors[..at] {
            let different = differences(one, other, mixed_seen);
            if !different.is_empty() {
                return Err(Error::Usage(format!(
                    "`{}` and `{}` cannot be compared: {}",
                    one.name,
                    other.name,
                    different.join("; ")
                )));
            }
        }
    }
    Ok(())
}

/// Checks that the runs of one method that differ in their values differ in their seeds, and in their
/// data only by a seed of the dataset.
fn check_runs(competitor: &Competitor) -> Result<()> {
    let name = &competitor.name;
    for (at, run) in competitor.runs.iter().enumerate() {
        for other in &competitor.runs[..at] {
            let (one, two) = (other.source.display(), run.source.display());
            if other.source == run.source {
                let message = format!("is given twice, with the method `{name}`");
                return Err(Error::input(&run.source, message));
            }
            let of_dataset = |run: &MethodValues| run.seeds[..run.dataset_seeds].to_vec();
            if of_dataset(other) == of_dataset(run) && other.fingerprint != run.fingerprint {
                return Err(Error::Usage(format!(
                    "{one} and {two} hold `{name}` with one configuration on other data"
                )));
            }
            if other.seeds == run.seeds {
                return Err(Error::Usage(format!(
                    "{one} and {two} hold `{name}` with one configuration, the same seeds and other \
                     values; name one of them"
                )));
            }
        }
    }
    Ok(())
}

/// The properties of two methods that forbid a comparison.
fn differences(one: &Competitor, other: &Competitor, mixed_seen: bool) -> Vec<String> {
    let (a, b) = (&one.runs[0], &other.runs[0]);
    let mut found = Vec::new();
    if let (Some(a), Some(b)) = (&a.same_day, &b.same_day)
        && a != b
    {
        found.push(format!("the order of items at one time is `{a}` and `{b}`"));
    }
    let data = |competitor: &Competitor| {
        let runs = competitor.runs.iter().map(|run| run.fingerprint.clone());
        let mut data: Vec<_> = runs.collect::<Option<_>>()?;
        data.sort_unstable();
        data.dedup();
        Some(data)
    };
    if let (Some(a), Some(b)) = (data(one), data(other))
        && a != b
        && found.is_empty()
    {
        let short = |data: &[String]| {
            data.first()
                .map_or("", |of| &of[..of.len().min(12)])
                .to_string()
        };
        found.push(format!(
            "the data differ (fingerprints {} and {})",
            short(&a),
            short(&b)
        ));
    }
    if let (Some(a), Some(b)) = (&a.split, &b.split)
        && a != b
    {
        found.push(format!("one is on {a} users, the other on {b} users"));
    }
    if let (Some(a), Some(b)) = (a.seen, b.seen)
        && a != b
        && !mixed_seen
    {
        found.push(format!(
            "seen items: `{a}` and `{b}` (--mixed-seen compares them all the same)"
        ));
    }
    let runs = one.runs.iter().chain(&other.runs);
    if let Some(user) = runs
        .filter_map(|run| strange_user(&a.values, &run.values))
        .next()
    {
        found.push(format!("the users differ: not both have {user}"));
    }
    found
}

/// A user that only one of two lists has.
fn strange_user(one: &UserValues, other: &UserValues) -> Option<String> {
    if one.users == other.users {
        return None;
    }
    let only = |here: &UserValues, there: &UserValues| {
        let there: hashbrown::HashSet<&String> = there.users.iter().collect();
        here.users
            .iter()
            .find(|user| !there.contains(user))
            .cloned()
    };
    only(one, other).or_else(|| only(other, one))
}
