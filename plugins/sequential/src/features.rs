//! Features of items: words of their texts, values of their fields.

use std::collections::BTreeMap;

use gloss_core::{Catalogue, Error, Item, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, TchError, Tensor};

/// Features of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    /// True if the words of an item's text are features: its runs of letters and digits, in small
    /// letters.
    pub words: bool,
    /// The fields of the dataset whose values are features; values of lists are separated by `, `.
    pub fields: Vec<String>,
    /// The least number of items that have a feature; rarer ones are left out.
    #[schemars(range(min = 1))]
    pub min_items: usize,
}

impl Default for Features {
    fn default() -> Self {
        Features {
            words: true,
            fields: Vec::new(),
            min_items: 2,
        }
    }
}

/// The features of every item.
pub(crate) struct FeatureTable {
    /// The number of features.
    pub(crate) count: i64,
    /// Of each item, in catalogue order.
    pub(crate) of_items: Vec<Vec<i64>>,
}

impl FeatureTable {
    /// The features of a catalogue's items, in the order of the alphabet.
    pub(crate) fn new(options: &Features, catalogue: &Catalogue) -> Result<Self> {
        let fields = options
            .fields
            .iter()
            .map(|name| field(catalogue, name))
            .collect::<Result<Vec<usize>>>()?;
        for (name, field) in options.fields.iter().zip(&fields) {
            let has = |item: &Item| matches!(item.fields.get(*field), Some(Some(_)));
            if !catalogue.items().iter().any(has) {
                tracing::warn!("features.fields: no item has a value of `{name}`");
            }
        }
        let of_items: Vec<Vec<String>> = catalogue
            .items()
            .iter()
            .map(|item| features(options.words, &fields, item))
            .collect();
        let mut counts = BTreeMap::<&str, usize>::new();
        for feature in of_items.iter().flatten() {
            *counts.entry(feature).or_default() += 1;
        }
        counts.retain(|_, count| *count >= options.min_items);
        let numbers: BTreeMap<&str, i64> = counts.into_keys().zip(0..).collect();
        if numbers.is_empty() {
            return Err(Error::Usage(format!(
                "no feature is had by {} items or more; name other `features.fields`, or lower \
                 `features.min_items`",
                options.min_items
            )));
        }
        let number = |feature: &String| numbers.get(feature.as_str()).copied();
        Ok(FeatureTable {
            count: numbers.len() as i64,
            of_items: of_items
                .iter()
                .map(|own| own.iter().filter_map(number).collect())
                .collect(),
        })
    }

    /// The features of all items in a row, and where those of each item begin; `others` items
    /// without features come last.
    pub(crate) fn bags(&self, others: i64, device: Device) -> Result<(Tensor, Tensor), TchError> {
        let all: Vec<i64> = self.of_items.concat();
        let offsets: Vec<i64> = self
            .of_items
            .iter()
            .scan(0, |end, own| {
                let start = *end;
                *end += own.len() as i64;
                Some(start)
            })
            .chain((0..others).map(|_| all.len() as i64))
            .collect();
        let put = |numbers: &[i64]| Tensor::f_from_slice(numbers)?.f_to_device(device);
        Ok((put(&all)?, put(&offsets)?))
    }
}

fn field(catalogue: &Catalogue, name: &str) -> Result<usize> {
    let names = catalogue.field_names();
    names.iter().position(|own| own == name).ok_or_else(|| {
        Error::Usage(format!(
            "`features.fields`: the data has no field `{name}`; it has {}",
            match names.is_empty() {
                true => "none (name some in the dataset's `fields`)".to_string(),
                false => format!("`{}`", names.join("`, `")),
            }
        ))
    })
}

/// The features of an item, without repetition.
fn features(words: bool, fields: &[usize], item: &Item) -> Vec<String> {
    let mut features: Vec<String> = Vec::new();
    if words {
        let parts = item.text.split(|c: char| !c.is_alphanumeric());
        features.extend(parts.filter(|w| !w.is_empty()).map(str::to_lowercase));
    }
    for &field in fields {
        let values = item.fields.get(field).and_then(Option::as_deref);
        let values = values.into_iter().flat_map(|values| values.split(", "));
        features.extend(values.map(|value| format!("{field}={value}")));
    }
    features.sort_unstable();
    features.dedup();
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_several_items_are_kept() {
        let item = |id: &str, text: &str, brand: Option<&str>| Item {
            id: id.into(),
            text: text.into(),
            fields: vec![brand.map(str::to_string)],
        };
        let items = vec![
            item("a", "Title: Lip balm", Some("Nivea, Care")),
            item("b", "Title: lip-gloss", Some("Care")),
            item("c", "", None),
        ];
        let catalogue = Catalogue::new(items, vec!["brand".into()]).unwrap();
        let mut options = Features {
            fields: vec!["brand".into()],
            ..Features::default()
        };
        let table = FeatureTable::new(&options, &catalogue).unwrap();
        // `0=Care`, `lip`, `title`.
        assert_eq!(table.count, 3);
        assert_eq!(table.of_items, [vec![0, 1, 2], vec![0, 1, 2], vec![]]);
        options.fields = vec!["colour".into()];
        let Err(error) = FeatureTable::new(&options, &catalogue) else {
            panic!("there is no such field");
        };
        assert!(error.to_string().contains("it has `brand`"), "{error}");
    }
}
