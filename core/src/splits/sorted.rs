//! Interactions sorted by user and time.

use super::{Event, SameDay, SplitOptions};
use crate::Item;
use rayon::prelude::*;
use std::ops::Range;

/// All interactions by user, in the order of the users' identifiers, and by time; those of one
/// user at one time in file order.
pub(crate) struct SortedEvents {
    /// The users that have any interaction.
    pub(crate) users: Vec<String>,
    /// The interactions, whose `user` is a position in `users`.
    pub(crate) events: Vec<Event>,
    /// The end of each user's interactions.
    ends: Vec<usize>,
    /// The number of all items.
    pub(crate) item_count: usize,
    /// The number of interactions that stand in the file behind a later one of their user.
    pub(crate) disordered: usize,
}

impl SortedEvents {
    pub(crate) fn new(mut users: Vec<String>, events: Vec<Event>, item_count: usize) -> Self {
        let mut counts = vec![0usize; users.len()];
        for event in &events {
            counts[event.user as usize] += 1;
        }
        let mut order: Vec<u32> = (0..users.len() as u32)
            .filter(|&user| counts[user as usize] > 0)
            .collect();
        order.par_sort_unstable_by(|&a, &b| users[a as usize].cmp(&users[b as usize]));

        let (mut ends, mut total) = (Vec::with_capacity(order.len()), 0);
        let mut rank = vec![0u32; users.len()];
        for (position, &user) in order.iter().enumerate() {
            rank[user as usize] = position as u32;
            total += counts[user as usize];
            ends.push(total);
        }
        let users = order
            .iter()
            .map(|&user| std::mem::take(&mut users[user as usize]))
            .collect();
        let mut sorted = SortedEvents {
            users,
            events: place(events, &rank, &ends),
            ends,
            item_count,
            disordered: 0,
        };
        sorted.sort_each_by_time();
        sorted
    }

    fn sort_each_by_time(&mut self) {
        for user in 0..self.users.len() {
            let range = self.range(user);
            let events = &mut self.events[range];
            let pairs = events.windows(2);
            let disordered = pairs.filter(|pair| pair[1].time < pair[0].time).count();
            self.disordered += disordered;
            if disordered > 0 {
                events.sort_by_key(|event| event.time);
            }
        }
    }

    /// Orders each user's interactions at one time, which are in file order, as `options` say;
    /// `items` are all items.
    pub(crate) fn order_same_times(&mut self, options: &SplitOptions, items: &[Item]) {
        if options.same_day == SameDay::File {
            return;
        }
        let id = |event: &Event| items[event.item as usize].id.as_bytes();
        for user in 0..self.users.len() {
            let range = self.range(user);
            let name = self.users[user].as_bytes();
            let draw = |event: &Event| random_key(options.same_day_seed, name, id(event));
            let days = self.events[range].chunk_by_mut(|a, b| a.time == b.time);
            for day in days.filter(|day| day.len() > 1) {
                match options.same_day {
                    SameDay::File => {}
                    SameDay::Id => day.sort_by(|a, b| id(a).cmp(id(b))),
                    SameDay::Shuffle => day.sort_by_cached_key(|event| draw(event)),
                }
            }
        }
    }

    /// Removes the interactions that do not meet a condition.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Event) -> bool) {
        let kept: Vec<usize> = (0..self.users.len())
            .map(|user| self.of(user).iter().filter(|event| keep(event)).count())
            .collect();
        self.events.retain(|event| keep(event));
        let mut total = 0;
        for (end, kept) in self.ends.iter_mut().zip(kept) {
            total += kept;
            *end = total;
        }
    }

    fn range(&self, user: usize) -> Range<usize> {
        let start = if user == 0 { 0 } else { self.ends[user - 1] };
        start..self.ends[user]
    }

    /// The interactions of the user at `user`, oldest first.
    pub(crate) fn of(&self, user: usize) -> &[Event] {
        &self.events[self.range(user)]
    }

    /// The users with at least `minimum` interactions, in order.
    pub(crate) fn users_with(&self, minimum: u32) -> Vec<u32> {
        (0..self.users.len() as u32)
            .filter(|&user| self.of(user as usize).len() >= minimum as usize)
            .collect()
    }

    /// Returns for each item whether it occurs in the interactions of `users`.
    pub(crate) fn items_of(&self, users: &[u32]) -> Vec<bool> {
        let mut occurs = vec![false; self.item_count];
        for &user in users {
            for event in self.of(user as usize) {
                occurs[event.item as usize] = true;
            }
        }
        occurs
    }

    /// Returns the number of interactions of `users` at the time of the one before.
    pub(crate) fn ties(&self, users: &[u32]) -> usize {
        let of = |&user: &u32| {
            let pairs = self.of(user as usize).windows(2);
            pairs.filter(|pair| pair[0].time == pair[1].time).count()
        };
        users.iter().map(of).sum()
    }

    /// Returns the number of interactions of `users` that equal an earlier one in time, item and rating.
    pub(crate) fn repeats(&self, users: &[u32]) -> usize {
        let same_time = |a: &Event, b: &Event| a.time == b.time;
        let repeats = |events: &[Event]| {
            let mut keys: Vec<_> = events
                .iter()
                .map(|e| (e.item, e.rating.to_bits()))
                .collect();
            keys.sort_unstable();
            keys.dedup();
            events.len() - keys.len()
        };
        users
            .iter()
            .flat_map(|&user| self.of(user as usize).chunk_by(same_time))
            .filter(|events| events.len() > 1)
            .map(repeats)
            .sum()
    }
}

/// A random number for an interaction, by which those at one time are shuffled: the hash of the seed,
/// the user and the item.
fn random_key(seed: u64, user: &[u8], item: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [&seed.to_le_bytes()[..], user, item] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// A stable counting sort of the events by the rank of their users.
fn place(events: Vec<Event>, rank: &[u32], ends: &[usize]) -> Vec<Event> {
    let mut next: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    let nothing = Event {
        user: 0,
        item: 0,
        time: 0,
        rating: 0.0,
    };
    let mut placed = vec![nothing; events.len()];
    for event in events {
        let user = rank[event.user as usize];
        let at = &mut next[user as usize];
        placed[*at] = Event { user, ..event };
        *at += 1;
    }
    placed
}
