//! The codes of items.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt16Array};
use gloss_core::{Catalogue, Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::json;

/// The usual name of the table of codes in a folder.
pub const CODES: &str = "codes.parquet";

const ITEM: &str = "item";
/// The most levels: those of an item tokenizer, and one for collisions.
const MOST_LEVELS: usize = 17;
/// The most codes of a level, which are 16-bit numbers.
const MOST_CODES: usize = 1 << 16;
const SIZES: &str = "sizes";

/// The codes of a catalogue's items, one for each level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// The number of different codes of each level.
    pub sizes: Vec<usize>,
    /// Item by item, level by level.
    values: Vec<u16>,
}

impl Codes {
    /// The codes in `levels`, each with those of all items and the number of different ones.
    pub fn of_levels(levels: &[(Vec<u16>, usize)]) -> Self {
        let items = levels.first().map_or(0, |(codes, _)| codes.len());
        let of_item = |item: usize| levels.iter().map(move |(codes, _)| codes[item]);
        Codes {
            sizes: levels.iter().map(|(_, size)| *size).collect(),
            values: (0..items).flat_map(of_item).collect(),
        }
    }

    /// The number of levels.
    pub fn levels(&self) -> usize {
        self.sizes.len()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.values.len() / self.levels().max(1)
    }

    /// Returns `true` if there is no item.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The codes of an item. Panics if there is none, as indexing does.
    pub fn of(&self, item: u32) -> &[u16] {
        &self.values[item as usize * self.levels()..][..self.levels()]
    }

    /// The codes of all items.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u16]> {
        self.values.chunks_exact(self.levels().max(1))
    }

    /// The items of each different sequence of codes, in catalogue order.
    pub fn groups(&self) -> HashMap<&[u16], Vec<u32>> {
        let mut groups: HashMap<&[u16], Vec<u32>> = HashMap::new();
        for (item, codes) in (0..).zip(self.iter()) {
            groups.entry(codes).or_default().push(item);
        }
        groups
    }

    /// Writes a table of Parquet: the columns `item` and `code_0`, `code_1` and so on. Its metadata has the number of
    /// different codes of each level as `sizes`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path, catalogue: &Catalogue) -> Result<()> {
        let ids = catalogue.items().iter().map(|item| Some(item.id.as_str()));
        let mut columns: Vec<(String, ArrayRef)> =
            vec![(ITEM.into(), Arc::new(ids.collect::<StringArray>()))];
        for level in 0..self.levels() {
            let codes = self.iter().map(|codes| codes[level]);
            let codes = UInt16Array::from_iter_values(codes);
            columns.push((format!("code_{level}"), Arc::new(codes)));
        }
        let failed = |error: &dyn std::fmt::Display| {
            Error::component("the table of codes", error.to_string())
        };
        let batch = RecordBatch::try_from_iter(columns).map_err(|error| failed(&error))?;
        let file = File::create(path).map_err(Error::io("write", path))?;
        let sizes = KeyValue::new(SIZES.into(), json!(self.sizes).to_string());
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(vec![sizes]))
            .build();
        let writer = ArrowWriter::try_new(file, batch.schema(), Some(properties));
        let written = writer.and_then(|mut writer| {
            writer.write(&batch)?;
            writer.close()
        });
        written.map(drop).map_err(|error| failed(&error))
    }

    /// Reads a table that [`write`](Self::write) wrote for the same catalogue.
    ///
    /// # Errors
    /// If the file cannot be read, has other columns or codes, or is of another catalogue.
    pub fn read(path: &Path, catalogue: &Catalogue) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let damaged = |message: String| Error::Stale {
            path: path.to_path_buf(),
            message,
        };
        Codes::of_file(file, catalogue).map_err(damaged)
    }

    fn of_file(file: File, catalogue: &Catalogue) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("is no table of codes: {error}");
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(&error))?;
        let metadata = builder.metadata().file_metadata().key_value_metadata();
        let mut metadata = metadata.into_iter().flatten();
        let sizes = metadata.find(|pair| pair.key == SIZES);
        let sizes = sizes.and_then(|pair| serde_json::from_str(pair.value.as_ref()?).ok());
        let sizes: Vec<usize> =
            sizes.ok_or_else(|| failed(&"its metadata has no `sizes`, those of the levels"))?;
        let is_size = |size: &usize| (1..=MOST_CODES).contains(size);
        if !(1..=MOST_LEVELS).contains(&sizes.len()) || !sizes.iter().all(is_size) {
            return Err(failed(&format!(
                "its `sizes` are {sizes:?}; expected 1 to {MOST_LEVELS} numbers from 1 to {MOST_CODES}"
            )));
        }
        let mut levels: Vec<(Vec<u16>, usize)> =
            sizes.into_iter().map(|size| (Vec::new(), size)).collect();
        let mut items = catalogue.items().iter();
        for batch in builder.build().map_err(|error| failed(&error))? {
            let batch = batch.map_err(|error| failed(&error))?;
            for (number, level) in levels.iter_mut().enumerate() {
                extend(level, number, &batch).map_err(|error| failed(&error))?;
            }
            let ids = batch.column_by_name(ITEM);
            let ids = ids.and_then(|ids| ids.as_string_opt::<i32>());
            for id in ids.ok_or_else(|| failed(&"no column `item`"))? {
                let (id, own) = (id.unwrap_or(""), items.next().map_or("", |item| &item.id));
                if id != own {
                    return Err(of_another_catalogue(
                        &format!("`{id}`"),
                        &format!("`{own}`"),
                    ));
                }
            }
        }
        match items.next() {
            None => Ok(Codes::of_levels(&levels)),
            Some(item) => Err(of_another_catalogue("none", &format!("`{}`", item.id))),
        }
    }
}

fn of_another_catalogue(found: &str, expected: &str) -> String {
    format!(
        "has the codes of another catalogue: an item is {found} there, and {expected} in the data"
    )
}

/// Adds the codes of level `number` in a batch.
fn extend(
    (codes, size): &mut (Vec<u16>, usize),
    number: usize,
    batch: &RecordBatch,
) -> Result<(), String> {
    let column = batch.column_by_name(&format!("code_{number}"));
    let column = column.and_then(|column| column.as_primitive_opt::<UInt16Type>());
    let values = column
        .ok_or_else(|| format!("no column `code_{number}`"))?
        .values();
    match values.iter().find(|code| usize::from(**code) >= *size) {
        Some(code) => Err(format!("code {code} of level {number}, which has {size}")),
        None => {
            codes.extend_from_slice(values);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::Item;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let codes = Codes::of_levels(&[(vec![0, 3, 0], 4), (vec![1, 0, 1], 2)]);
        assert_eq!((codes.len(), codes.of(1)), (3, &[3, 0][..]));
        assert_eq!(codes.groups()[&[0, 1][..]], [0, 2]);
        let items = ["a", "b", "c"].map(|id| Item {
            id: id.into(),
            ..Item::default()
        });
        let of = |items: &[Item]| Catalogue::new(items.to_vec(), Vec::new()).unwrap();
        let catalogue = of(&items);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.parquet");
        codes.write(&path, &catalogue).unwrap();
        assert_eq!(Codes::read(&path, &catalogue).unwrap(), codes);
        let error = |items: &[Item]| {
            let error = Codes::read(&path, &of(items)).unwrap_err();
            error.to_string()
        };
        let others = [items[0].clone(), items[2].clone(), items[1].clone()];
        assert!(error(&others).contains("an item is `b` there, and `c` in the data"));
        assert!(error(&items[..2]).contains("an item is `c` there, and `` in the data"));
        let more = [
            &items[..],
            &[Item {
                id: "d".into(),
                ..Item::default()
            }],
        ]
        .concat();
        assert!(error(&more).contains("an item is none there, and `d` in the data"));
        let wrong = Codes {
            sizes: vec![3, 2],
            ..codes.clone()
        };
        wrong.write(&path, &catalogue).unwrap();
        assert!(error(&items).contains("code 3 of level 0, which has 3"));
        let wrong = Codes {
            sizes: vec![4],
            values: vec![0, 3, 0],
        };
        wrong.write(&path, &catalogue).unwrap();
        assert_eq!(Codes::read(&path, &catalogue).unwrap().levels(), 1);
        for sizes in [vec![], vec![0], vec![usize::MAX], vec![1; 200]] {
            let wrong = Codes {
                values: vec![0; 3 * sizes.len()],
                sizes,
            };
            wrong.write(&path, &catalogue).unwrap();
            assert!(error(&items).contains("expected 1 to 17 numbers from 1 to 65536"));
        }
    }
}
