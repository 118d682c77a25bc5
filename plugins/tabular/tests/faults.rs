//! What is said about tables that are not as they should be.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, types::Int32Type};
use common::Tables;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

const INTERACTIONS: &str = "user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,a,3\n";
const ITEMS: &str = "item_id,title\na,Doll\nb,Kite\n";
const LINES: &str = r#"{"user_id": "u", "item_id": "a", "timestamp": 1}
{"user_id": "u", "item_id": "a", "timestamp": 2}
{"user_id": "u", "item_id": "a", "timestamp": 3}
"#;
const ITEM_LINES: &str = r#"{"item_id": "a", "title": "Doll"}"#;

fn csv(interactions: impl AsRef<[u8]>, items: impl AsRef<[u8]>, options: Value) -> String {
    Tables::new("csv", interactions, items, options)
        .load()
        .unwrap_err()
}

fn jsonl(interactions: impl AsRef<[u8]>, items: impl AsRef<[u8]>, options: Value) -> String {
    Tables::new("jsonl", interactions, items, options)
        .load()
        .unwrap_err()
}

#[test]
fn sound_tables_load() {
    assert!(
        Tables::new("csv", INTERACTIONS, ITEMS, json!({}))
            .load()
            .is_ok()
    );
    assert!(
        Tables::new("jsonl", LINES, ITEM_LINES, json!({}))
            .load()
            .is_ok()
    );
}

#[test]
fn an_unknown_column_is_told_with_the_nearest_and_all() {
    assert_eq!(
        csv(INTERACTIONS, ITEMS, json!({"time": "timestmp"})),
        "interactions:1: there is no column `timestmp`; did you mean `timestamp`? \
         Available: user_id, item_id, timestamp."
    );
    assert_eq!(
        jsonl(LINES, ITEM_LINES, json!({"user": "user"})),
        "interactions:1: there is no column `user`; did you mean `user_id`? \
         Available: item_id, timestamp, user_id."
    );
    assert_eq!(
        jsonl(LINES, ITEM_LINES, json!({"text": "{titel}"})),
        "items: there is no column `titel`; did you mean `title`? Available: item_id, title."
    );
    assert_eq!(
        csv("user_id,item_id,item_id,timestamp\n", ITEMS, json!({})),
        "interactions:1: there are two columns `item_id`; rename one of them"
    );
}

#[test]
fn a_bad_cell_is_told_with_its_line() {
    let row = |row: &str| csv(INTERACTIONS.replace("u,b,2", row), ITEMS, json!({}));
    let id = "an id, which is a text or a whole number";
    assert_eq!(
        row(",b,2"),
        format!("interactions:3: column `user_id`: found nothing, expected {id}")
    );
    assert_eq!(
        row("u,b,2013-06-01"),
        "interactions:3: column `timestamp`: found `2013-06-01`, expected a number of seconds from 1970 to 2100; `time_format = \"iso\"` reads this"
    );
    assert!(row("u,b").starts_with("interactions:3: the row has 2 cells and the header 3"));
    let line = |from: &str, to: &str| jsonl(LINES.replace(from, to), ITEM_LINES, json!({}));
    assert_eq!(
        line("2}", "null}"),
        "interactions:2: column `timestamp`: found nothing, expected a number of seconds from 1970 to 2100"
    );
    assert!(line("2}", "NaN}").starts_with("interactions:2: key `timestamp`: NaN is not JSON"));
    assert!(line(", \"timestamp\": 2", "").starts_with("interactions:2: there is no column"));
    assert!(line("2}", "2").starts_with("interactions:2: expected a JSON object: EOF"));
    let rating = json!({"rating": "item_id"});
    assert!(csv(INTERACTIONS, ITEMS, rating).contains("found `a`, expected a number or nothing"));
}

#[test]
fn equal_item_rows_are_one_and_different_ones_an_error() {
    let same = format!("{ITEMS}a,Doll\n");
    let data = Tables::new("csv", INTERACTIONS, same, json!({}))
        .load()
        .unwrap();
    assert_eq!(data.report.get("repeated rows of items"), Some(1));
    assert_eq!(data.catalogue.len(), 2);
    assert_eq!(
        csv(INTERACTIONS, format!("{ITEMS}a,Ball\n"), json!({})),
        "items:4: item a was already in line 2, with other values; keep one of them"
    );
}

#[test]
fn a_quote_that_is_never_closed_is_told_with_the_line_of_its_row() {
    let told = |cell: u8| {
        format!(
            "cell {cell} of the row begins with a quote that is never closed; close it, or \
             double it if it belongs to the text"
        )
    };
    assert_eq!(
        csv(INTERACTIONS, "item_id,title\na,\"Doll\nb,Kite\n", json!({})),
        format!("items:2: {}", told(2))
    );
    assert_eq!(
        csv(INTERACTIONS, "item_id,title\na,Doll\nb,\"", json!({})),
        format!("items:3: {}", told(2))
    );
    assert_eq!(
        csv(INTERACTIONS, "item_id,title\na,\"Doll\"\"", json!({})),
        format!("items:2: {}", told(2))
    );
    assert_eq!(
        csv(INTERACTIONS.replace("u,b,2", "\"u,b,2"), ITEMS, json!({})),
        format!("interactions:3: {}", told(1))
    );
    assert_eq!(
        csv(
            INTERACTIONS.replace("item_id", "\"item_id"),
            ITEMS,
            json!({})
        ),
        format!("interactions:1: {}", told(2))
    );
}

#[test]
fn closed_quotes_and_missing_last_newlines_are_sound() {
    let items = "item_id,title\n\na,\"Doll,\n\"\"new\"\"\"\n\nb,\"Kite\"";
    let data = Tables::new("csv", INTERACTIONS.trim_end(), items, json!({}))
        .load()
        .unwrap();
    assert_eq!(data.catalogue.len(), 2);
    assert_eq!(data.catalogue.item(0).text, "Title: Doll,\n\"new\"");
    assert_eq!(data.catalogue.item(1).text, "Title: Kite");
}

#[test]
fn a_file_without_lines_is_refused_before_it_fills_the_memory() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let blank = vec![b' '; 1 << 20];
    for _ in 0..=256 {
        encoder.write_all(&blank).unwrap();
    }
    assert_eq!(
        jsonl(LINES, encoder.finish().unwrap(), json!({})),
        "items: a line is longer than 256 MiB; is this a file of lines at all?"
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let tables = |format, interactions: &str, items: &str| {
        let mark = |text| format!("\u{feff}{text}");
        Tables::new(format, mark(interactions), mark(items), json!({})).load()
    };
    assert!(tables("csv", INTERACTIONS, ITEMS).is_ok());
    assert!(tables("jsonl", LINES, ITEM_LINES).is_ok());
}

#[test]
fn damaged_files_are_told() {
    assert_eq!(
        csv(INTERACTIONS, "", json!({})),
        "items: the file has no rows"
    );
    assert_eq!(
        csv(INTERACTIONS, "item_id,title\n", json!({})),
        "items: the file has no rows"
    );
    assert_eq!(
        jsonl(LINES, "\n \n", json!({})),
        "items: the file has no rows"
    );
    let not_utf8 = b"item_id,title\na,\xff\n";
    assert_eq!(
        csv(INTERACTIONS, not_utf8, json!({})),
        "items:2: cell 2 of the row is not valid UTF-8"
    );
    assert!(jsonl(LINES, b"{\"item_id\": \"\xff\"}", json!({})).starts_with("items:1: "));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(ITEM_LINES.repeat(100).as_bytes())
        .unwrap();
    let zipped = encoder.finish().unwrap();
    assert!(jsonl(LINES, &zipped[..zipped.len() / 2], json!({})).contains("cut short, or"));
    assert!(csv(INTERACTIONS, &zipped[..zipped.len() / 2], json!({})).contains("cut short, or"));
    let parquet = Tables::new("parquet", INTERACTIONS, ITEMS, json!({})).load();
    assert!(
        parquet
            .unwrap_err()
            .starts_with("items: not a Parquet file")
    );
}

#[test]
fn options_are_checked_before_files() {
    let unknown = csv(INTERACTIONS, ITEMS, json!({"delimeter": ";"}));
    assert!(unknown.contains("unknown field `delimeter`"), "{unknown}");
    let text = csv(INTERACTIONS, ITEMS, json!({"text": "{title"}));
    assert!(
        text.starts_with("text: `{title` has a `{` that is not closed"),
        "{text}"
    );
    let delimiter = csv(INTERACTIONS, ITEMS, json!({"delimiter": "→"}));
    assert_eq!(
        delimiter,
        "delimiter: expected one ASCII character, found `→`"
    );
    let tables = Tables::new("csv", INTERACTIONS, ITEMS, json!({}));
    std::fs::remove_file(tables.path("items")).unwrap();
    assert!(
        tables
            .load()
            .unwrap_err()
            .starts_with("items: there is no such file; `items` names")
    );
}

#[test]
fn a_parquet_row_is_told_by_its_number() {
    let write = |columns: Vec<(&str, ArrayRef)>| {
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    };
    let items = write(vec![
        ("item_id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("title", Arc::new(StringArray::from(vec!["Doll", "Kite"]))),
    ]);
    let interactions = write(vec![
        (
            "user_id",
            Arc::new(StringArray::from(vec![Some("u"), None])),
        ),
        ("item_id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("timestamp", Arc::new(Int64Array::from(vec![1, 2]))),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
                Some([Some(1)]),
                Some([Some(2)]),
            ])),
        ),
    ]);
    let told = |options| {
        let tables = Tables::new("parquet", &interactions, &items, options);
        tables.load().unwrap_err()
    };
    assert_eq!(
        told(json!({})),
        "interactions: row 2: column `user_id`: found nothing, expected an id, which is a text or a whole number"
    );
    assert!(told(json!({"time": "list"})).contains("column `list` is of type List"));
    assert!(told(json!({"user": "usr_id"})).contains("did you mean `user_id`?"));
}
