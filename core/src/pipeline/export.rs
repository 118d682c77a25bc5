//! Generated queries in the layout of GLoSS, for tools that read that.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use crate::{Case, Catalogue, Data, Error, Lists, Query, QueryContent, Result};

/// What GLoSS writes of one user, and the log-probabilities besides.
#[derive(Serialize)]
struct Object<'a> {
    reviewer_id: &'a str,
    /// The item to be foretold; the first, if there are several.
    asin: Option<&'a str>,
    seen_asins: Vec<&'a str>,
    generated_sequences: Vec<&'a str>,
    log_probabilities: Vec<f32>,
}

/// Writes the queries of all cases as one JSON array, an object a line. A query that is an item
/// is written as the item's text; one that is a vector has none, and is left out.
pub(super) fn write(
    path: &Path,
    data: &Data,
    cases: &[Case],
    queries: &Lists<Query>,
) -> Result<()> {
    let failed = |error| Error::io("write", path)(error);
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut separator = "[\n";
    for (case, queries) in cases.iter().zip(queries.iter()) {
        file.write_all(separator.as_bytes()).map_err(failed)?;
        serde_json::to_writer(&mut file, &object(data, *case, queries))
            .map_err(|error| failed(error.into()))?;
        separator = ",\n";
    }
    file.write_all(b"\n]\n").map_err(failed)?;
    file.flush().map_err(failed)
}

fn object<'a>(data: &'a Data, case: Case, queries: &'a [Query]) -> Object<'a> {
    let id = |item: &u32| data.catalogue.item(*item).id.as_str();
    let history = data.histories.seen(case);
    let texts = queries.iter().filter_map(|query| {
        let text = text(&query.content, &data.catalogue)?;
        Some((text, query.log_probability))
    });
    let (generated_sequences, log_probabilities) = texts.unzip();
    Object {
        reviewer_id: history.user,
        asin: data.histories.targets(case).first().map(id),
        seen_asins: history.items.iter().map(id).collect(),
        generated_sequences,
        log_probabilities,
    }
}

fn text<'a>(content: &'a QueryContent, catalogue: &'a Catalogue) -> Option<&'a str> {
    match content {
        QueryContent::Text(text) => Some(text),
        QueryContent::Item(item) => Some(&catalogue.item(*item).text),
        QueryContent::Vector(_) => None,
    }
}
