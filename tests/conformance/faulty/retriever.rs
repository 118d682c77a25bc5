use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gloss_core::*;

super::faulty!();

impl Faulty {
    fn answer(&self, items: usize, requests: &[Request<'_>], at: usize) -> Result<Vec<Hit>> {
        let request = requests[at];
        let QueryContent::Text(text) = request.query else {
            return Ok(Vec::new());
        };
        assert!(!(self.breaks("panic") && text.is_empty()), "an empty query");
        if self.breaks("unicode") && !text.is_ascii() {
            return Err(Error::Internal("only ASCII".into()));
        }
        let hit = |item: usize| Hit {
            item: item as u32,
            score: (text.len() % (item % 3 + 1)) as f32,
        };
        let mut hits: Vec<Hit> = (0..items).map(hit).collect();
        if self.breaks("many") {
            assert!(request.k <= items, "too many are asked for");
        }
        if self.breaks("prefix") && request.k == 3 {
            hits.truncate(2);
        }
        if self.breaks("batches") && requests.len() == 1 {
            hits.truncate(1);
        }
        rank(&mut hits, request.k);
        if self.breaks("order") {
            hits.reverse();
        }
        if self.breaks("determinism") {
            let now = super::now();
            hits.iter_mut().for_each(|hit| hit.score += now);
        }
        Ok(hits)
    }
}

impl Retriever for Faulty {
    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        if self.breaks("empty catalogue") && catalogue.is_empty() {
            return Err(Error::Usage("there are no items".into()));
        }
        if self.breaks("cancelling") && context.check().is_err() {
            return Err(Error::Internal("somebody cancelled".into()));
        }
        let path = folder.join("size");
        let size = catalogue.len().to_string();
        std::fs::write(&path, size).map_err(Error::io("write", &path))
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        _: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let path = folder.join("size");
        let size = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.parse().ok());
        let items: usize = match size {
            Some(items) if items == catalogue.len() || self.breaks("stale") => items,
            None if self.breaks("damage") => 1,
            _ => return Err(Error::input(path, "is not of this catalogue")),
        };
        if self.breaks("reopening") {
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        let searches = AtomicUsize::new(0);
        Ok(Box::new(move |requests: &[Request<'_>]| {
            let alone = searches.fetch_add(1, Ordering::SeqCst) == 0;
            let answers = (0..requests.len()).map(|at| self.answer(items, requests, at));
            let answers = answers.collect();
            if self.breaks("threads") {
                std::thread::sleep(Duration::from_millis(20));
                assert!(alone, "somebody else is searching");
            }
            searches.fetch_sub(1, Ordering::SeqCst);
            answers
        }))
    }
}
