//! `gloss inspect`: one user of a finished run.

use std::fmt::Write;

use anyhow::Result;
use gloss_core::{AnyComponent, Data, Error, Example, Kind, Registry, ScorePart};
use gloss_engine::{ExperimentConfig, FinishedRun, Method as RunMethod, Prepared};
use serde::Serialize;
use serde_json::Value;

use crate::args::Inspect;
use crate::config;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// A user.
#[derive(Serialize)]
struct User<'a> {
    user: &'a str,
    history: Vec<Item<'a>>,
    targets: Vec<Item<'a>>,
    methods: Vec<Method>,
}

/// An item of the history or a target.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    text: &'a str,
    /// In milliseconds since 1970.
    time: i64,
}

/// A method's queries and ranking.
#[derive(Serialize)]
struct Method {
    method: String,
    metrics: Vec<(String, f64)>,
    queries: Vec<Query>,
    ranking: Vec<Ranked>,
}

#[derive(Serialize)]
struct Query {
    text: String,
    log_probability: Option<f32>,
    /// The tokens with their log-probabilities; none unless they are asked for.
    tokens: Vec<ScorePart>,
}

#[derive(Serialize)]
struct Ranked {
    id: String,
    text: String,
    score: f64,
    is_target: bool,
    is_seen: bool,
    /// The parts of the score that the best query for the item gives it; empty if it has no parts.
    parts: Vec<ScorePart>,
}

pub(crate) fn execute(args: &Inspect, session: &Session) -> Result<()> {
    let runs = FinishedRun::open(&session.remote.local(&args.run)?)?;
    let [run] = &runs[..] else {
        let message = "holds runs of several seeds; name the folder of one";
        return Err(Error::input(&args.run, message).into());
    };
    let cache = session.remote.cache(&args.cache.folder)?;
    let dataset = config::dataset_of(run, session)?;
    let prepared = Prepared::new(dataset.as_ref(), &cache, &session.context)?;
    let data = prepared.data();
    let examples = run.examples(data)?;
    let position = examples
        .iter()
        .position(|example| data.histories.context(*example).user == args.user);
    let Some(position) = position else {
        let message = format!(
            "has no user `{}` among its {} users",
            args.user, run.results.split
        );
        return Err(Error::input(&args.run, message).into());
    };
    let inspection = Inspection {
        args,
        run,
        data,
        prepared: &prepared,
        examples,
        position,
    };
    let user = inspection.user()?;
    session.output.show(&user, text)
}

struct Inspection<'a> {
    args: &'a Inspect,
    run: &'a FinishedRun,
    data: &'a Data,
    prepared: &'a Prepared,
    examples: &'a [Example],
    position: usize,
}

impl<'a> Inspection<'a> {
    fn user(&self) -> Result<User<'a>> {
        let example = self.examples[self.position];
        let all = self.data.histories.history(example.user);
        let item = |at: usize| {
            let item = self.data.catalogue.item(all.items[at]);
            Item {
                id: &item.id,
                text: &item.text,
                time: all.times[at],
            }
        };
        let (history, end) = (
            example.history as usize,
            (example.history + example.targets) as usize,
        );
        let wanted = |name: &&String| {
            let method = self.args.method.as_ref();
            method.is_none_or(|method| FinishedRun::is_method(name, method))
        };
        let names = self.run.results.methods.iter().map(|result| &result.method);
        let methods: Vec<Method> = names
            .filter(wanted)
            .map(|name| self.method(name))
            .collect::<Result<_>>()?;
        if methods.is_empty() {
            let method = self.args.method.as_deref().unwrap_or_default();
            return Err(Error::input(&self.args.run, format!("has no method `{method}`")).into());
        }
        Ok(User {
            user: all.user,
            history: (0..history).map(item).collect(),
            targets: (history..end).map(item).collect(),
            methods,
        })
    }

    fn method(&self, name: &str) -> Result<Method> {
        let example = self.examples[self.position];
        let shown = self.run.shown_method(name, self.data, self.examples)?;
        let ranking = shown.rankings.get(self.position);
        let ranking = &ranking[..ranking.len().min(self.args.depth)];
        let texts = shown.texts.get(self.position).cloned().unwrap_or_default();
        let items: Vec<u32> = ranking.iter().map(|(item, _)| *item).collect();
        let parts = match self.args.tokens && texts.is_empty() && !self.described(name).is_null() {
            true => self.tokens_of_items(name, &items)?,
            false => self.parts(name, &texts, &items)?,
        };
        let (seen, targets) = (
            self.data.histories.context(example).items,
            self.data.histories.targets(example),
        );
        let ranked = ranking
            .iter()
            .zip(parts)
            .map(|((item, score), parts)| Ranked {
                id: self.data.catalogue.item(*item).id.clone(),
                text: self.data.catalogue.item(*item).text.clone(),
                score: *score,
                is_target: targets.contains(item),
                is_seen: seen.contains(item),
                parts,
            });
        let values = self.run.user_values(name)?;
        let probabilities = shown.log_probabilities.get(self.position);
        let tokens = match self.args.tokens && !texts.is_empty() {
            true => {
                let method = self.resolve(name)?;
                self.prepared.explain_texts(&method, example, &texts)?
            }
            false => vec![Vec::new(); texts.len()],
        };
        let queries = texts.iter().zip(tokens).enumerate();
        let queries = queries.map(|(at, (text, tokens))| Query {
            text: text.clone(),
            log_probability: probabilities.and_then(|all| all.get(at)).copied(),
            tokens,
        });
        Ok(Method {
            method: name.to_string(),
            metrics: values
                .metrics
                .iter()
                .map(|(name, values)| (name.clone(), values[self.position]))
                .collect(),
            queries: queries.collect(),
            ranking: ranked.collect(),
        })
    }

    /// The parts of the log-probabilities of items that the method's generator ranks, one for each token of a Llama.
    fn tokens_of_items(&self, name: &str, items: &[u32]) -> Result<Vec<Vec<ScorePart>>> {
        let example = self.examples[self.position];
        let text = |item: &u32| self.data.catalogue.item(*item).text.clone();
        let texts: Vec<String> = items.iter().map(text).collect();
        let method = self.resolve(name)?;
        Ok(self.prepared.explain_texts(&method, example, &texts)?)
    }

    /// The description of a method in the run's manifest; nothing for a fusion of methods.
    fn described(&self, method: &str) -> &Value {
        let methods = self.run.manifest.experiment["methods"].as_array();
        let mut methods = methods.into_iter().flatten();
        let described = methods.find(|other| other["name"] == method);
        described.unwrap_or(&Value::Null)
    }

    /// A method of the run with its components.
    fn resolve(&self, name: &str) -> Result<RunMethod> {
        let experiment = &self.run.manifest.experiment;
        let mut config = ExperimentConfig::new();
        for key in ["dataset", "metrics"] {
            config.replace("the run", key, experiment[key].clone());
        }
        let mut method = self.described(name).clone();
        if let Value::Object(method) = &mut method {
            method.retain(|_, value| !value.is_null());
        }
        config.replace("the run", "method", Value::Array(vec![method]));
        let methods = config.resolve(&Registry::known()?)?.methods;
        let method = methods.into_iter().next();
        method.ok_or_else(|| Error::Internal("a method is lost".into()).into())
    }

    /// For each item, the parts of the score of the query that gives it most.
    fn parts(&self, method: &str, texts: &[String], items: &[u32]) -> Result<Vec<Vec<ScorePart>>> {
        let retriever = self.described(method)["retriever"].clone();
        if retriever.is_null() || texts.is_empty() {
            return Ok(vec![Vec::new(); items.len()]);
        }
        let mut config = ExperimentConfig::new();
        config.replace("the run's retriever", "retriever", retriever);
        let AnyComponent::Retriever(retriever) =
            config.resolve_one(Kind::Retriever, &Registry::known()?)?.0
        else {
            return Err(
                Error::Internal("the retriever is another kind of component".into()).into(),
            );
        };
        let by_text = self.prepared.explain(retriever.as_ref(), texts, items)?;
        let sum = |parts: &Vec<ScorePart>| parts.iter().map(|part| part.score).sum::<f32>();
        let best = |item: usize| {
            let of_texts = by_text.iter().map(|items| &items[item]);
            of_texts
                .max_by(|a, b| sum(a).total_cmp(&sum(b)))
                .cloned()
                .unwrap_or_default()
        };
        Ok((0..items.len()).map(best).collect())
    }
}

fn text(user: &User<'_>, look: Look) -> String {
    let mut text = format!("user {}", user.user);
    for (title, items) in [
        ("history, oldest first", &user.history),
        ("bought next", &user.targets),
    ] {
        let mut table = Table::new([title, "text"]);
        for item in items {
            table.row([Cell::from(item.id), item.text.into()]);
        }
        let _ = write!(text, "\n\n{}", table.render(look));
    }
    for method in &user.methods {
        let metrics = method
            .metrics
            .iter()
            .map(|(name, value)| format!("{name} {value:.4}"));
        let _ = write!(
            text,
            "\n\n{}: {}",
            method.method,
            metrics.collect::<Vec<_>>().join(", ")
        );
        let tokens = method.queries.iter().any(|query| !query.tokens.is_empty());
        let columns = ["query", "log-probability", "tokens"];
        let mut queries = Table::new(columns.into_iter().take(2 + usize::from(tokens)));
        for query in &method.queries {
            let number = query
                .log_probability
                .map_or(Cell::from(""), |p| Cell::number(f64::from(p), 4));
            let parts = query.tokens.iter();
            let parts = parts.map(|part| format!("{} {:.2}", part.of.trim(), part.score));
            let parts = parts.collect::<Vec<_>>().join(", ");
            let row = [Cell::from(query.text.as_str()), number, parts.into()];
            queries.row(row.into_iter().take(2 + usize::from(tokens)));
        }
        let _ = write!(
            text,
            "\n\n{}\n\n{}",
            queries.render(look),
            ranking(method).render(look)
        );
    }
    text
}

fn ranking(method: &Method) -> Table {
    let mut table = Table::new(["rank", "", "item", "text", "score", "parts"]);
    for (rank, item) in (1..).zip(&method.ranking) {
        let mark = match (item.is_target, item.is_seen) {
            (true, _) => "target",
            (false, true) => "seen",
            (false, false) => "",
        };
        let mut parts = item.parts.clone();
        parts.retain(|part| part.score != 0.0);
        parts.sort_by(|a, b| b.score.total_cmp(&a.score));
        let parts = parts
            .iter()
            .map(|part| format!("{} {:.2}", part.of, part.score));
        let row = [
            Cell::count(rank),
            mark.into(),
            item.id.as_str().into(),
            item.text.as_str().into(),
            Cell::number(item.score, 4),
            parts.collect::<Vec<_>>().join(", ").into(),
        ];
        table.row(row.map(|cell| if item.is_target { cell.strong() } else { cell }));
    }
    table
}
