//! The users of a report, packed for the page.
//!
//! The page reads gzipped bytes: the length of a JSON header as four bytes, little-endian; the header;
//! and numbers of seven bits a byte (LEB128), user by user: the number of items in the context and the
//! items, the targets likewise, and for each method the number of its items and the items, the number of
//! its texts and the texts. Items are numbered by how often they occur, the most frequent first. A text is
//! the number of an item that has it, or the number of items plus its position among the other texts.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use gloss_core::{Data, Example};
use gloss_engine::ShownMethod;
use serde_json::json;

/// A method that the page shows.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) method: ShownMethod,
}

impl Shown {
    /// A method; its texts are dropped if all of them are an item's, since its ranking shows them.
    pub(super) fn new(name: String, mut method: ShownMethod, data: &Data) -> Self {
        let items: HashSet<&str> = data
            .catalogue
            .items()
            .iter()
            .map(|item| item.text.as_str())
            .collect();
        if method
            .texts
            .iter()
            .flatten()
            .all(|text| items.contains(text.as_str()))
        {
            method.texts.clear();
            method.log_probabilities.clear();
        }
        Shown { name, method }
    }
}

/// Returns the packed users, with at most `depth` items of each ranking.
pub(super) fn pack(
    data: &Data,
    examples: &[Example],
    methods: &[Shown],
    depth: usize,
) -> Result<Vec<u8>> {
    let numbers = Numbers::new(data);
    let mut texts = Texts::new(data, &numbers);
    let mut bytes = Vec::new();
    let mut users = Vec::with_capacity(examples.len());
    for (at, example) in examples.iter().enumerate() {
        let context = data.histories.context(*example);
        users.push(context.user);
        list(
            &mut bytes,
            context.items.iter().map(|item| numbers.of[*item as usize]),
        );
        let targets = data.histories.targets(*example).iter();
        list(&mut bytes, targets.map(|item| numbers.of[*item as usize]));
        for Shown { method, .. } in methods {
            let ranking = method.rankings.get(at).iter().take(depth);
            list(
                &mut bytes,
                ranking.map(|(item, _)| numbers.of[*item as usize]),
            );
            let own = method.texts.get(at).map_or(&[][..], Vec::as_slice);
            let own: Vec<u32> = own
                .iter()
                .take(depth)
                .map(|text| texts.number(text))
                .collect();
            list(&mut bytes, own.into_iter());
        }
    }
    let items = numbers.order.iter().map(|item| data.catalogue.item(*item));
    let header = json!({
        "items": items.map(|item| (&item.id, &item.text)).collect::<Vec<_>>(),
        "texts": texts.others,
        "users": users,
        "methods": methods.iter().map(|shown| (&shown.name, !shown.method.texts.is_empty())).collect::<Vec<_>>(),
    });
    let header = serde_json::to_vec(&header)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&(header.len() as u32).to_le_bytes())?;
    encoder.write_all(&header)?;
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?)
}

/// The numbers of items on the page.
struct Numbers {
    /// The catalogue positions, the most frequent item first.
    order: Vec<u32>,
    /// By catalogue position.
    of: Vec<u32>,
}

impl Numbers {
    fn new(data: &Data) -> Self {
        let mut counts = vec![0_u32; data.catalogue.len()];
        for user in 0..data.histories.len() as u32 {
            for item in data.histories.history(user).items {
                counts[*item as usize] += 1;
            }
        }
        let mut order: Vec<u32> = (0..counts.len() as u32).collect();
        order.sort_by_key(|item| std::cmp::Reverse(counts[*item as usize]));
        let mut of = vec![0; order.len()];
        for (number, item) in (0..).zip(&order) {
            of[*item as usize] = number;
        }
        Numbers { order, of }
    }
}

/// The texts of all methods, each once.
struct Texts<'a> {
    numbers: HashMap<&'a str, u32>,
    items: u32,
    new: HashMap<String, u32>,
    others: Vec<String>,
}

impl<'a> Texts<'a> {
    fn new(data: &'a Data, numbers: &Numbers) -> Self {
        let items = data.catalogue.items().iter().zip(&numbers.of);
        Texts {
            numbers: items
                .map(|(item, number)| (item.text.as_str(), *number))
                .collect(),
            items: data.catalogue.len() as u32,
            new: HashMap::new(),
            others: Vec::new(),
        }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text).or_else(|| self.new.get(text)) {
            return *number;
        }
        let number = self.items + self.others.len() as u32;
        self.others.push(text.to_string());
        self.new.insert(text.to_string(), number);
        number
    }
}

/// Appends the number of values and the values.
fn list(bytes: &mut Vec<u8>, values: impl ExactSizeIterator<Item = u32>) {
    number(bytes, values.len() as u32);
    for value in values {
        number(bytes, value);
    }
}

/// Appends a number in LEB128.
fn number(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_seven_bits_a_byte() {
        let mut bytes = Vec::new();
        list(&mut bytes, [0, 127, 128, 300].into_iter());
        assert_eq!(bytes, [4, 0, 127, 0x80, 1, 0xac, 2]);
    }
}
