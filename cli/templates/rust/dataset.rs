//! The dataset `skeleton`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items and purchases from two files of comma-separated values, without quotes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Skeleton {
    /// The folder with the files `items.csv` and `purchases.csv`.
    folder: PathBuf,
    /// Options for histories and splits.
    split: SplitOptions,
}

impl Default for Skeleton {
    fn default() -> Self {
        Skeleton {
            folder: PathBuf::from("."),
            split: SplitOptions::default(),
        }
    }
}

impl Skeleton {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Dataset for Skeleton {
    fn check(&self) -> Vec<Diagnostic> {
        self.split.check()
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let files = ["items.csv", "purchases.csv"].map(|name| self.file(name));
        match files.iter().find(|file| !file.is_file()) {
            Some(missing) => Err(Error::input(missing, "there is no such file")),
            None => Ok(files.into()),
        }
    }

    fn load(&self, context: &Context) -> Result<Data> {
        let mut read = Interactions::default();
        let mut items = HashMap::new();
        for [id, title] in rows(&self.file("items.csv"))? {
            items.insert(id.clone(), read.items.len() as u32);
            let text = format!("Title: {title}");
            read.items.push(Item { id, text, fields: vec![] });
        }
        let mut users = HashMap::new();
        for [user, item, time] in rows(&self.file("purchases.csv"))? {
            let seconds: i64 = time.parse().map_err(|_| {
                Error::input(self.file("purchases.csv"), format!("`{time}` is not a time"))
            })?;
            let Some(&item) = items.get(&item) else {
                continue;
            };
            let next = read.users.len() as u32;
            let user = *users.entry(user).or_insert_with_key(|user: &String| {
                read.users.push(user.clone());
                next
            });
            let (time, rating) = (seconds * 1000, f32::NAN);
            read.events.push(Event { user, item, time, rating });
        }
        self.split.apply(read, context)
    }
}

/// The rows of a file below its header, each of N cells.
fn rows<const N: usize>(path: &Path) -> Result<Vec<[String; N]>> {
    let text = String::from_utf8(read_file(path)?)
        .map_err(|_| Error::input(path, "is not UTF-8 text"))?;
    let row = |(number, line): (u64, &str)| {
        let cells: Vec<String> = line.splitn(N, ',').map(str::to_string).collect();
        cells.try_into().map_err(|cells: Vec<String>| {
            Error::line(path, number, format!("has {} cells, expected {N}", cells.len()))
        })
    };
    (1..).zip(text.lines()).skip(1).map(row).collect()
}
