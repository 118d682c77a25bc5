//! Histories, catalogue and splits from interactions in file order, shared by all loaders: the
//! leave-last-out protocol of GLoSS, a split at a point in time, and shares of each user's history.

mod k_core;
mod options;
mod sample;
mod sorted;
mod split;
#[cfg(test)]
mod strategy_tests;
mod temporal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::{
    Catalogue, Context, Data, Diagnostics, Error, Histories, Item, Report, Result, Splits,
};
use sorted::SortedEvents;

pub use options::{SameDay, SplitOptions, SplitStrategy, Unseen};

/// One interaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// The user's position in [`Interactions::users`].
    pub user: u32,
    /// The item's position in [`Interactions::items`].
    pub item: u32,
    /// The time, in milliseconds since 1970.
    pub time: i64,
    /// The rating, NaN where there is none.
    pub rating: f32,
}

/// The interactions that a loader read.
#[derive(Debug, Clone, Default)]
pub struct Interactions {
    /// The users' identifiers, each once, in any order.
    pub users: Vec<String>,
    /// The items that may be recommended, each once, in the order of their file.
    pub items: Vec<Item>,
    /// The names of the items' further fields.
    pub field_names: Vec<String>,
    /// The interactions in file order; those with items that are not in `items` left out.
    pub events: Vec<Event>,
    /// Counts of what was read and dropped so far.
    pub report: Report,
}

impl SplitOptions {
    /// Sorts the interactions by user and time, and returns catalogue, histories and splits.
    ///
    /// Users come in the order of their identifiers; a user's interactions at one time in that of
    /// [`SameDay`]. Only users with `minimum_interactions` or more are kept, and only the items that
    /// occur in their histories, in the order of `items`.
    ///
    /// The splits of `leave-last-out`, for a user with n interactions: the test example predicts the
    /// last interaction from all before it. A validation user's validation example predicts the last
    /// but one, and the training example the one before that; the training example of all others
    /// predicts the last but one. An example for which there are too few interactions is left out.
    /// Validation users are drawn from all users with any interaction, so fewer than the share may
    /// be evaluated.
    /// Those of `temporal` and `ratio` have as many targets as a user has interactions to validate
    /// or test on; a training example predicts the last of the interactions to train on.
    ///
    /// # Errors
    /// If [`check`](SplitOptions::check) finds a fault; if no user has enough interactions.
    pub fn apply(&self, mut interactions: Interactions, context: &Context) -> Result<Data> {
        Diagnostics(self.check()).into_result()?;
        check(&interactions)?;
        if self.k_core > 1 {
            k_core::keep_k_core(&mut interactions, self.k_core);
        }
        context.check()?;
        let Interactions {
            users,
            items,
            field_names,
            events,
            mut report,
        } = interactions;
        let mut sorted = SortedEvents::new(users, events, items.len());
        sorted.order_same_times(self, &items);
        let kept = sorted.users_with(self.minimum_interactions);
        if kept.is_empty() {
            return Err(self.too_few(&sorted, &items, &report));
        }
        report_counts(&sorted, &kept, &mut report);
        context.check()?;

        let (kept, splits) = self.split(&mut sorted, kept, &mut report)?;
        report.count("users evaluated", splits.test.len());
        report.count("validation users evaluated", splits.validation.len());
        let (items, positions) = select_items(items, sorted.items_of(&kept), &mut report);
        Ok(Data {
            histories: histories(sorted, &kept, &positions),
            catalogue: Catalogue::new(items, field_names)?,
            splits,
            report,
        })
    }

    /// The users to evaluate, and their examples.
    fn split(
        &self,
        sorted: &mut SortedEvents,
        kept: Vec<u32>,
        report: &mut Report,
    ) -> Result<(Vec<u32>, Splits)> {
        let splits = match self.strategy {
            SplitStrategy::LeaveLastOut => {
                let validation = split::validation_users(self, sorted.users.len());
                report.count("validation users drawn", validation.len());
                split::leave_last_out(sorted, &kept, &validation)
            }
            SplitStrategy::Ratio => split::ratio(self, sorted, &kept),
            SplitStrategy::Temporal => {
                let cuts = temporal::Cuts::new(self, sorted, &kept)?;
                cuts.unseen_items(self, sorted, &kept, report);
                let kept = cuts.unseen_users(self, sorted, kept, report);
                let splits = cuts.splits(sorted, &kept);
                return Ok((kept, splits));
            }
        };
        Ok((kept, splits))
    }

    fn too_few(&self, sorted: &SortedEvents, items: &[Item], report: &Report) -> Error {
        let minimum = self.minimum_interactions;
        if sorted.events.is_empty() {
            let dropped = report
                .dropped
                .iter()
                .map(|dropped| format!(" Dropped: {dropped}."));
            let first = items
                .first()
                .map(|item| format!(" The first item is `{}`.", item.id));
            let k_core = match self.k_core {
                0 | 1 => String::new(),
                k => format!(", and is k_core = {k} too much"),
            };
            return Error::Usage(format!(
                "no user has {minimum} interactions: not one interaction with a known item is left. \
                 Do the ids of interactions and items match{k_core}?{}{}",
                dropped.collect::<String>(),
                first.unwrap_or_default(),
            ));
        }
        let most = (0..sorted.users.len()).map(|user| sorted.of(user).len());
        Error::Usage(format!(
            "no user has {minimum} interactions: there are {} users with {} interactions of known \
             items in all, at most {} of one user; lower minimum_interactions, or use more data",
            sorted.users.len(),
            sorted.events.len(),
            most.max().unwrap_or_default(),
        ))
    }
}

/// Checks that events refer to users and items that exist.
fn check(interactions: &Interactions) -> Result<()> {
    let stranger = |event: &Event| {
        event.user as usize >= interactions.users.len()
            || event.item as usize >= interactions.items.len()
    };
    if interactions.events.iter().any(stranger) {
        return Err(Error::Internal(
            "a loader read an interaction of a user or an item that it did not list".into(),
        ));
    }
    Ok(())
}

fn report_counts(sorted: &SortedEvents, kept: &[u32], report: &mut Report) {
    let users = sorted.users.len();
    let all = sorted.events.len();
    let evaluated: usize = kept
        .iter()
        .map(|&user| sorted.of(user as usize).len())
        .sum();
    report.count("users with any interaction", users);
    let too_few = users - kept.len();
    report.drop("users with too few interactions", too_few, users, None);
    report.count("interactions kept", all);
    let too_few = all - evaluated;
    report.drop("interactions of users with too few", too_few, all, None);
    report.count(
        "interactions behind a later one in the file",
        sorted.disordered,
    );
    report.count("timestamp ties", sorted.ties(kept));
    report.count("repeated interactions", sorted.repeats(kept));
}

/// Returns the used items in order, and the position of each item among them.
fn select_items(items: Vec<Item>, used: Vec<bool>, report: &mut Report) -> (Vec<Item>, Vec<u32>) {
    let all = items.len();
    let mut selected = Vec::new();
    let mut positions = vec![u32::MAX; all];
    for ((item, used), position) in items.into_iter().zip(used).zip(&mut positions) {
        if used {
            *position = selected.len() as u32;
            selected.push(item);
        }
    }
    report.count("items without a kept interaction", all - selected.len());
    report.count("catalogue items", selected.len());
    (selected, positions)
}

fn histories(mut sorted: SortedEvents, kept: &[u32], positions: &[u32]) -> Histories {
    let mut histories = Histories::new();
    for &user in kept {
        let id = std::mem::take(&mut sorted.users[user as usize]);
        let events = sorted.of(user as usize).iter();
        histories.push(
            id,
            events.map(|event| (positions[event.item as usize], event.time, event.rating)),
        );
    }
    histories
}
