//! A dataset as tables that other tools read as they are.

use std::fs;
use std::path::Path;

use gloss_core::{Data, Error, Example, Result};

use crate::data_files::{INTERACTIONS, ITEMS, write_interactions, write_items};
use crate::tables::{self, Column};

/// The files of [`write_tables`].
pub const PREPARED: [&str; 7] = [
    ITEMS,
    INTERACTIONS,
    "train.parquet",
    "validation.parquet",
    "test.parquet",
    "report.json",
    CARD,
];

/// The dataset card.
const CARD: &str = "README.md";

/// The dataset card, by which the library `datasets` of Hugging Face finds the tables.
const CARD_TEXT: &str = include_str!("published_tables/card.md");

/// Writes a dataset into `folder`, with identifiers and texts in every row: `items.parquet` (id,
/// text, further fields), `interactions.parquet` (user, item, position of the item, time in
/// milliseconds, rating), and `train.parquet`, `validation.parquet` and `test.parquet`. The last three
/// have a row for each example, with its user and the items, texts and times of context and targets.
/// A dataset card makes `datasets.load_dataset` find them.
///
/// # Errors
/// If a file cannot be written.
pub fn write_tables(data: &Data, folder: &Path) -> Result<()> {
    write_items(data, &folder.join(ITEMS))?;
    write_interactions(data, &folder.join(INTERACTIONS))?;
    for (split, examples) in [
        ("train", &data.splits.train),
        ("validation", &data.splits.validation),
        ("test", &data.splits.test),
    ] {
        let path = folder.join(format!("{split}.parquet"));
        tables::write(&path, columns(data, examples))?;
    }
    let card = folder.join(CARD);
    fs::write(&card, CARD_TEXT).map_err(Error::io("write", &card))
}

fn columns(data: &Data, examples: &[Example]) -> Vec<(String, Column)> {
    let item = |position: &u32| data.catalogue.item(*position);
    let context = |example: &Example| data.histories.context(*example).items;
    let targets = |example: &Example| data.histories.targets(*example);
    let times = |example: &Example, targets: bool| {
        let (all, start) = (
            data.histories.history(example.user).times,
            example.history as usize,
        );
        match targets {
            true => &all[start..start + example.targets as usize],
            false => &all[..start],
        }
    };
    let ids = |items: &'_ [u32]| {
        items
            .iter()
            .map(|at| item(at).id.as_str())
            .collect::<Vec<_>>()
    };
    let texts = |items: &'_ [u32]| {
        items
            .iter()
            .map(|at| item(at).text.as_str())
            .collect::<Vec<_>>()
    };
    let user = |example: &Example| Some(data.histories.context(*example).user);
    let named: [(&str, Column); 7] = [
        ("user", tables::text(examples.iter().map(user))),
        (
            "context_items",
            tables::text_lists(examples.iter().map(|e| ids(context(e)))),
        ),
        (
            "context_texts",
            tables::text_lists(examples.iter().map(|e| texts(context(e)))),
        ),
        (
            "context_times",
            tables::time_lists(examples.iter().map(|e| times(e, false))),
        ),
        (
            "target_items",
            tables::text_lists(examples.iter().map(|e| ids(targets(e)))),
        ),
        (
            "target_texts",
            tables::text_lists(examples.iter().map(|e| texts(targets(e)))),
        ),
        (
            "target_times",
            tables::time_lists(examples.iter().map(|e| times(e, true))),
        ),
    ];
    named
        .map(|(name, column)| (name.to_string(), column))
        .into()
}
