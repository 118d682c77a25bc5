//! The datasets that the options make.

use std::path::PathBuf;

use gloss_core::{Context, Data, Dataset, Diagnostic, Error, Result, Template};

use crate::assemble;
use crate::config::{Csv, Jsonl, Parquet, Tables};
use crate::source::Source;

impl Tables<'_> {
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let files = [("interactions", self.interactions), ("items", self.items)];
        for (option, path) in files {
            if !path.is_file() {
                return Err(Error::input(
                    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
                    format!("there is no such file; `{option}` names the file of {option}"),
                ));
            }
        }
        Ok(files.map(|(_, path)| path.to_path_buf()).into())
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let diagnostic = |message| Diagnostic::new("text", message);
        Template::parse(self.text)
            .err()
            .map(diagnostic)
            .into_iter()
            .collect()
    }
}

/// Implements a dataset for the options of each format.
macro_rules! datasets {
    ($($name:ident),*) => {
        $(
            impl Dataset for $name {
            fn check(&self) -> Vec<Diagnostic> {
                let mut diagnostics = self.tables().diagnostics();
                diagnostics.extend(self.own_faults());
                diagnostics
            }

            fn inputs(&self) -> Result<Vec<PathBuf>> {
                self.tables().inputs()
            }

            fn load(&self, context: &Context) -> Result<Data> {
                let interactions = assemble::read(self, self.tables(), context)?;
                self.split.apply(interactions, context)
            }
        }
        )*
    };
}

datasets!(Jsonl, Csv, Parquet);
