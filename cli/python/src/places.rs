//! The items of one user at a time, by number.

/// The places of a user's ranked items, and of judged ones after them. A table with open addressing that is
/// emptied at once by a count of its users.
#[derive(Default)]
pub(crate) struct Places {
    slots: Vec<Slot>,
    /// The number of users so far, by which slots of earlier ones are empty.
    user: u32,
    ranked: u32,
    others: u32,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    user: u32,
    place: u32,
    item: i64,
    is_judged: bool,
}

impl Places {
    /// Begins a user with at most `items` ranked and judged items.
    pub(crate) fn start(&mut self, items: usize) {
        let wanted = (2 * items).next_power_of_two().max(16);
        if self.slots.len() < wanted || self.user == u32::MAX {
            self.slots = vec![Slot::default(); wanted];
            self.user = 0;
        }
        self.user += 1;
        (self.ranked, self.others) = (0, 0);
    }

    /// The place of the next ranked item; `None` if it is ranked already.
    pub(crate) fn add(&mut self, item: i64) -> Option<u32> {
        let at = self.slot(item);
        if self.slots[at].user == self.user {
            return None;
        }
        let place = self.ranked;
        self.ranked += 1;
        self.fill(at, place, item, false);
        Some(place)
    }

    /// The place of a judged item: that of the ranked one, or one of its own; `None` if it is judged already.
    pub(crate) fn judge(&mut self, item: i64) -> Option<u32> {
        let at = self.slot(item);
        let slot = &mut self.slots[at];
        if slot.user == self.user {
            let place = slot.place;
            return (!std::mem::replace(&mut slot.is_judged, true)).then_some(place);
        }
        let place = self.ranked + self.others;
        self.others += 1;
        self.fill(at, place, item, true);
        Some(place)
    }

    fn fill(&mut self, at: usize, place: u32, item: i64, is_judged: bool) {
        self.slots[at] = Slot {
            user: self.user,
            place,
            item,
            is_judged,
        };
    }

    /// The slot of an item, or the empty one where it belongs.
    fn slot(&self, item: i64) -> usize {
        let mask = self.slots.len() - 1;
        // Fibonacci hashing; the upper bits are the best ones.
        let mut at = ((item as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        while self.slots[at].user == self.user && self.slots[at].item != item {
            at = (at + 1) & mask;
        }
        at
    }
}
