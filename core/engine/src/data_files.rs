//! A dataset as Parquet files.

use std::path::Path;

use gloss_core::{Catalogue, Data, Example, Histories, Item, Result, Splits};

use crate::files::{damaged, read_json, write_json};
use crate::tables::{self, Table};

/// The file of the items.
pub(crate) const ITEMS: &str = "items.parquet";
/// The file of the interactions.
pub(crate) const INTERACTIONS: &str = "interactions.parquet";
/// The file of the examples.
pub(crate) const EXAMPLES: &str = "examples.parquet";
/// The file of the loader's counts.
const REPORT: &str = "report.json";

/// Writes a dataset as `items.parquet` (id, text, further fields), `interactions.parquet` (user,
/// item, time in milliseconds, rating; user by user, oldest first), `examples.parquet` (split, user,
/// number of interactions in the context, number of targets) and `report.json` into `folder`.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write_data(data: &Data, folder: &Path) -> Result<()> {
    write_items(data, &folder.join(ITEMS))?;
    write_interactions(data, &folder.join(INTERACTIONS))?;
    write_examples(&data.splits, &folder.join(EXAMPLES))?;
    write_json(&folder.join(REPORT), &data.report)
}

/// Writes the table of items.
pub(crate) fn write_items(data: &Data, path: &Path) -> Result<()> {
    let items = data.catalogue.items();
    let mut columns = vec![
        (
            "id".to_string(),
            tables::text(items.iter().map(|item| Some(item.id.as_str()))),
        ),
        (
            "text".to_string(),
            tables::text(items.iter().map(|item| Some(item.text.as_str()))),
        ),
    ];
    for (index, name) in data.catalogue.field_names().iter().enumerate() {
        let values = items.iter().map(|item| item.fields[index].as_deref());
        columns.push((format!("field:{name}"), tables::text(values)));
    }
    tables::write(path, columns)
}

/// Writes the table of interactions.
pub(crate) fn write_interactions(data: &Data, path: &Path) -> Result<()> {
    let histories = (0..data.histories.len() as u32).map(|user| data.histories.history(user));
    let histories: Vec<_> = histories.collect();
    let items = data.catalogue.items();
    let all = || histories.iter();
    let columns = vec![
        (
            "user".to_string(),
            tables::text(all().flat_map(|h| std::iter::repeat_n(Some(h.user), h.items.len()))),
        ),
        (
            "item".to_string(),
            tables::text(
                all().flat_map(|h| h.items.iter().map(|i| Some(items[*i as usize].id.as_str()))),
            ),
        ),
        (
            "item_position".to_string(),
            tables::uint32(all().flat_map(|h| h.items.iter().copied())),
        ),
        (
            "time".to_string(),
            tables::int64(all().flat_map(|h| h.times.iter().copied())),
        ),
        (
            "rating".to_string(),
            tables::float32(all().flat_map(|h| h.ratings.iter().copied())),
        ),
    ];
    tables::write(path, columns)
}

fn write_examples(splits: &Splits, path: &Path) -> Result<()> {
    let named = [
        ("train", &splits.train),
        ("validation", &splits.validation),
        ("test", &splits.test),
    ];
    let all = || {
        named
            .iter()
            .flat_map(|(name, examples)| examples.iter().map(move |example| (*name, example)))
    };
    let columns = vec![
        (
            "split".to_string(),
            tables::text(all().map(|(name, _)| Some(name))),
        ),
        (
            "user".to_string(),
            tables::uint32(all().map(|(_, example)| example.user)),
        ),
        (
            "history".to_string(),
            tables::uint32(all().map(|(_, example)| example.history)),
        ),
        (
            "targets".to_string(),
            tables::uint32(all().map(|(_, example)| example.targets)),
        ),
    ];
    tables::write(path, columns)
}

/// Reads the files that [`write_data`] wrote.
///
/// # Errors
/// If a file is missing or damaged.
pub(crate) fn read_data(folder: &Path) -> Result<Data> {
    let catalogue = read_catalogue(&folder.join(ITEMS))?;
    let histories = read_histories(&folder.join(INTERACTIONS), &catalogue)?;
    let splits = read_splits(&folder.join(EXAMPLES), &histories)?;
    Ok(Data {
        catalogue,
        histories,
        splits,
        report: read_json(&folder.join(REPORT))?,
    })
}

fn read_catalogue(path: &Path) -> Result<Catalogue> {
    let table = Table::read(path)?;
    let names = table.names();
    let names: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix("field:"))
        .collect();
    let fields = names
        .iter()
        .map(|name| table.text(&format!("field:{name}")))
        .collect::<Result<Vec<_>>>()?;
    let (ids, texts) = (table.text("id")?, table.text("text")?);
    let items = (0..ids.len())
        .map(|row| Item {
            id: ids.value(row).to_string(),
            text: texts.value(row).to_string(),
            fields: fields
                .iter()
                .map(|field| field.get(row).map(str::to_string))
                .collect(),
        })
        .collect();
    Catalogue::new(items, names.iter().map(|name| name.to_string()).collect())
        .map_err(|error| damaged(path, error))
}

fn read_histories(path: &Path, catalogue: &Catalogue) -> Result<Histories> {
    let table = Table::read(path)?;
    let users = table.text("user")?;
    let items = table.uint32("item_position")?;
    let (times, ratings) = (table.int64("time")?, table.float32("rating")?);
    if items.iter().any(|item| *item as usize >= catalogue.len()) {
        return Err(damaged(path, "an item is not in the catalogue"));
    }
    let mut histories = Histories::new();
    let mut start = 0;
    while start < users.len() {
        let user = users.value(start);
        let end = (start..users.len())
            .find(|row| users.value(*row) != user)
            .unwrap_or(users.len());
        let events = (start..end).map(|row| (items[row], times[row], ratings[row]));
        histories.push(user.to_string(), events);
        start = end;
    }
    Ok(histories)
}

fn read_splits(path: &Path, histories: &Histories) -> Result<Splits> {
    let table = Table::read(path)?;
    let names = table.text("split")?;
    let (users, history) = (table.uint32("user")?, table.uint32("history")?);
    let targets = table.uint32("targets")?;
    let mut splits = Splits::default();
    for row in 0..names.len() {
        let example = Example {
            user: users[row],
            history: history[row],
            targets: targets[row],
        };
        let fits = (example.user as usize) < histories.len()
            && (example.history + example.targets) as usize
                <= histories.history(example.user).items.len();
        if !fits {
            return Err(damaged(path, "a case lies outside its user's history"));
        }
        match names.value(row) {
            "train" => splits.train.push(example),
            "validation" => splits.validation.push(example),
            _ => splits.test.push(example),
        }
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_as_written() {
        let item = |id: &str, field: Option<&str>| Item {
            id: id.into(),
            text: format!("Title: {id}"),
            fields: vec![field.map(str::to_string)],
        };
        let catalogue = Catalogue::new(
            vec![item("a", Some("x")), item("b", None)],
            vec!["brand".into()],
        );
        let mut histories = Histories::new();
        histories.push("u".into(), [(1, -5, 2.5), (0, 7, 4.0)]);
        histories.push("v_1 x".into(), [(0, 1, 1.0)]);
        let example = |user| Example {
            user,
            history: 0,
            targets: 1,
        };
        let mut data = Data {
            catalogue: catalogue.unwrap(),
            histories,
            splits: Splits {
                train: vec![],
                validation: vec![example(0)],
                test: vec![example(0), example(1)],
            },
            ..Data::default()
        };
        data.report.count("rows", 3);
        let folder = tempfile::tempdir().unwrap();
        write_data(&data, folder.path()).unwrap();
        let read = read_data(folder.path()).unwrap();
        assert_eq!(read.catalogue.items(), data.catalogue.items());
        assert_eq!(read.catalogue.field_names(), data.catalogue.field_names());
        assert_eq!(read.histories, data.histories);
        assert_eq!((read.splits, read.report), (data.splits, data.report));
    }
}
