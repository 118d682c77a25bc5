//! Files with other bytes: they load, or there is an error; never a panic.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use common::Tables;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use serde_json::json;

const INTERACTIONS: &str = "user_id,item_id,timestamp\nu,a,1\nu,\"b\",2\nu,a,3\nv,b,4\n";
const ITEMS: &str = "item_id,title\na,Doll\nb,\"Kite, red\"\n";
const LINES: &str = r#"{"user_id": "u", "item_id": "a", "timestamp": 1}
{"user_id": "u", "item_id": "b", "timestamp": 2.5}
{"user_id": "u", "item_id": "a", "timestamp": 3e0}
"#;
const ITEM_LINES: &str =
    "{\"item_id\": \"a\", \"title\": \"D\\u00f6ll \\ud83d\\ude00\"}\n{\"item_id\": \"b\"}\n";

/// A Parquet file of these columns.
fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = Vec::new();
    let mut write = || -> parquet::errors::Result<()> {
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None)?;
        writer.write(&batch)?;
        writer.close().map(drop)
    };
    write().unwrap_or_else(|error| panic!("{error}"));
    bytes
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// The interactions and items of a format.
fn tables(format: &str) -> (Vec<u8>, Vec<u8>) {
    match format {
        "csv" => (INTERACTIONS.into(), ITEMS.into()),
        "jsonl" => (LINES.into(), ITEM_LINES.into()),
        _ => {
            let times: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
            let interactions = vec![
                ("user_id", text(&["u", "u", "u"])),
                ("item_id", text(&["a", "b", "a"])),
                ("timestamp", times),
            ];
            let items = vec![
                ("item_id", text(&["a", "b"])),
                ("title", text(&["Doll", "Kite"])),
            ];
            (parquet(interactions), parquet(items))
        }
    }
}

/// A change of a file: at a place, some bytes are replaced by others.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        prop::sample::select(vec![
            "\"",
            "\n",
            ",",
            "{",
            "[",
            "\\ud83d",
            "NaN",
            "-1e999",
            "\0",
            "\u{feff}",
            "99999999999999999999",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (any::<prop::sample::Index>(), 0_usize..6, bytes)
}

fn apply(
    mut bytes: Vec<u8>,
    (at, removed, new): &(prop::sample::Index, usize, Vec<u8>),
) -> Vec<u8> {
    let at = at.index(bytes.len() + 1);
    let end = (at + removed).min(bytes.len());
    bytes.splice(at..end, new.iter().copied());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_file_loads_or_is_refused(
        format in prop::sample::select(vec!["csv", "jsonl", "parquet"]),
        first: bool,
        skip: bool,
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let (mut interactions, mut items) = tables(format);
        let target = if first { &mut interactions } else { &mut items };
        for change in &changes {
            *target = apply(std::mem::take(target), change);
        }
        let on_bad_line = if skip { "skip" } else { "error" };
        let tables = Tables::new(format, interactions, items, json!({ "on_bad_line": on_bad_line }));
        if let Err(message) = tables.load() {
            prop_assert!(!message.is_empty());
        }
    }
}
