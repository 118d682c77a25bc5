//! The files of an offline server: OpenAI's batch format, which `vllm run-batch` reads and writes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use gloss_core::{
    Context, Data, Error, Generator, History, Query, Result, Unit, for_each_line, move_into_place,
};
use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Completions;
use crate::config::{BatchFiles, OpenAi};
use crate::request;

/// The most bytes of a line.
const MOST_BYTES: u64 = 64 << 20;

/// A line of the responses.
#[derive(Deserialize)]
struct Line {
    custom_id: String,
    #[serde(default)]
    response: Option<Response>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Response {
    status_code: u16,
    body: Value,
}

/// The generator that reads the responses, if they are there; else writes the requests.
pub(crate) fn open<'a>(
    options: &'a OpenAi,
    files: &'a BatchFiles,
    data: &'a Data,
    context: &'a Context,
) -> Result<Box<dyn Generator + 'a>> {
    if !files.responses.is_file() {
        let count = write(options, &files.requests, data, context)?;
        return Err(Error::Usage(format!(
            "{count} requests are in {}. Have a server answer them, as by `vllm run-batch -i {} -o {} \
             --model {}`, and run this command again",
            files.requests.display(),
            files.requests.display(),
            files.responses.display(),
            options.model,
        )));
    }
    let answers = read(&files.responses)?;
    let path = files.responses.as_path();
    Ok(Box::new(move |histories: &[History<'_>]| {
        let queries = histories.iter().map(|history| {
            let id = id(history.user, history.items.len());
            let Some((line, answer)) = answers.get(&id) else {
                return Err(Error::input(path, format!("there is no response `{id}`")));
            };
            let queries = answer.queries(options.n, options.logprobs);
            queries.map_err(|reason| Error::line(path, *line, format!("`{id}` has {reason}")))
        });
        queries.collect::<Result<Vec<Vec<Query>>>>()
    }))
}

/// The identifier of a request: the user, and how many items the history has, by which the splits
/// differ.
fn id(user: &str, items: usize) -> String {
    format!("{user}/{items}")
}

/// Writes the requests of the test and the validation users, and returns how many there are.
fn write(options: &OpenAi, path: &Path, data: &Data, context: &Context) -> Result<usize> {
    let examples = data.splits.test.iter().chain(&data.splits.validation);
    let count = data.splits.test.len() + data.splits.validation.len();
    let task = context.task("Writing requests", Some(count as u64), Unit::Count);
    let partial = path.with_extension("partial");
    let failed = |error| Error::io("write", &partial)(error);
    let mut file = BufWriter::new(File::create(&partial).map_err(failed)?);
    for example in examples {
        let history = data.histories.context(*example);
        let line = json!({
            "custom_id": id(history.user, history.items.len()),
            "method": "POST",
            "url": "/v1/completions",
            "body": request::body(options, &data.catalogue, history.items),
        });
        writeln!(file, "{line}").map_err(failed)?;
        task.advance(1)?;
    }
    file.flush().map_err(failed)?;
    drop(file);
    move_into_place(&partial, path)?;
    Ok(count)
}

/// The answers by identifier, with their lines.
fn read(path: &Path) -> Result<HashMap<String, (u64, Completions)>> {
    let mut answers = HashMap::new();
    for_each_line(path, MOST_BYTES, |number, bytes| {
        let line: Line = serde_json::from_slice(bytes)
            .map_err(|error| Error::line(path, number, format!("this is no response: {error}")))?;
        let id = line.custom_id;
        let wrong = |message: String| Error::line(path, number, format!("`{id}` {message}"));
        let response = match line.response {
            Some(response) if response.status_code == 200 => response,
            Some(response) => {
                return Err(wrong(format!(
                    "was answered {}: {}",
                    response.status_code, response.body
                )));
            }
            None => {
                return Err(wrong(format!(
                    "was not answered: {}",
                    line.error.unwrap_or_default()
                )));
            }
        };
        let answer: Completions = serde_json::from_value(response.body)
            .map_err(|error| wrong(format!("has what is no completion: {error}")))?;
        if let Some((first, _)) = answers.insert(id.clone(), (number, answer)) {
            return Err(wrong(format!("is in line {first} already")));
        }
        Ok(())
    })?;
    Ok(answers)
}
