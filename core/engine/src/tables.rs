//! Flat tables in Parquet files.

mod read;
mod write;

use gloss_core::Ragged;

pub(crate) use read::Table;
pub(crate) use write::write;

/// A column to write.
#[derive(Debug)]
pub(crate) enum Column {
    /// Text, or null.
    Text(Texts),
    UInt32(Vec<u32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Lists of texts: the length of each, and the texts of all.
    TextLists(Vec<usize>, Texts),
    /// Lists of times, in milliseconds since 1970.
    TimeLists(Ragged<i64>),
}

/// A column of text; `None` is null.
pub(crate) fn text<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Column {
    Column::Text(values.into_iter().collect())
}

/// A column of `u32`.
pub(crate) fn uint32(values: impl IntoIterator<Item = u32>) -> Column {
    Column::UInt32(values.into_iter().collect())
}

/// A column of `i64`.
pub(crate) fn int64(values: impl IntoIterator<Item = i64>) -> Column {
    Column::Int64(values.into_iter().collect())
}

/// A column of `f32`.
pub(crate) fn float32(values: impl IntoIterator<Item = f32>) -> Column {
    Column::Float32(values.into_iter().collect())
}

/// A column of `f64`.
pub(crate) fn float64(values: impl IntoIterator<Item = f64>) -> Column {
    Column::Float64(values.into_iter().collect())
}

/// A column of lists of texts.
pub(crate) fn text_lists<'a>(lists: impl IntoIterator<Item = Vec<&'a str>>) -> Column {
    let (mut lengths, mut all) = (Vec::new(), Texts::default());
    for list in lists {
        lengths.push(list.len());
        list.into_iter().for_each(|text| all.push(Some(text)));
    }
    Column::TextLists(lengths, all)
}

/// A column of lists of times, in milliseconds since 1970.
pub(crate) fn time_lists<'a>(lists: impl IntoIterator<Item = &'a [i64]>) -> Column {
    let mut all = Ragged::default();
    lists
        .into_iter()
        .for_each(|list| all.push(list.iter().copied()));
    Column::TimeLists(all)
}

impl Column {
    /// The number of rows.
    fn len(&self) -> usize {
        match self {
            Column::Text(texts) => texts.len(),
            Column::UInt32(values) => values.len(),
            Column::Int64(values) => values.len(),
            Column::Float32(values) => values.len(),
            Column::Float64(values) => values.len(),
            Column::TextLists(lengths, _) => lengths.len(),
            Column::TimeLists(lists) => lists.len(),
        }
    }
}

/// Texts in one allocation; some may be null.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: String,
    /// The end of each text in `text`, and whether it is not null.
    ends: Vec<(usize, bool)>,
}

impl Texts {
    fn push(&mut self, text: Option<&str>) {
        self.text.push_str(text.unwrap_or_default());
        self.ends.push((self.text.len(), text.is_some()));
    }

    /// The number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a row, if it is not null.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        let (end, is_text) = self.ends[row];
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before].0);
        is_text.then(|| &self.text[start..end])
    }

    /// The text of a row, empty if it is null.
    pub(crate) fn value(&self, row: usize) -> &str {
        self.get(row).unwrap_or_default()
    }

    /// The texts in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }
}

impl<'a> FromIterator<Option<&'a str>> for Texts {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(values: I) -> Self {
        let mut texts = Texts::default();
        values.into_iter().for_each(|text| texts.push(text));
        texts
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use gloss_core::Error;
    use proptest::prelude::*;

    use super::*;

    fn written(path: &Path, columns: Vec<(&str, Column)>) {
        let columns = columns.into_iter().map(|(name, c)| (name.to_string(), c));
        write(path, columns.collect()).unwrap();
    }

    #[test]
    fn a_table_is_read_as_written_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let columns = vec![
            ("id", text([Some("a"), None, Some("ü")])),
            ("n", uint32([3, u32::MAX, 2])),
        ];
        written(&path, columns);
        let table = Table::read(&path).unwrap();
        assert_eq!(table.names(), ["id", "n"]);
        let ids = table.text("id").unwrap();
        assert_eq!(ids.iter().collect::<Vec<_>>(), [Some("a"), None, Some("ü")]);
        assert_eq!(table.uint32("n").unwrap(), [3, u32::MAX, 2]);
        for error in [
            table.float32("n").unwrap_err(),
            table.int64("m").unwrap_err(),
            table.text("n").err().unwrap(),
        ] {
            assert!(matches!(error, Error::Stale { .. }), "{error}");
        }

        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(Table::read(&path), Err(Error::Stale { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read(
            rows in prop::collection::vec(
                (prop::option::of(".{0,6}"), any::<u32>(), any::<i64>(), any::<f32>(), any::<f64>()),
                0..40,
            )
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.parquet");
            written(&path, vec![
                ("text", text(rows.iter().map(|row| row.0.as_deref()))),
                ("u", uint32(rows.iter().map(|row| row.1))),
                ("i", int64(rows.iter().map(|row| row.2))),
                ("f", float32(rows.iter().map(|row| row.3))),
                ("d", float64(rows.iter().map(|row| row.4))),
            ]);
            let table = Table::read(&path).unwrap();
            let texts = table.text("text").unwrap();
            let floats = |values: &[f32]| values.iter().map(|f| f.to_bits()).collect::<Vec<_>>();
            prop_assert!(texts.iter().eq(rows.iter().map(|row| row.0.as_deref())));
            prop_assert!(table.uint32("u").unwrap().iter().eq(rows.iter().map(|row| &row.1)));
            prop_assert!(table.int64("i").unwrap().iter().eq(rows.iter().map(|row| &row.2)));
            let written: Vec<f32> = rows.iter().map(|row| row.3).collect();
            prop_assert_eq!(floats(table.float32("f").unwrap()), floats(&written));
            prop_assert!(table.float64("d").unwrap().iter().map(|d| d.to_bits())
                .eq(rows.iter().map(|row| row.4.to_bits())));
        }
    }
}
