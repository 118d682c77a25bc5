//! The retriever: options that are checked, an index that is built and opened.

use std::path::Path;

use gloss_core::{Catalogue, Context, Diagnostic, Index, Result, Retriever};

use crate::config::Bm25;
use crate::{analyser, search, storage};

impl Retriever for Bm25 {
    fn check(&self) -> Vec<Diagnostic> {
        analyser::compile(&self.analyser)
            .err()
            .map(|diagnostic| *diagnostic)
            .into_iter()
            .collect()
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        storage::build(&self.analyser, catalogue, folder, context)
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        _: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let analyser = analyser::Analyser::new(&self.analyser)?;
        let inverted = storage::open(&self.analyser, catalogue, folder)?;
        Ok(Box::new(search::Searcher::new(self, analyser, inverted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_pattern_is_a_fault() {
        let mut options = Bm25::default();
        assert_eq!(options.check(), []);
        options.analyser.pattern = "[a".into();
        let diagnostics = options.check();
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].key, "analyser.pattern");
        assert_eq!(
            diagnostics[0].message,
            "`[a` is not a regular expression: unclosed character class"
        );
    }
}
