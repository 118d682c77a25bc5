//! The files and their downloads.

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
            (found_reviews, found_metadata) => Err(self.missing(&[
                ("reviews", reviews, found_reviews.is_some()),
                ("metadata", metadata, found_metadata.is_some()),
            ])),
        }
    }

    /// The gzipped file, or else the plain one.
    fn find(&self, name: &str) -> Option<PathBuf> {
        [format!("{name}.gz"), name.to_string()]
            .into_iter()
            .map(|name| self.folder.join(name))
            .find(|path| path.is_file())
    }

    /// The error about those of the two `files` (what, name, whether found) that were not found.
    fn missing(&self, files: &[(&str, String, bool); 2]) -> Error {
        let (mut wanted, mut urls) = (Vec::new(), String::new());
        for ((what, name, found), download) in files.iter().zip(self.downloads()) {
            if !found {
                wanted.push(format!("no {what} ({name}.gz or {name})"));
                urls = urls + "\n  " + &download.url;
            }
        }
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
                urls
            ),
        )
    }

    /// The public files and where they belong.
    pub(crate) fn downloads(&self) -> [Download; 2] {
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
    }
}
