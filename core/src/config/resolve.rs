//! From what was typed to an experiment that can run, with all faults at once.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::check::{Source, check};
use super::document::{Document, Key, named};
use super::experiment::{Experiment, Method};
use super::typed;
use crate::ranking::Ranking;
use crate::{
    AnyComponent, Dataset, Error, Fault, Faults, Kind, Location, Metric, QueryGenerator, QueryKind,
    Registry, Result, Retriever,
};

/// The value of `retriever` that takes the retriever away from a method.
const NO_RETRIEVER: &str = "none";

/// Resolves the names of `document` by `registry`. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault that there is.
pub(crate) fn resolve(
    document: &Document,
    registry: &Registry,
    default_name: Option<&str>,
) -> Result<Experiment> {
    let mut resolver = Resolver {
        document,
        registry,
        faults: Vec::new(),
    };
    let experiment = resolver.experiment(default_name)?;
    let mut faults = resolver.faults;
    faults.sort_by_key(|fault| match &fault.location {
        Some(Location::File { line, column, .. }) => (0, *line, *column),
        Some(Location::Flag(_)) => (1, 0, 0),
        None => (2, 0, 0),
    });
    let mut unique: Vec<Fault> = Vec::new();
    for fault in faults {
        if !unique.contains(&fault) {
            unique.push(fault);
        }
    }
    Faults(unique).into_result()?;
    experiment.ok_or_else(|| Error::Internal("an experiment without faults did not resolve".into()))
}

/// Resolves the setting `metrics` alone. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault of it.
pub(crate) fn resolve_metrics(
    document: &Document,
    registry: &Registry,
) -> Result<Vec<Arc<dyn Metric>>> {
    let mut resolver = Resolver {
        document,
        registry,
        faults: Vec::new(),
    };
    let list = document.root.get("metrics").unwrap_or(&Value::Null);
    let metrics = resolver.metrics(list)?;
    Faults(resolver.faults).into_result()?;
    Ok(metrics)
}

/// Resolves the setting `dataset` alone. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault of it.
pub(crate) fn resolve_dataset(
    document: &Document,
    registry: &Registry,
) -> Result<Arc<dyn Dataset>> {
    let mut resolver = Resolver {
        document,
        registry,
        faults: Vec::new(),
    };
    let value = document.root.get("dataset").unwrap_or(&Value::Null);
    let dataset = resolver.dataset(value)?;
    Faults(resolver.faults).into_result()?;
    dataset.ok_or_else(|| Error::Usage("no dataset is named".into()))
}

/// A retriever and its name.
type NamedRetriever = (Arc<dyn Retriever>, String);

struct Resolver<'a> {
    document: &'a Document,
    registry: &'a Registry,
    faults: Vec<Fault>,
}

impl<'a> Resolver<'a> {
    fn experiment(&mut self, default_name: Option<&str>) -> Result<Option<Experiment>> {
        let root = Value::Object(self.document.root.clone());
        let top = self.source(vec![vec![]]);
        let schema = crate::schema::of::<typed::Experiment>();
        self.faults.extend(check(&schema, &root, &top)?);
        let dataset = match root.get("dataset") {
            Some(value) => self.dataset(value)?,
            None => None,
        };
        let metrics = self.metrics(&root["metrics"])?;
        let methods = self.methods(&root, &metrics)?;
        let (Some(dataset), Ok(typed)) =
            (dataset, serde_json::from_value::<typed::Experiment>(root))
        else {
            return Ok(None);
        };
        let name = typed
            .name
            .or(default_name.map(str::to_string))
            .or_else(|| methods.first().map(|method| method.name.clone()))
            .unwrap_or_default();
        Ok(Some(Experiment {
            name,
            output: typed.output,
            split: typed.split,
            dataset,
            metrics,
            methods,
        }))
    }

    fn source(&self, prefixes: Vec<Key>) -> Source<'a> {
        Source {
            document: self.document,
            prefixes,
        }
    }

    fn dataset(&mut self, value: &Value) -> Result<Option<Arc<dyn Dataset>>> {
        let source = self.source(vec![key(&["dataset"])]);
        Ok(match self.component(Kind::Dataset, value, &source)? {
            Some(AnyComponent::Dataset(dataset)) => Some(dataset),
            _ => None,
        })
    }

    fn metrics(&mut self, list: &Value) -> Result<Vec<Arc<dyn Metric>>> {
        let mut metrics: Vec<Arc<dyn Metric>> = Vec::new();
        for (index, value) in list.as_array().into_iter().flatten().enumerate() {
            let source = self.source(vec![key(&["metrics", &index.to_string()])]);
            let Some(AnyComponent::Metric(metric)) =
                self.component(Kind::Metric, &metric_table(value), &source)?
            else {
                continue;
            };
            let label = metric.label();
            if metrics.iter().any(|other| other.label() == label) {
                let fault = Fault::new("", format!("`{label}` is given twice"));
                self.faults.push(source.locate(&[], false, fault));
            }
            metrics.push(metric);
        }
        if list.as_array().is_some_and(Vec::is_empty) {
            let fault = Fault::new("", "must name at least one metric");
            let top = self.source(vec![key(&["metrics"])]);
            self.faults.push(top.locate(&[], false, fault));
        }
        Ok(metrics)
    }

    fn methods(&mut self, root: &Value, metrics: &[Arc<dyn Metric>]) -> Result<Vec<Method>> {
        let single = [Value::Object(Map::new())];
        let given = root["method"].as_array().map_or(&single[..], Vec::as_slice);
        let mut methods: Vec<Method> = Vec::new();
        for (index, value) in given.iter().enumerate() {
            let Some(method) = self.method(root, index, value, metrics)? else {
                continue;
            };
            let twin = |other: &&Method| other.folder_name() == method.folder_name();
            if let Some(other) = methods.iter().find(twin) {
                let message = format!(
                    "is named `{}`, too much like another, `{}`; give each a `name`",
                    method.name, other.name
                );
                let source = self.source(vec![key(&["method", &index.to_string()])]);
                self.faults
                    .push(source.locate(&[], true, Fault::new("", message)));
            }
            methods.push(method);
        }
        Ok(methods)
    }

    fn method(
        &mut self,
        root: &Value,
        index: usize,
        own: &Value,
        metrics: &[Arc<dyn Metric>],
    ) -> Result<Option<Method>> {
        let at = index.to_string();
        let source = |part: &str| Source {
            document: self.document,
            prefixes: vec![key(&["method", &at, part]), key(&[part])],
        };
        let sources = ["generator", "retriever", "ranking"].map(source);
        let generator = self.generator(&merged(root, own, "generator"), &sources[0])?;
        let retriever = self.retriever(&merged(root, own, "retriever"), &sources[1])?;
        let ranking = self.ranking(&merged(root, own, "ranking"), &sources[2], metrics)?;
        let (Some((generator, generator_name)), Some(ranking)) = (generator, ranking) else {
            return Ok(None);
        };
        let Ok(retriever) = retriever else {
            return Ok(None);
        };
        let retriever_name = retriever.as_ref().map(|(_, name)| name.as_str());
        let fitting = fitting(
            generator.as_ref(),
            &generator_name,
            retriever
                .as_ref()
                .map(|(r, name)| (r.as_ref(), name.as_str())),
            self.registry,
        );
        if let Err(fault) = fitting {
            self.faults.push(sources[1].locate(&[], true, fault));
        }
        let name = match own["name"].as_str() {
            Some(name) => name.to_string(),
            None => [Some(generator_name.as_str()), retriever_name]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("+"),
        };
        Ok(Some(Method {
            name,
            generator,
            retriever: retriever.map(|(retriever, _)| retriever),
            ranking,
        }))
    }

    fn generator(
        &mut self,
        value: &Value,
        source: &Source<'_>,
    ) -> Result<Option<(Arc<dyn QueryGenerator>, String)>> {
        if value.is_null() {
            let fault = Fault::unknown(
                "",
                "must be given: the name of a query generator.",
                "",
                self.registry.names(Kind::Generator),
            );
            self.faults.push(source.locate(&[], true, fault));
            return Ok(None);
        }
        Ok(match self.component(Kind::Generator, value, source)? {
            Some(AnyComponent::Generator(generator)) => Some((generator, type_name(value))),
            _ => None,
        })
    }

    /// The retriever, if there is one; `Err` if it is faulty.
    fn retriever(
        &mut self,
        value: &Value,
        source: &Source<'_>,
    ) -> Result<Result<Option<NamedRetriever>, ()>> {
        if value.is_null() || type_name(value) == NO_RETRIEVER {
            return Ok(Ok(None));
        }
        Ok(match self.component(Kind::Retriever, value, source)? {
            Some(AnyComponent::Retriever(retriever)) => Ok(Some((retriever, type_name(value)))),
            _ => Err(()),
        })
    }

    fn ranking(
        &mut self,
        value: &Value,
        source: &Source<'_>,
        metrics: &[Arc<dyn Metric>],
    ) -> Result<Option<Ranking>> {
        let table = match value {
            Value::Null => Value::Object(Map::new()),
            value => value.clone(),
        };
        let Ok(typed) = serde_json::from_value::<typed::Ranking>(table) else {
            return Ok(None);
        };
        let deepest = metrics.iter().filter_map(|metric| metric.cutoff()).max();
        let cutoff = typed.cutoff.map_or(deepest.unwrap_or(10), |n| n as usize);
        if let Some(deeper) = metrics.iter().find(|m| m.cutoff() > Some(cutoff)) {
            let message = format!(
                "is {cutoff}, but {} looks deeper; raise it or lower the metric's k",
                deeper.label()
            );
            let fault = Fault::new("", message);
            self.faults
                .push(source.locate(&key(&["cutoff"]), false, fault));
        }
        Ok(Some(Ranking {
            depth: typed.depth.map_or(cutoff, |n| n as usize),
            cutoff,
            fusion: typed.fusion,
            reciprocal_rank_constant: typed.reciprocal_rank_constant,
            seen: typed.seen,
        }))
    }

    /// The component that `value` (a name, or a table with `type`) describes; `None` after a
    /// fault.
    fn component(
        &mut self,
        kind: Kind,
        value: &Value,
        source: &Source<'_>,
    ) -> Result<Option<AnyComponent>> {
        let table = match value {
            Value::String(name) => named(name),
            value => value.clone(),
        };
        let Value::Object(mut options) = table else {
            return Ok(None); // The experiment's own schema has found this fault.
        };
        let Some(Value::String(name)) = options.remove("type") else {
            let fault = Fault::unknown(
                "",
                format!("must be given: the name of a {kind}."),
                "",
                self.registry.names(kind),
            );
            self.faults
                .push(source.locate(&key(&["type"]), true, fault));
            return Ok(None);
        };
        let entry = match self.registry.get(kind, &name, "") {
            Ok(entry) => entry,
            Err(fault) => {
                self.faults
                    .push(source.locate(&key(&["type"]), false, fault));
                return Ok(None);
            }
        };
        let options = Value::Object(options);
        let faults = check(&entry.schema, &options, source)?;
        if !faults.is_empty() {
            self.faults.extend(faults);
            return Ok(None);
        }
        match entry.parse(options) {
            Ok(component) => {
                for fault in own_faults(&component) {
                    let below: Key = fault.key.split('.').map(str::to_string).collect();
                    self.faults.push(source.locate(&below, false, fault));
                }
                Ok(Some(component))
            }
            Err(message) => {
                self.faults
                    .push(source.locate(&[], true, Fault::new("", message)));
                Ok(None)
            }
        }
    }
}

/// The faults that the component itself finds in its options.
fn own_faults(component: &AnyComponent) -> Vec<Fault> {
    match component {
        AnyComponent::Dataset(dataset) => dataset.check(),
        AnyComponent::Generator(generator) => generator.check(),
        AnyComponent::Retriever(retriever) => retriever.check(),
        AnyComponent::Metric(metric) => metric.check(),
    }
}

/// Whether the retriever can answer the generator's queries.
fn fitting(
    generator: &dyn QueryGenerator,
    generator_name: &str,
    retriever: Option<(&dyn Retriever, &str)>,
    registry: &Registry,
) -> Result<(), Fault> {
    let kind = generator.produces();
    match retriever {
        None if kind == QueryKind::Item => Ok(()),
        None => Err(Fault::unknown(
            "",
            format!("must be given: generator `{generator_name}` makes {kind} queries."),
            "",
            registry.names(Kind::Retriever),
        )),
        Some((_, name)) if kind == QueryKind::Item => Err(Fault::new(
            "",
            format!(
                "generator `{generator_name}` names items itself, so that retriever `{name}` \
                 would not be used; remove it or write \"{NO_RETRIEVER}\""
            ),
        )),
        Some((retriever, name)) if !retriever.accepts().contains(&kind) => Err(Fault::new(
            "",
            format!(
                "generator `{generator_name}` makes {kind} queries, which retriever `{name}` \
                 cannot answer"
            ),
        )),
        Some(_) => Ok(()),
    }
}

/// A metric as a table: `recall@5` is short for `{type = "recall", k = 5}`.
fn metric_table(value: &Value) -> Value {
    let parts = value.as_str().and_then(|text| text.split_once('@'));
    match parts {
        Some((name, k)) => {
            let k = k
                .parse::<u64>()
                .map_or_else(|_| Value::from(k), Value::from);
            serde_json::json!({"type": name, "k": k})
        }
        None => value.clone(),
    }
}

/// A method's own setting `part` over the experiment's: tables are merged key by key, unless they
/// name different components.
fn merged(root: &Value, own: &Value, part: &str) -> Value {
    match (&root[part], &own[part]) {
        (common, Value::Null) => common.clone(),
        (Value::Object(common), Value::Object(own))
            if own
                .get("type")
                .is_none_or(|name| Some(name) == common.get("type")) =>
        {
            let mut all = common.clone();
            all.extend(own.clone());
            Value::Object(all)
        }
        (Value::String(name), Value::Object(own)) if own.get("type").is_none() => {
            let mut all = own.clone();
            all.insert("type".into(), Value::from(name.as_str()));
            Value::Object(all)
        }
        (_, own) => own.clone(),
    }
}

fn type_name(value: &Value) -> String {
    let name = value.as_str().or(value["type"].as_str());
    name.unwrap_or_default().to_string()
}

fn key(parts: &[&str]) -> Key {
    parts.iter().map(|part| part.to_string()).collect()
}
