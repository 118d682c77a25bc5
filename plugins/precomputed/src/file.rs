//! Reading the file, object by object.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use gloss_core::{Context, Error, Query, Result, Task, Unit, decompress, open_regular, read_error};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, IgnoredAny, SeqAccess, Visitor};

/// One object of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    reviewer_id: String,
    #[serde(rename = "asin")]
    _asin: Option<IgnoredAny>,
    seen_asins: Vec<String>,
    generated_sequences: Vec<String>,
    log_probabilities: Option<Vec<f32>>,
}

/// The row of one user.
#[derive(Debug)]
pub(crate) struct Row {
    /// The row, counted from 1.
    pub(crate) number: u64,
    /// The history that the queries were made from, as identifiers.
    pub(crate) seen: Vec<String>,
    /// The queries, in the order of the file.
    pub(crate) queries: Vec<Query>,
}

/// All rows, by user.
pub(crate) type Rows = HashMap<String, Row>;

/// Reads all rows of the file at `path`.
pub(crate) fn read(path: &Path, context: &Context) -> Result<Rows> {
    let file = open_regular(path)?;
    let reader = BufReader::with_capacity(1 << 16, file);
    let (first, reader) = decompress(reader)
        .and_then(peek)
        .map_err(|error| read_error(path, error))?;
    let mut collector = Collector {
        rows: Rows::new(),
        number: 0,
        task: context.task("Reading queries", None, Unit::Count),
    };
    let outcome = match first {
        Some(b'[') => read_array(reader, &mut collector),
        Some(b'{') => read_lines(reader, &mut collector),
        Some(_) | None => {
            let found = if first.is_none() {
                "nothing"
            } else {
                "something else"
            };
            return Err(Error::input(
                path,
                format!("expected a JSON array of objects, or an object a line, found {found}"),
            ));
        }
    };
    context.check()?;
    outcome.map_err(|error| refused(path, collector.number, error))?;
    Ok(collector.rows)
}

/// The first byte that is not white space, and the whole content, which stays unread so that
/// its lines and columns are known.
fn peek(mut reader: impl BufRead) -> io::Result<(Option<u8>, impl BufRead)> {
    let mut white_space = Vec::new();
    let first = loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| !byte.is_ascii_whitespace());
        let length = end.unwrap_or(buffer.len());
        let first = end.map(|end| buffer[end]);
        let ended = buffer.is_empty();
        white_space.extend_from_slice(&buffer[..length]);
        reader.consume(length);
        if first.is_some() || ended {
            break first;
        }
    };
    Ok((first, Cursor::new(white_space).chain(reader)))
}

fn read_array(reader: impl BufRead, collector: &mut Collector) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    deserializer.deserialize_seq(collector)?;
    deserializer.end()
}

fn read_lines(reader: impl BufRead, collector: &mut Collector) -> serde_json::Result<()> {
    serde_json::Deserializer::from_reader(reader)
        .into_iter()
        .try_for_each(|object| collector.add(object?).map_err(serde_json::Error::custom))
}

fn refused(path: &Path, rows: u64, error: serde_json::Error) -> Error {
    if error.is_io() {
        return read_error(path, error.into());
    }
    let row = rows + 1;
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    if line == 0 {
        return Error::input(path, format!("row {row}: {message}"));
    }
    let position = format!(" at line {line} column {column}");
    let message = message.strip_suffix(&position).unwrap_or(&message);
    Error::line(
        path,
        line as u64,
        format!("row {row}, column {column}: {message}"),
    )
}

/// Gathers rows, whichever way they come.
struct Collector {
    rows: Rows,
    number: u64,
    task: Task,
}

impl Collector {
    fn add(&mut self, object: Object) -> Result<(), String> {
        self.task.advance(1).map_err(|error| error.to_string())?;
        let queries = queries(object.generated_sequences, object.log_probabilities)?;
        match self.rows.entry(object.reviewer_id) {
            Entry::Occupied(first) => {
                return Err(format!(
                    "user {} was already in row {}; each user may have one row",
                    first.key(),
                    first.get().number
                ));
            }
            Entry::Vacant(place) => place.insert(Row {
                number: self.number + 1,
                seen: object.seen_asins,
                queries,
            }),
        };
        self.number += 1;
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Collector {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element()? {
            self.add(object).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

fn queries(texts: Vec<String>, log_probabilities: Option<Vec<f32>>) -> Result<Vec<Query>, String> {
    let mut queries: Vec<Query> = texts.into_iter().map(Query::text).collect();
    let Some(log_probabilities) = log_probabilities else {
        return Ok(queries);
    };
    if log_probabilities.len() != queries.len() {
        return Err(format!(
            "there are {} `log_probabilities` for {} `generated_sequences`; expected one each",
            log_probabilities.len(),
            queries.len()
        ));
    }
    for (query, value) in queries.iter_mut().zip(log_probabilities) {
        query.log_probability = value;
    }
    Ok(queries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const A: &str = r#"{"reviewer_id":"a_1","asin":"z","seen_asins":["x","y"],"generated_sequences":["p","q"]}"#;
    const B: &str = r#"{"reviewer_id":"b","seen_asins":[],"generated_sequences":["r"],"log_probabilities":[-1.5]}"#;

    fn read_text(text: impl AsRef<[u8]>) -> Result<Rows, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_ref()).unwrap();
        let name = file.path().display().to_string();
        read(file.path(), &Context::default()).map_err(|e| e.to_string().replace(&name, "FILE"))
    }

    #[test]
    fn an_array_and_lines_hold_the_same_rows() {
        for text in [format!(" \n[{A},\n{B}]\n"), format!("{A}\n\n{B}\n")] {
            let rows = read_text(text).unwrap();
            assert_eq!(rows.len(), 2);
            assert_eq!((rows["a_1"].number, rows["b"].number), (1, 2));
            assert_eq!(rows["a_1"].seen, ["x", "y"]);
            assert_eq!(rows["a_1"].queries, [Query::text("p"), Query::text("q")]);
            assert_eq!(rows["b"].queries[0].log_probability, -1.5);
        }
    }

    #[test]
    fn faults_are_told_with_file_line_and_row() {
        let told = |text: String| read_text(text).unwrap_err();
        assert_eq!(
            told(format!("[{A},\n{A}]")),
            "FILE:2: row 2, column 88: user a_1 was already in row 1; each user may have one row"
        );
        assert_eq!(
            told(format!("{A}\n{A}")),
            "FILE: row 2: user a_1 was already in row 1; each user may have one row"
        );
        assert_eq!(
            told(format!("{A}\n{{\"reviewer_id\": 7}}")),
            "FILE:2: row 2, column 18: invalid type: integer `7`, expected a string"
        );
        assert!(told(format!("[{A},\n{B}")).starts_with("FILE:2: row 3, column"));
        assert!(told(B.replace("[-1.5]", "[]")).contains("0 `log_probabilities` for 1"));
        assert!(told(B.replace("-1.5", "1e60")).contains("number out of range"));
        assert!(told(B.replace(r#""seen_asins":[],"#, "")).contains("missing field `seen_asins`"));
        assert!(told(String::new()).ends_with("found nothing"));
        assert!(told("reviewer_id,asin".into()).ends_with("found something else"));
        assert!(told(format!("[{A}] [{B}]")).contains("trailing characters"));
        assert!(read_text(b"[{\"reviewer_id\": \"\xff\"").is_err());
    }

    #[test]
    fn a_blank_beginning_counts_as_lines() {
        for text in [
            "\n \n [{\"reviewer_id\": 7}]",
            "\n \n  {\"reviewer_id\": 7}",
        ] {
            assert_eq!(
                read_text(text).unwrap_err(),
                "FILE:3: row 1, column 20: invalid type: integer `7`, expected a string"
            );
        }
    }

    #[test]
    fn an_unknown_key_is_told_with_the_known_ones() {
        let error = read_text(B.replace("log_probabilities", "log_probabilitys")).unwrap_err();
        assert!(
            error.contains(
                "unknown field `log_probabilitys`, expected one of `reviewer_id`, `asin`, \
                 `seen_asins`, `generated_sequences`, `log_probabilities`"
            ),
            "{error}"
        );
    }

    #[test]
    fn a_packed_file_that_was_cut_is_the_users_to_get_again() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder
            .write_all(format!("[{A},\n{B}]").as_bytes())
            .unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(read_text(&packed).unwrap().len(), 2);
        for length in [5, packed.len() / 2, packed.len() - 4] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&packed[..length]).unwrap();
            let error = read(file.path(), &Context::default()).unwrap_err();
            assert_eq!(error.class(), gloss_core::ErrorClass::User, "{error}");
            assert!(error.to_string().contains("cut short"), "{error}");
        }
    }
}
