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

    /// SemanticIdModel a table of Parquet: the columns `item` and `code_0`, `code_1` and so on.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path, catalogue: &Catalogue) -> Result<()> {
        let ids = catalogue.items().iter().map(|item| Some(item.id.as_str()));
        let mut columns: Vec<(String, ArrayRef)> =
            vec![("item".into(), Arc::new(ids.collect::<StringArray>()))];
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
        let written = ArrowWriter::try_new(file, batch.schema(), None).and_then(|mut writer| {
            writer.write(&batch)?;
            writer.close()
        });
        written.map(drop).map_err(|error| failed(&error))
    }

    /// Reads a table that [`write`](Self::write) wrote, of codes of `sizes`.
    ///
    /// # Errors
    /// If the file cannot be read, or has other columns or codes.
    pub fn read(path: &Path, sizes: Vec<usize>) -> Result<Self> {
        let damaged = |what: String| Error::Stale {
            path: path.to_path_buf(),
            message: format!("is no table of codes: {what}"),
        };
        let file = File::open(path).map_err(Error::io("read", path))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.build())
            .map_err(|error| damaged(error.to_string()))?;
        let mut levels: Vec<(Vec<u16>, usize)> =
            sizes.into_iter().map(|size| (Vec::new(), size)).collect();
        for batch in reader {
            let batch = batch.map_err(|error| damaged(error.to_string()))?;
            for (number, (codes, size)) in levels.iter_mut().enumerate() {
                let column = batch.column_by_name(&format!("code_{number}"));
                let column = column.and_then(|column| column.as_primitive_opt::<UInt16Type>());
                let column = column.ok_or_else(|| damaged(format!("no column code_{number}")))?;
                if let Some(code) = column
                    .values()
                    .iter()
                    .find(|code| usize::from(**code) >= *size)
                {
                    return Err(damaged(format!(
                        "code {code} of level {number}, which has {size}"
                    )));
                }
                codes.extend_from_slice(column.values());
            }
        }
        Ok(Codes::of_levels(&levels))
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
        let catalogue = Catalogue::new(items.to_vec(), Vec::new()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.parquet");
        codes.write(&path, &catalogue).unwrap();
        assert_eq!(Codes::read(&path, codes.sizes.clone()).unwrap(), codes);
        let error = Codes::read(&path, vec![3, 2]).unwrap_err().to_string();
        assert!(error.contains("code 3 of level 0, which has 3"), "{error}");
        let error = Codes::read(&path, vec![4, 2, 2]).unwrap_err().to_string();
        assert!(error.contains("no column code_2"), "{error}");
    }
}
