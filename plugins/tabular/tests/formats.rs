//! The same rows are the same data, whichever format they are in.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::io::Write;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, types::Int32Type,
};
use common::Tables;
use flate2::Compression;
use flate2::write::GzEncoder;
use gloss_core::{Data, Kind, Registry};
use gloss_engine::assert_invariants;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A user, an item, a time in seconds, and perhaps a rating.
type Interaction = (u8, u8, i64, Option<f64>);
/// A title and perhaps a price; the position is the id.
type ItemRow = (String, Option<i64>);

fn options() -> Value {
    json!({
        "rating": "stars",
        "text": "Title: {title}{{}} for {price}",
        "split": {"minimum_interactions": 2, "validation_share": 0.5},
    })
}

fn as_jsonl(interactions: &[Interaction], items: &[ItemRow]) -> (Vec<u8>, Vec<u8>) {
    let lines = |rows: Vec<Value>| {
        let lines: Vec<_> = rows.iter().map(|row| format!("{row}\n")).collect();
        lines.concat().into_bytes()
    };
    let interactions = interactions.iter().map(|(user, item, time, rating)| {
        json!({"user_id": format!("u_{user}"), "stars": rating, "item_id": item, "timestamp": time})
    });
    let items = items.iter().enumerate().map(|(id, (title, price))| {
        json!({"ignored": [1, {"a": null}], "item_id": id, "title": title, "price": price})
    });
    (lines(interactions.collect()), lines(items.collect()))
}

fn as_csv(interactions: &[Interaction], items: &[ItemRow]) -> (Vec<u8>, Vec<u8>) {
    let text = |number: Option<String>| number.unwrap_or_default();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .from_writer(Vec::new());
    writer
        .write_record(["stars", "timestamp", "item_id", "user_id"])
        .unwrap();
    for (user, item, time, rating) in interactions {
        let rating = text(rating.map(|r| r.to_string()));
        let row = [
            rating,
            time.to_string(),
            item.to_string(),
            format!("u_{user}"),
        ];
        writer.write_record(row).unwrap();
    }
    let interactions = writer.into_inner().unwrap();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .from_writer(Vec::new());
    writer
        .write_record(["title", "ignored", "price", "item_id"])
        .unwrap();
    for (id, (title, price)) in items.iter().enumerate() {
        let price = text(price.map(|p| p.to_string()));
        writer
            .write_record([title, "x", &price, &id.to_string()])
            .unwrap();
    }
    (interactions, writer.into_inner().unwrap())
}

fn as_parquet(interactions: &[Interaction], items: &[ItemRow]) -> (Vec<u8>, Vec<u8>) {
    let write = |columns: Vec<(&str, ArrayRef)>| {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    };
    let users: Vec<_> = interactions
        .iter()
        .map(|row| format!("u_{}", row.0))
        .collect();
    let users: DictionaryArray<Int32Type> = users.iter().map(String::as_str).collect();
    let items_bought = interactions.iter().map(|row| i64::from(row.1));
    let times = interactions.iter().map(|row| row.2 * 1_000_000);
    let ratings: Float64Array = interactions.iter().map(|row| row.3).collect();
    let interactions = write(vec![
        (
            "timestamp",
            Arc::new(TimestampMicrosecondArray::from_iter_values(times)),
        ),
        ("user_id", Arc::new(users)),
        ("stars", Arc::new(ratings)),
        (
            "item_id",
            Arc::new(Int64Array::from_iter_values(items_bought)),
        ),
    ]);
    let titles: StringArray = items.iter().map(|item| Some(item.0.as_str())).collect();
    let prices: Int64Array = items.iter().map(|item| item.1).collect();
    let items = write(vec![
        ("price", Arc::new(prices)),
        (
            "item_id",
            Arc::new(Int64Array::from_iter_values(0..items.len() as i64)),
        ),
        ("title", Arc::new(titles)),
    ]);
    (interactions, items)
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Everything in the data, NaN equal to NaN.
fn told(data: Result<Data, String>) -> Result<String, String> {
    let data = data?;
    Ok(format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        data.catalogue.items(),
        data.catalogue.field_names(),
        data.histories,
        data.splits,
        data.report
    ))
}

fn load(format: &'static str, (interactions, items): (Vec<u8>, Vec<u8>)) -> Result<String, String> {
    let mut options = options();
    if format == "csv" {
        options["delimiter"] = ";".into();
    }
    told(Tables::new(format, interactions, items, options).load())
}

fn rows() -> impl Strategy<Value = (Vec<Interaction>, Vec<ItemRow>)> {
    let rating = prop::option::of((0_u8..11).prop_map(|halves| f64::from(halves) / 2.0));
    let interaction = (0_u8..6, 0_u8..9, -50_i64..2_000_000_000, rating);
    let title = "[a-z;,\"'\n{}é ]{1,12}";
    (
        prop::collection::vec(interaction, 1..60),
        prop::collection::vec((title, prop::option::of(0_i64..99)), 1..8),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_formats_give_the_same_data((interactions, items) in rows()) {
        let lines = as_jsonl(&interactions, &items);
        let zipped = (gzipped(&lines.0), gzipped(&lines.1));
        let expected = load("jsonl", lines);
        prop_assert_eq!(&expected, &load("jsonl", zipped));
        prop_assert_eq!(&expected, &load("csv", as_csv(&interactions, &items)));
        prop_assert_eq!(&expected, &load("parquet", as_parquet(&interactions, &items)));
    }
}

#[test]
fn rows_become_histories_and_a_catalogue() {
    let interactions: Vec<Interaction> = vec![
        (1, 0, 30, Some(4.5)),
        (0, 1, 10, None),
        (1, 7, 20, None),
        (1, 1, 10, None),
        (1, 1, 40, Some(1.0)),
    ];
    let items = vec![("Doll".to_string(), Some(3)), ("Kite".to_string(), None)];
    let (events, catalogue) = as_jsonl(&interactions, &items);
    let data = Tables::new("jsonl", events, catalogue, options())
        .load()
        .unwrap();
    let texts: Vec<_> = data
        .catalogue
        .items()
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    assert_eq!(texts, ["Title: Doll{} for 3", "Title: Kite{} for "]);
    assert_eq!(data.catalogue.field_names(), ["title", "price"]);
    assert_eq!(
        data.catalogue.items()[1].fields,
        [Some("Kite".to_string()), None]
    );
    assert_eq!(data.histories.users(), ["u_1"]);
    let history = data.histories.history(0);
    assert_eq!(history.items, [1, 0, 1]);
    assert_eq!(history.times, [10_000, 30_000, 40_000]);
    assert!(history.ratings[0].is_nan());
    assert_eq!(history.ratings[1..], [4.5, 1.0]);
    let dropped = "interactions of items that are not in the items file";
    assert_eq!(data.report.get(dropped), Some(1));
}

#[test]
fn a_number_in_a_json_line_is_text_as_it_is_written() {
    let interactions = [(1, 0, 30, None), (1, 0, 31, None), (1, 0, 32, None)];
    let (events, catalogue) = as_jsonl(&interactions, &[("Doll".to_string(), Some(3))]);
    for written in ["3.0", "4e-07", "18446744073709551615"] {
        let catalogue = String::from_utf8(catalogue.clone()).unwrap();
        let catalogue = catalogue.replace(":3", &format!(":{written}"));
        let tables = Tables::new("jsonl", events.clone(), catalogue.into_bytes(), options());
        let text = tables.load().unwrap().catalogue.items()[0].text.clone();
        assert_eq!(text, format!("Title: Doll{{}} for {written}"));
    }
}

#[test]
fn every_format_keeps_the_laws_of_data_sets() {
    let interactions: Vec<Interaction> = vec![
        (1, 0, 30, Some(4.5)),
        (0, 1, 10, None),
        (1, 1, 10, None),
        (1, 1, 40, Some(1.0)),
        (0, 0, 10, Some(2.0)),
        (0, 2, 70, None),
    ];
    let items = ["Doll", "Kite", "Ball"].map(|title| (title.to_string(), Some(3)));
    let registry = Registry::compiled_in().unwrap();
    for (format, (interactions, items)) in [
        ("jsonl", as_jsonl(&interactions, &items)),
        ("csv", as_csv(&interactions, &items)),
        ("parquet", as_parquet(&interactions, &items)),
    ] {
        let tables = Tables::new(format, interactions, items, options());
        let mut options = tables.options();
        if format == "csv" {
            options["delimiter"] = ";".into();
        }
        let entry = registry.get(Kind::Dataset, format, "").unwrap();
        assert_invariants(entry, &options.to_string()).unwrap();
    }
}
