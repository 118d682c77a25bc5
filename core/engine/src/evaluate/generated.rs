//! Generated queries in the layout of GLoSS, for tools that read that.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use gloss_core::{Data, Error, Example, Query, QueryContent, Ragged, Result};
use serde::Serialize;

/// The object that GLoSS writes for one user, with the log-probabilities added.
#[derive(Serialize)]
struct Object<'a> {
    reviewer_id: &'a str,
    /// The first item to be predicted.
    asin: Option<&'a str>,
    seen_asins: Vec<&'a str>,
    generated_sequences: Vec<&'a str>,
    log_probabilities: Vec<f32>,
}

/// Writes the queries of all examples as a JSON array, one object per line. Items are written as
/// their texts; vectors are left out.
pub(crate) fn write(
    path: &Path,
    data: &Data,
    examples: &[Example],
    queries: &Ragged<Query>,
) -> Result<()> {
    let failed = |error| Error::io("write", path)(error);
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut separator = "[\n";
    for (example, queries) in examples.iter().zip(queries.iter()) {
        file.write_all(separator.as_bytes()).map_err(failed)?;
        serde_json::to_writer(&mut file, &object(data, *example, queries))
            .map_err(|error| failed(error.into()))?;
        separator = ",\n";
    }
    file.write_all(b"\n]\n").map_err(failed)?;
    file.flush().map_err(failed)
}

fn object<'a>(data: &'a Data, example: Example, queries: &'a [Query]) -> Object<'a> {
    let id = |item: &u32| data.catalogue.item(*item).id.as_str();
    let history = data.histories.context(example);
    let texts = queries.iter().flat_map(|query| texts(query, data));
    let (generated_sequences, log_probabilities) = texts.unzip();
    Object {
        reviewer_id: history.user,
        asin: data.histories.targets(example).first().map(id),
        seen_asins: history.items.iter().map(id).collect(),
        generated_sequences,
        log_probabilities,
    }
}

/// The texts of a query with their log-probabilities.
fn texts<'a>(query: &'a Query, data: &'a Data) -> Vec<(&'a str, f32)> {
    match &query.content {
        QueryContent::Text(text) => vec![(text, query.log_probability)],
        QueryContent::Items(items) => {
            let text =
                |&(item, score): &(u32, f32)| (data.catalogue.item(item).text.as_str(), score);
            items.iter().map(text).collect()
        }
        QueryContent::Vector(_) => Vec::new(),
    }
}
