//! Programs that read data.

use std::collections::HashMap;
use std::path::PathBuf;

use gloss_core::{
    Context, Data, Dataset, Diagnostic, Error, Event, Interactions, Item, Report, Result, Unit,
};

use crate::external::External;
use crate::program::Work;
use crate::protocol::Call;

/// An item: id, text, further fields.
type ItemLine = (String, String, Vec<Option<String>>);

/// An interaction: user, item, time, rating.
type InteractionLine = (String, String, i64, Option<f32>);

impl Dataset for External {
    fn check(&self) -> Vec<Diagnostic> {
        [self.diagnostics(), self.split.check()].concat()
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(self.facts()?.inputs.clone())
    }

    fn load(&self, context: &Context) -> Result<Data> {
        let mut read = Interactions {
            field_names: self.facts()?.fields.clone(),
            ..Interactions::default()
        };
        let work = Work::new(|_| Ok(()));
        let items = self.items(&work, &mut read, context)?;
        self.interactions(&work, &items, &mut read, context)?;
        self.program.end();
        self.split.apply(read, context)
    }
}

impl External {
    fn items(
        &self,
        work: &Work<'_>,
        read: &mut Interactions,
        context: &Context,
    ) -> Result<HashMap<String, u32>> {
        let task = context.task("Reading items", None, Unit::Count);
        let mut positions = HashMap::new();
        loop {
            let items: Vec<ItemLine> = self.program.ask(work, context, &Call::Items)?;
            if items.is_empty() {
                return Ok(positions);
            }
            task.advance(items.len() as u64)?;
            for (id, text, fields) in items {
                let position = count(read.items.len())?;
                if positions.insert(id.clone(), position).is_some() {
                    return Err(self.broken(format!("gave item {id} twice")));
                }
                if fields.len() != read.field_names.len() {
                    let (given, named) = (fields.len(), read.field_names.len());
                    return Err(self.broken(format!("gave item {id} {given} fields of {named}")));
                }
                read.items.push(Item { id, text, fields });
            }
        }
    }

    fn interactions(
        &self,
        work: &Work<'_>,
        items: &HashMap<String, u32>,
        read: &mut Interactions,
        context: &Context,
    ) -> Result<()> {
        let task = context.task("Reading interactions", None, Unit::Count);
        let mut users: HashMap<String, u32> = HashMap::new();
        let (mut all, mut unknown) = (0, 0);
        let mut example = None;
        loop {
            let lines: Vec<InteractionLine> =
                self.program.ask(work, context, &Call::Interactions)?;
            if lines.is_empty() {
                break;
            }
            task.advance(lines.len() as u64)?;
            all += lines.len();
            for (user, item, time, rating) in lines {
                let Some(&item) = items.get(&item) else {
                    unknown += 1;
                    example.get_or_insert_with(|| format!("`{item}`"));
                    continue;
                };
                let next = count(read.users.len())?;
                let user = *users.entry(user).or_insert_with_key(|user| {
                    read.users.push(user.clone());
                    next
                });
                let rating = rating.unwrap_or(f32::NAN);
                read.events.push(Event {
                    user,
                    item,
                    time,
                    rating,
                });
            }
        }
        read.report = Report::default();
        read.report.count("items", read.items.len());
        read.report.count("interactions", all);
        let report = &mut read.report;
        report.drop("interactions of unknown items", unknown, all, example);
        Ok(())
    }

    fn broken(&self, message: String) -> Error {
        Error::component(self.program.label(), message)
    }
}

fn count(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::Usage("there are more than 2^32 ids".into()))
}
