//! The index on disk: tantivy's files, and a small one that says how the texts were cut.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use gloss_core::{Catalogue, Context, Error, Result, Unit};
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::postings::Postings;
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{DocSet, SegmentReader, SingleSegmentIndexWriter, TantivyDocument};
use tantivy::{TERMINATED, TantivyError};

use crate::config::Analyser;
use crate::tokenizer::AnalyserTokenizer;
use crate::{analyser, postings::Inverted};

/// Changes with what [`build`] writes or with how an unchanged analyser cuts a text.
const FORMAT: u32 = 1;
const HEADER: &str = "gloss-bm25.json";
const FIELD: &str = "text";
const TOKENIZER: &str = "gloss";
const WRITER_MEMORY: usize = 64 << 20;

/// The options that an index was made with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    format: u32,
    /// The version of Unicode that defines letters.
    unicode: (u8, u8, u8),
    analyser: Analyser,
    items: usize,
}

impl Header {
    fn new(analyser: &Analyser, catalogue: &Catalogue) -> Self {
        Header {
            format: FORMAT,
            unicode: char::UNICODE_VERSION,
            analyser: analyser.clone(),
            items: catalogue.len(),
        }
    }
}

/// Writes the index of `catalogue`, items in catalogue order in one segment.
pub(crate) fn build(
    options: &Analyser,
    catalogue: &Catalogue,
    folder: &Path,
    context: &Context,
) -> Result<()> {
    let analyser = analyser::Analyser::new(options)?;
    check_tokens(&analyser, catalogue)?;
    let task = context.task("Indexing items", Some(catalogue.len() as u64), Unit::Count);
    let failed = |error| write_error(folder, error);
    let mut writer = writer(analyser, folder)?;
    let field = text_schema().get_field(FIELD).map_err(failed)?;
    for item in catalogue.items() {
        let mut document = TantivyDocument::new();
        document.add_text(field, &item.text);
        writer.add_document(document).map_err(failed)?;
        task.advance(1)?;
    }
    writer.finalize().map_err(failed)?;
    let path = folder.join(HEADER);
    let header = serde_json::to_vec_pretty(&Header::new(options, catalogue))
        .map_err(|error| Error::component("retriever bm25", error))?;
    fs::write(&path, header).map_err(Error::io("write", &path))
}

/// Refuses an analyser that leaves nothing to be found: of a mistake in its options there is no
/// other sign. The search for a token ends with the first.
fn check_tokens(analyser: &analyser::Analyser, catalogue: &Catalogue) -> Result<()> {
    let mut buffer = String::new();
    let mut has_tokens = |text: &str| {
        let mut found = false;
        analyser.tokens(text, &mut buffer, |_| found = true);
        found
    };
    let items = catalogue.items();
    if items.is_empty() || items.iter().any(|item| has_tokens(&item.text)) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "retriever bm25: the analyser finds no token in the texts of the catalogue's {} items, so \
         that nothing could be found; see that `analyser.pattern` matches their words, and that \
         `analyser.stop_words` does not leave out all of them",
        items.len()
    )))
}

fn writer(analyser: analyser::Analyser, folder: &Path) -> Result<SingleSegmentIndexWriter> {
    let failed = |error| write_error(folder, error);
    let tokenizers = tantivy::tokenizer::TokenizerManager::new();
    tokenizers.register(TOKENIZER, AnalyserTokenizer(Arc::new(analyser)));
    let directory = MmapDirectory::open(folder).map_err(|error| failed(error.into()))?;
    tantivy::Index::builder()
        .schema(text_schema())
        .tokenizers(tokenizers)
        .single_segment_index_writer(directory, WRITER_MEMORY)
        .map_err(failed)
}

fn text_schema() -> Schema {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(IndexRecordOption::WithFreqs)
        .set_fieldnorms(false);
    let mut schema = Schema::builder();
    schema.add_text_field(FIELD, TextOptions::default().set_indexing_options(indexing));
    schema.build()
}

/// Reads the index that [`build`] wrote with the same options for an equal catalogue.
pub(crate) fn open(options: &Analyser, catalogue: &Catalogue, folder: &Path) -> Result<Inverted> {
    check_header(&Header::new(options, catalogue), folder)?;
    let failed = |error| read_error(folder, error);
    let index = tantivy::Index::open_in_dir(folder).map_err(failed)?;
    let damaged = index.validate_checksum().map_err(failed)?;
    if let Some(file) = damaged.iter().min() {
        return Err(stale(folder, format!("{} is damaged", file.display())));
    }
    let mut inverted = Inverted::new(catalogue.len());
    for segment in index.searchable_segments().map_err(failed)? {
        let reader = SegmentReader::open(&segment).map_err(failed)?;
        if reader.max_doc() as usize != catalogue.len() {
            return Err(stale(folder, "its number of items is wrong".to_string()));
        }
        read_segment(&reader, folder, &mut inverted)?;
    }
    Ok(inverted)
}

fn check_header(expected: &Header, folder: &Path) -> Result<()> {
    let path = folder.join(HEADER);
    let text = fs::read(&path).map_err(Error::io("read", &path))?;
    let found: Header = serde_json::from_slice(&text)
        .map_err(|error| stale(folder, format!("{HEADER} cannot be understood: {error}")))?;
    if found == *expected {
        return Ok(());
    }
    let what = if found.format != expected.format || found.unicode != expected.unicode {
        "it was written by another version of gloss".to_string()
    } else if found.analyser != expected.analyser {
        "its texts were cut into tokens by an analyser with other options".to_string()
    } else {
        format!(
            "it holds {} items where the catalogue has {}",
            found.items, expected.items
        )
    };
    Err(stale(folder, what))
}

fn read_segment(reader: &SegmentReader, folder: &Path, inverted: &mut Inverted) -> Result<()> {
    let failed = |error| read_error(folder, error);
    let failed_io = |error: io::Error| failed(error.into());
    let field = reader.schema().get_field(FIELD).map_err(failed)?;
    let index = reader.inverted_index(field).map_err(failed)?;
    let mut terms = index.terms().stream().map_err(failed_io)?;
    while let Some((term, info)) = terms.next() {
        let term = std::str::from_utf8(term)
            .map_err(|_| stale(folder, "a term of it is not text".to_string()))?;
        let mut postings = index
            .read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)
            .map_err(failed_io)?;
        inverted.begin(term);
        while postings.doc() != TERMINATED {
            inverted.add(postings.doc(), postings.term_freq());
            postings.advance();
        }
    }
    Ok(())
}

fn stale(folder: &Path, what: String) -> Error {
    Error::Stale {
        path: folder.to_path_buf(),
        message: format!(
            "not the BM25 index that is needed here: {what}; delete the folder and run again"
        ),
    }
}

/// The index cannot be read: the system refuses, or the files are not an index of this version.
fn read_error(folder: &Path, error: TantivyError) -> Error {
    match io_error(&error) {
        Some(source) => Error::io("read", folder)(source),
        None => stale(folder, error.to_string()),
    }
}

fn write_error(folder: &Path, error: TantivyError) -> Error {
    match io_error(&error) {
        Some(source) => Error::io("write", folder)(source),
        None => Error::component("retriever bm25", error),
    }
}

/// The system's refusal that `error` wraps, if it is one.
fn io_error(error: &TantivyError) -> Option<io::Error> {
    let inner = match error {
        TantivyError::IoError(inner)
        | TantivyError::OpenReadError(OpenReadError::IoError {
            io_error: inner, ..
        })
        | TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: inner, ..
        })
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError {
            io_error: inner, ..
        }) => inner,
        _ => return None,
    };
    // Without a code it is a reader's complaint about the content.
    inner.raw_os_error().map(io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests;
