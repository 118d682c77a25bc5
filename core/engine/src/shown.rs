//! The users of a finished run as reports show them: histories, targets, rankings, texts.

use std::path::Path;

use gloss_core::{
    Context, Data, Dataset, Error, Example, QueryContent, Ragged, Result, Retriever, ScorePart,
};
use serde::Deserialize;

use crate::audit::fingerprint;
use crate::cache::{Cache, Driver, Made};
use crate::config::Method;
use crate::finished::FinishedRun;
use crate::pipeline::{find_trained, index};
use crate::run_files::{GENERATED, RANKINGS};
use crate::stages::prepare::Prepare;
use crate::trec;

/// A dataset that is prepared, and the cache that it lies in.
pub struct Prepared {
    driver: Driver,
    data: Made<Data>,
}

impl Prepared {
    /// Prepares a dataset, or reads it from the cache.
    ///
    /// # Errors
    /// The errors of the dataset.
    pub fn new(dataset: &dyn Dataset, cache: &Cache, context: &Context) -> Result<Self> {
        let driver = Driver::new(cache, context);
        let data = driver.run(&Prepare { dataset, context })?;
        Ok(Prepared { driver, data })
    }

    /// The data.
    pub fn data(&self) -> &Data {
        &self.data.value
    }

    /// The parts of the scores of `items` for each of the texts, by the index of `retriever`, which is
    /// built unless the cache has it.
    ///
    /// # Errors
    /// The errors of the retriever.
    pub fn explain(
        &self,
        retriever: &dyn Retriever,
        texts: &[String],
        items: &[u32],
    ) -> Result<Vec<Vec<Vec<ScorePart>>>> {
        let identity = retriever.identity()?;
        let built = index(retriever, &identity, &self.data, &self.driver)?;
        let catalogue = &self.data().catalogue;
        let index = retriever.open(catalogue, &built.folder, &self.driver.context())?;
        let of_text = |text: &String| {
            let query = QueryContent::Text(text.clone());
            items
                .iter()
                .map(|item| index.explain(&query, *item))
                .collect()
        };
        texts.iter().map(of_text).collect()
    }

    /// The parts of the log-probability of each of the texts after an example's history, by the
    /// method's generator, whose training the cache must have.
    ///
    /// # Errors
    /// If the training is not in the cache; the errors of the generator.
    pub fn explain_texts(
        &self,
        method: &Method,
        example: Example,
        texts: &[String],
    ) -> Result<Vec<Vec<ScorePart>>> {
        let driver = self.driver.for_method(&method.name);
        let trained = find_trained(method, &self.data, &driver)?;
        let context = driver.context();
        let mut generator = trained.open(self.data(), &context)?;
        let history = self.data().histories.context(example);
        let parts = texts.iter().map(|text| generator.explain(&history, text));
        parts.collect()
    }
}

/// The rankings and texts of a method, by example.
#[derive(Debug, Clone)]
pub struct ShownMethod {
    /// For each example the items, best first, with their scores.
    pub rankings: Ragged<(u32, f64)>,
    /// For each example the texts that were generated, best first; empty if the method has none.
    pub texts: Vec<Vec<String>>,
    /// The log-probability of each text.
    pub log_probabilities: Vec<Vec<f32>>,
}

/// A user of `generated.json`.
#[derive(Deserialize)]
struct Generated {
    reviewer_id: String,
    generated_sequences: Vec<String>,
    #[serde(default)]
    log_probabilities: Vec<f32>,
}

impl FinishedRun {
    /// The examples that the run was evaluated on.
    ///
    /// # Errors
    /// If `data` are not those of the run.
    pub fn examples<'a>(&self, data: &'a Data) -> Result<&'a [Example]> {
        let (found, expected) = (fingerprint(data)?, &self.results.audit.fingerprint);
        match found == *expected {
            true => Ok(self.results.split.examples(data)),
            false => Err(Error::Usage(format!(
                "the data of {} are not those of the run any more (fingerprint {} in place of {}); run the \
                 experiment again",
                self.folder.display(),
                &found[..12],
                &expected[..12],
            ))),
        }
    }

    /// The rankings and texts of a method.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn shown_method(
        &self,
        method: &str,
        data: &Data,
        examples: &[Example],
    ) -> Result<ShownMethod> {
        let folder = self.method_folder(method);
        let path = folder.join(RANKINGS);
        // A run without one ranking has an empty file.
        let is_empty = path.metadata().is_ok_and(|metadata| metadata.len() == 0);
        let rankings = match is_empty {
            true => examples.iter().map(|_| Vec::new()).collect(),
            false => rankings(&path, data, examples)?,
        };
        let generated = generated(&folder.join(GENERATED), data, examples)?.into_iter();
        let (texts, log_probabilities) = generated
            .map(|user| (user.generated_sequences, user.log_probabilities))
            .unzip();
        Ok(ShownMethod {
            rankings,
            texts,
            log_probabilities,
        })
    }
}

fn rankings(path: &Path, data: &Data, examples: &[Example]) -> Result<Ragged<(u32, f64)>> {
    let run = trec::Run::read(path)?;
    let position = |item: u32| data.catalogue.position(run.items().get(item));
    let of = |example: &Example| {
        let user = run.users().find(data.histories.context(*example).user);
        let scored = user.map_or(&[][..], |user| run.scores().get(user as usize));
        let known = scored
            .iter()
            .filter_map(|(item, score)| Some((position(*item)?, *score)));
        known.collect::<Vec<_>>()
    };
    Ok(examples.iter().map(of).collect())
}

fn generated(path: &Path, data: &Data, examples: &[Example]) -> Result<Vec<Generated>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let bytes = gloss_core::read_file(path)?;
    let all: Vec<Generated> =
        serde_json::from_slice(&bytes).map_err(|error| Error::input(path, error.to_string()))?;
    let in_order = all.len() == examples.len()
        && all
            .iter()
            .zip(examples)
            .all(|(user, example)| user.reviewer_id == data.histories.context(*example).user);
    match in_order {
        true => Ok(all),
        false => Err(Error::input(path, "has other users than the run")),
    }
}
