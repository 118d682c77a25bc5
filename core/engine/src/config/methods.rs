//! The methods of an experiment: what each says itself, over what the experiment says.

use std::sync::Arc;

use gloss_core::{
    AnyComponent, Diagnostic, Kind, Metric, QueryGenerator, QueryKind, Registry, Result, Retriever,
};
use serde_json::{Map, Value};

use super::document::{Key, named};
use super::experiment::Method;
use super::resolve::{Resolver, key, metric_table};
use super::source::Source;
use super::typed;
use crate::ranking::RankingOptions;
use crate::run_files::RUN_FILES;

/// The value of `retriever` that takes the retriever away from a method.
const NO_RETRIEVER: &str = "none";

/// A retriever and its name.
type NamedRetriever = (Arc<dyn Retriever>, String);

impl Resolver<'_> {
    /// The experiment's methods: those given, or the one that its own settings make.
    pub(super) fn methods(
        &mut self,
        root: &Value,
        metrics: &[Arc<dyn Metric>],
    ) -> Result<Vec<Method>> {
        self.check_use(root);
        let single = [Value::Object(Map::new())];
        let given = root["method"].as_array().map_or(&single[..], Vec::as_slice);
        let mut methods: Vec<Method> = Vec::new();
        for (index, value) in given.iter().enumerate() {
            let Some(method) = self.method(root, index, value, metrics)? else {
                continue;
            };
            if RUN_FILES.contains(&method.folder_name().as_str()) {
                let message = format!("`{}` is the name of a run's own file", method.name);
                let source = self.source(vec![key(&["method", &index.to_string()])]);
                self.diagnostics.push(source.locate(
                    &key(&["name"]),
                    false,
                    Diagnostic::new("", message),
                ));
            }
            let twin = |other: &&Method| other.folder_name() == method.folder_name();
            if let Some(other) = methods.iter().find(twin) {
                let message = format!(
                    "is named `{}`, too much like another, `{}`; give each a `name`",
                    method.name, other.name
                );
                let source = self.source(vec![key(&["method", &index.to_string()])]);
                self.diagnostics
                    .push(source.locate(&[], true, Diagnostic::new("", message)));
            }
            methods.push(method);
        }
        Ok(methods)
    }

    /// Reports settings that every method replaces, which would be ignored silently, and flags that a method
    /// overrules.
    fn check_use(&mut self, root: &Value) {
        let none = Vec::new();
        let methods = root["method"].as_array().unwrap_or(&none);
        for part in ["generator", "retriever"] {
            let replaced = |own: &Value| {
                let own = &own[part];
                !own.is_null()
                    && !type_name(own).is_empty()
                    && type_name(own) != type_name(&root[part])
            };
            if !root[part].is_null() && !methods.is_empty() && methods.iter().all(replaced) {
                let message = format!("is not used: each method has a {part} of its own");
                let source = self.source(vec![key(&[part])]);
                self.diagnostics
                    .push(source.locate(&[], true, Diagnostic::new("", message)));
            }
        }
        for (index, own) in methods.iter().enumerate() {
            for part in ["generator", "retriever", "ranking"] {
                self.check_flags(index, own, part);
            }
        }
    }

    fn check_flags(&mut self, index: usize, own: &Value, part: &str) {
        let mut below: Vec<Key> = match &own[part] {
            Value::Null => return,
            Value::Object(table) => table.keys().map(|name| key(&[part, name])).collect(),
            _ => Vec::new(),
        };
        if !type_name(&own[part]).is_empty() {
            below.push(key(&[part]));
        }
        for path in below {
            if self.document.is_typed(&path) && self.is_whole(&path) {
                let path = path.join(".");
                let message = format!(
                    "does not reach method {index}, which sets it itself; set \
                     method.{index}.{path} instead"
                );
                let source = self.source(vec![path.split('.').map(str::to_string).collect()]);
                self.diagnostics
                    .push(source.locate(&[], false, Diagnostic::new("", message)));
            }
        }
    }

    /// Returns `true` if the setting at `path` was typed as such, not only something below it.
    fn is_whole(&self, path: &[String]) -> bool {
        path.len() > 1 || !self.document.root[&path[0]].is_object()
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
        let validation = self.validation(generator.as_ref(), &sources[0], &ranking)?;
        let retriever_name = retriever.as_ref().map(|(_, name)| name.as_str());
        let fitting = fitting(
            generator.as_ref(),
            &generator_name,
            retriever
                .as_ref()
                .map(|(r, name)| (r.as_ref(), name.as_str())),
            self.registry,
        );
        if let Err(diagnostic) = fitting {
            self.diagnostics
                .push(sources[1].locate(&[], true, diagnostic));
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
            validation,
        }))
    }

    /// The metric that decides the generator's training.
    fn validation(
        &mut self,
        generator: &dyn QueryGenerator,
        source: &Source<'_>,
        ranking: &RankingOptions,
    ) -> Result<Option<Arc<dyn Metric>>> {
        let Some(label) = generator.trainer().and_then(|trainer| trainer.metric()) else {
            return Ok(None);
        };
        let component = self.component(Kind::Metric, &metric_table(&label.into()), source)?;
        let Some(AnyComponent::Metric(metric)) = component else {
            return Ok(None);
        };
        if metric.cutoff() > Some(ranking.cutoff) {
            let message = format!(
                "the training is judged by `{label}`, which looks deeper than the ranking's cutoff, \
                 {}; raise `ranking.cutoff`",
                ranking.cutoff
            );
            self.diagnostics
                .push(source.locate(&[], false, Diagnostic::new("", message)));
        }
        Ok(Some(metric))
    }

    fn generator(
        &mut self,
        value: &Value,
        source: &Source<'_>,
    ) -> Result<Option<(Arc<dyn QueryGenerator>, String)>> {
        if value.is_null() {
            let diagnostic = Diagnostic::unknown(
                "",
                "is required: the name of a query generator.",
                "",
                self.registry.names(Kind::Generator),
            );
            self.diagnostics.push(source.locate(&[], true, diagnostic));
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
        if value.is_null() || *value == named(NO_RETRIEVER) {
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
    ) -> Result<Option<RankingOptions>> {
        let table = match value {
            Value::Null => Value::Object(Map::new()),
            value => value.clone(),
        };
        let typed = match serde_json::from_value::<typed::RankingOptions>(table) {
            Ok(typed) => typed,
            Err(error) => {
                // Most faults of the table have been found by the schema, each in its place.
                let known = |diagnostic: &Diagnostic| diagnostic.key.contains("ranking");
                if !self.diagnostics.iter().any(known) {
                    let diagnostic = Diagnostic::new("", error.to_string());
                    self.diagnostics.push(source.locate(&[], true, diagnostic));
                }
                return Ok(None);
            }
        };
        let (cutoff, diagnostic) = cutoff(typed.cutoff, metrics);
        if let Some(diagnostic) = diagnostic {
            self.found(source, diagnostic);
        }
        Ok(Some(RankingOptions {
            depth: typed.depth.map_or(cutoff, |n| n as usize),
            cutoff,
            fusion: typed.fusion,
            reciprocal_rank_constant: typed.reciprocal_rank_constant,
            seen: typed.seen,
        }))
    }
}

/// Returns the length of a ranking, and a diagnostic if it is too short: as many items as the deepest metric reads, or
/// 10, unless it is given.
pub(super) fn cutoff(
    given: Option<u32>,
    metrics: &[Arc<dyn Metric>],
) -> (usize, Option<Diagnostic>) {
    let deepest = metrics.iter().filter_map(|metric| metric.cutoff()).max();
    let cutoff = given.map_or(deepest.unwrap_or(10), |n| n as usize);
    let deeper = metrics.iter().find(|m| m.cutoff() > Some(cutoff));
    let diagnostic = deeper.map(|deeper| {
        let message = format!(
            "is {cutoff}, but {} looks deeper; raise it or lower the metric's k",
            deeper.label()
        );
        Diagnostic::new("cutoff", message)
    });
    (cutoff, diagnostic)
}

/// Returns `true` if the retriever can answer the generator's queries.
fn fitting(
    generator: &dyn QueryGenerator,
    generator_name: &str,
    retriever: Option<(&dyn Retriever, &str)>,
    registry: &Registry,
) -> Result<(), Diagnostic> {
    let kind = generator.produces();
    match retriever {
        None if kind == QueryKind::Items => Ok(()),
        None => Err(Diagnostic::unknown(
            "",
            format!("is required: generator `{generator_name}` makes {kind} queries."),
            "",
            registry.names(Kind::Retriever),
        )),
        Some((_, name)) if kind == QueryKind::Items => Err(Diagnostic::new(
            "",
            format!(
                "generator `{generator_name}` names items itself, so that retriever `{name}` \
                 would not be used; remove it or write \"{NO_RETRIEVER}\""
            ),
        )),
        Some((retriever, name)) if !retriever.accepts().contains(&kind) => Err(Diagnostic::new(
            "",
            format!(
                "generator `{generator_name}` makes {kind} queries, which retriever `{name}` \
                 cannot answer"
            ),
        )),
        Some(_) => Ok(()),
    }
}

/// A method's own setting `part` over the experiment's: tables are merged key by key, unless they
/// name different components.
fn merged(root: &Value, own: &Value, part: &str) -> Value {
    let long = |value: &Value| match value {
        Value::String(name) => named(name),
        value => value.clone(),
    };
    match (long(&root[part]), long(&own[part])) {
        (common, Value::Null) => common,
        (Value::Object(mut common), Value::Object(own))
            if own.get("type").is_none() || own.get("type") == common.get("type") =>
        {
            common.extend(own);
            Value::Object(common)
        }
        (_, own) => own,
    }
}

fn type_name(value: &Value) -> String {
    let name = value.as_str().or(value["type"].as_str());
    name.unwrap_or_default().to_string()
}
