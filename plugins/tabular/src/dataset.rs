//! The datasets that the options make.

use std::path::PathBuf;

use gloss_core::{Context, Data, Dataset, Diagnostic, Error, Result, Template};

use crate::assemble;
#[cfg(feature = "parquet")]
use crate::config::Parquet;
use crate::config::{Csv, Jsonl, Tables};
use crate::source::Source;
use crate::time::is_pattern;

impl Tables<'_> {
    fn inputs<S: Source>(&self) -> Result<Vec<PathBuf>> {
        let mut inputs = Vec::new();
        for (option, path) in [("interactions", self.interactions), ("items", self.items)] {
            let files = S::files(path).map_err(|error| match error {
                Error::Input { path, message, .. } => Error::input(
                    path,
                    format!("{message}; `{option}` names the file of {option}"),
                ),
                other => other,
            });
            inputs.extend(files?);
        }
        Ok(inputs)
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let text = Template::parse(self.text).err();
        let text = text.map(|message| Diagnostic::new("text", message));
        let pattern = self
            .time_format
            .pattern
            .filter(|pattern| !is_pattern(pattern));
        let pattern = pattern.map(|pattern| {
            let message = format!(
                "expected \"iso\" or a pattern of strftime such as \"%d.%m.%Y\", found `{pattern}`"
            );
            Diagnostic::new("time_format", message)
        });
        text.into_iter().chain(pattern).collect()
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
                diagnostics.extend(self.split.check());
                diagnostics
            }

            fn inputs(&self) -> Result<Vec<PathBuf>> {
                self.tables().inputs::<Self>()
            }

            fn load(&self, context: &Context) -> Result<Data> {
                let interactions = assemble::read(self, self.tables(), context)?;
                self.split.apply(interactions, context)
            }
        }
        )*
    };
}

datasets!(Jsonl, Csv);
#[cfg(feature = "parquet")]
datasets!(Parquet);
