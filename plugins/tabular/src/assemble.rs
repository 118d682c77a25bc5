//! From the rows of two tables to interactions, whatever the format.

use gloss_core::{Context, Error, Event, Interactions, Item, Report, Result, Template};
use hashbrown::HashMap;

use crate::cell::Cell;
use crate::config::Tables;
use crate::source::{Column, Holds, Rows, Source};

/// Reads both files.
pub(crate) fn read<S: Source>(
    source: &S,
    tables: Tables<'_>,
    context: &Context,
) -> Result<Interactions> {
    let template = Template::parse(tables.text).map_err(Error::Usage)?;
    let mut report = Report::default();
    let items = Items::read(source, &tables, &template, context, &mut report)?;
    let events = Events::read(source, &tables, &items, context, &mut report)?;
    Ok(Interactions {
        users: events.users,
        items: items.items,
        field_names: template.fields().into_iter().map(String::from).collect(),
        events: events.events,
        report,
    })
}

/// Looks identifiers up.
type Positions = HashMap<String, u32>;

/// The position of `id`, which is a new one at the end if it is not known.
fn position(positions: &mut Positions, id: &str) -> Result<u32, String> {
    let next = u32::try_from(positions.len()).map_err(|_| "there are more than 2^32 ids")?;
    Ok(*positions.entry_ref(id).or_insert(next))
}

/// The items file.
#[derive(Default)]
struct Items {
    items: Vec<Item>,
    /// The position of the first row of each item, counted from 1.
    first: Vec<u64>,
    positions: Positions,
    repeated: usize,
}

impl Items {
    fn read<S: Source>(
        source: &S,
        tables: &Tables<'_>,
        template: &Template,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        let fields = template.fields();
        let field = |&name| (name, Holds::Text);
        let columns = columns(
            [(tables.item_id, Holds::Id)]
                .into_iter()
                .chain(fields.iter().map(field)),
        );
        let mut all = Items::default();
        let mut rows = Rows::new(tables.on_bad_line);
        source.read(
            tables.items,
            &columns,
            context,
            &mut rows,
            |place, cells| {
                let [id, values @ ..] = cells else {
                    return Err("the row has no cells".into());
                };
                let item = item(&id.id(tables.item_id)?, values, &fields, template);
                all.add(place, item, S::POSITION)
            },
        )?;
        report.count("rows of items", all.items.len() + all.repeated);
        report.count("repeated rows of items", all.repeated);
        rows.report("items", report)?;
        Ok(all)
    }

    fn add(&mut self, place: u64, item: Item, position_name: &str) -> Result<(), String> {
        let position = position(&mut self.positions, &item.id)? as usize;
        match self.items.get(position) {
            None => {
                self.items.push(item);
                self.first.push(place);
            }
            Some(first) if *first == item => self.repeated += 1,
            Some(_) => {
                return Err(format!(
                    "item {} was already in {position_name} {}, with other values; keep one of them",
                    item.id, self.first[position]
                ));
            }
        }
        Ok(())
    }
}

fn item(id: &str, values: &[Cell<'_>], fields: &[&str], template: &Template) -> Item {
    let values: Vec<_> = values.iter().cloned().map(Cell::into_text).collect();
    let value = |name: &str| {
        let place = fields.iter().position(|field| *field == name)?;
        values[place].as_deref()
    };
    Item {
        id: id.to_string(),
        text: template.render(value),
        fields: values,
    }
}

/// The interactions file.
#[derive(Default)]
struct Events {
    users: Vec<String>,
    events: Vec<Event>,
}

impl Events {
    fn read<S: Source>(
        source: &S,
        tables: &Tables<'_>,
        items: &Items,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        let required = [
            (tables.user, Holds::Id),
            (tables.item, Holds::Id),
            (tables.time, Holds::Time),
        ];
        let rating = tables.rating.map(|name| (name, Holds::Number));
        let columns = columns(required.into_iter().chain(rating));
        let mut all = Events::default();
        let mut positions = Positions::new();
        let (mut unknown, mut example) = (0, None);
        let mut rows = Rows::new(tables.on_bad_line);
        source.read(
            tables.interactions,
            &columns,
            context,
            &mut rows,
            |_, cells| {
                let [user, item, time, rating @ ..] = cells else {
                    return Err("the row has too few cells".into());
                };
                let user = user.id(tables.user)?;
                let time = time.time(tables.time, tables.time_format)?;
                let rating = match (rating, tables.rating) {
                    ([rating, ..], Some(name)) => rating.number(name)?,
                    _ => f32::NAN,
                };
                let id = item.id(tables.item)?;
                let Some(&item) = items.positions.get(&*id) else {
                    unknown += 1;
                    example.get_or_insert_with(|| format!("`{id}`"));
                    return Ok(());
                };
                let user = all.user(&mut positions, &user)?;
                all.events.push(Event {
                    user,
                    item,
                    time,
                    rating,
                });
                Ok(())
            },
        )?;
        let read = all.events.len() + unknown;
        report.count("rows of interactions", read);
        let what = "interactions of items that are not in the items file";
        report.drop(what, unknown, read, example);
        rows.report("interactions", report)?;
        Ok(all)
    }

    fn user(&mut self, positions: &mut Positions, id: &str) -> Result<u32, String> {
        let user = position(positions, id)?;
        if user as usize == self.users.len() {
            self.users.push(id.to_string());
        }
        Ok(user)
    }
}

fn columns<'a>(names: impl Iterator<Item = (&'a str, Holds)>) -> Vec<Column<'a>> {
    names.map(|(name, holds)| Column { name, holds }).collect()
}
