//! Where the files are, and where they come from.

use std::path::PathBuf;

use gloss_core::{Download, Error, Result};

use crate::Amazon;

/// The two files of a category.
pub(crate) struct Files {
    pub(crate) reviews: PathBuf,
    pub(crate) metadata: PathBuf,
}

impl Amazon {
    /// The files that there are.
    pub(crate) fn files(&self) -> Result<Files> {
        let reviews = self.layout.reviews_file(&self.category);
        let metadata = self.layout.metadata_file(&self.category);
        match (self.find(&reviews), self.find(&metadata)) {
            (Some(reviews), Some(metadata)) => Ok(Files { reviews, metadata }),
            (found_reviews, found_metadata) => {
                let mut missing = Vec::new();
                missing.extend(found_reviews.is_none().then_some(("reviews", reviews)));
                missing.extend(found_metadata.is_none().then_some(("metadata", metadata)));
                Err(self.missing(&missing))
            }
        }
    }

    /// The gzipped file, or else the plain one.
    fn find(&self, name: &str) -> Option<PathBuf> {
        [format!("{name}.gz"), name.to_string()]
            .into_iter()
            .map(|name| self.folder.join(name))
            .find(|path| path.is_file())
    }

    fn missing(&self, files: &[(&str, String)]) -> Error {
        let wanted: Vec<_> = files
            .iter()
            .map(|(what, name)| format!("no {what} ({name}.gz or {name})"))
            .collect();
        let urls: Vec<_> = self
            .downloads()
            .into_iter()
            .filter(|download| !download.path.exists())
            .map(|download| format!("\n  {}", download.url))
            .collect();
        Error::input(
            &self.folder,
            format!(
                "{} of category {} in the {} layout in this folder. Get them by `gloss fetch amazon \
                 --set category={} --set layout={} --set folder={}`, or download by hand into it:{}",
                wanted.join(" and "),
                self.category,
                self.layout.name(),
                self.category,
                self.layout.name(),
                self.folder.display(),
                urls.concat()
            ),
        )
    }

    /// The public files and where they belong.
    pub(crate) fn downloads(&self) -> Vec<Download> {
        let reviews = self.layout.reviews_file(&self.category);
        let metadata = self.layout.metadata_file(&self.category);
        [
            (self.layout.reviews_url(), reviews),
            (self.layout.metadata_url(), metadata),
        ]
        .map(|(folder, name)| Download {
            url: format!("{folder}{name}.gz"),
            path: self.folder.join(format!("{name}.gz")),
        })
        .into()
    }
}
