//! The dataset as gloss sees it.

use std::path::PathBuf;

use gloss_core::{
    Context, Data, Dataset, Diagnostic, Download, Event, Interactions, Report, Result, Segment,
};

use crate::Amazon;
use crate::files::Files;
use crate::metadata::{Known, Metadata};
use crate::reviews::Reviews;

impl Dataset for Amazon {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics()
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let Files { reviews, metadata } = self.files()?;
        Ok(vec![reviews, metadata])
    }

    fn sources(&self) -> Vec<Download> {
        self.downloads().into()
    }

    /// Those of GLoSS, for the three categories of its paper.
    fn segments(&self) -> Vec<Segment> {
        match self.category.as_str() {
            "Beauty" => Segment::cold_regular_power(14),
            "Toys_and_Games" | "Sports_and_Outdoors" => Segment::cold_regular_power(13),
            _ => Vec::new(),
        }
    }

    fn load(&self, context: &Context) -> Result<Data> {
        let files = self.files()?;
        let mut report = Report::default();
        let reviews = Reviews::read(
            &files.reviews,
            self.layout,
            self.on_bad_line,
            context,
            &mut report,
        )?;
        let metadata = Metadata::read(self, &files.metadata, &reviews.items, context, &mut report)?;
        let interactions = Interactions {
            users: reviews.users.into_texts(),
            events: join(reviews.events, &metadata.known, &mut report),
            items: metadata.items,
            field_names: self.field_names(),
            report,
        };
        self.split.apply(interactions, context)
    }
}

/// The events whose items are known, by the items' positions.
fn join(mut events: Vec<Event>, known: &[Known], report: &mut Report) -> Vec<Event> {
    let (mut unknown, mut untitled) = (0, 0);
    events.retain_mut(|event| {
        match known[event.item as usize] {
            Known::Item(position) => {
                event.item = position;
                return true;
            }
            Known::Nothing => unknown += 1,
            Known::Untitled => untitled += 1,
        }
        false
    });
    let of = events.len() + unknown + untitled;
    report.drop("reviews of items without metadata", unknown, of, None);
    report.drop("reviews of items without a title", untitled, of, None);
    events
}
