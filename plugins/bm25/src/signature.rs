//! A quick look at which of a query's terms an item may have.
//!
//! Every term has one of 64 slots, and an item's signature is the set of its terms' slots. What
//! the query's terms in an item's slots can add at most bounds the item's score far better than
//! what all of them can, and is found without a branch and without reading the item's terms.

use crate::postings::TermImpacts;

const SLOTS: usize = u64::BITS as usize;
const BYTES: usize = SLOTS / 8;

/// The slots of all terms and items.
pub(crate) struct Signatures {
    of_term: Vec<u8>,
    of_item: Vec<u64>,
}

impl Signatures {
    /// Gives the terms slots in turn, the most frequent first, so that they do not share any.
    pub(crate) fn new(lists: &[TermImpacts], items: usize) -> Self {
        let mut order: Vec<usize> = (0..lists.len()).collect();
        order.sort_by_key(|&term| std::cmp::Reverse(lists[term].impacts.len()));
        let mut of_term = vec![0; lists.len()];
        for (&term, slot) in order.iter().zip((0..SLOTS as u8).cycle()) {
            of_term[term] = slot;
        }
        let mut of_item = vec![0; items];
        for (list, &slot) in lists.iter().zip(&of_term) {
            for impact in &list.impacts {
                of_item[impact.of as usize] |= 1 << slot;
            }
        }
        Signatures { of_term, of_item }
    }
}

/// The most that a query's terms can add, by signature.
pub(crate) struct SignatureBounds {
    /// By slot: how many of the query's terms that are not done yet have it.
    terms: [u32; SLOTS],
    /// The slots that have any.
    slots: u64,
    /// By byte of a signature, and its value: the sum of its slots' bounds. Up to date only for
    /// bytes in which `slots` had a bit at the beginning of the query, and for the value 0.
    sums: Box<[[f32; 256]; BYTES]>,
}

impl SignatureBounds {
    /// For no query yet.
    pub(crate) fn new() -> Self {
        SignatureBounds {
            terms: [0; SLOTS],
            slots: 0,
            sums: Box::new([[0.0; 256]; BYTES]),
        }
    }

    /// Begins a query of `terms`, each with the most that it can add.
    pub(crate) fn begin(
        &mut self,
        signatures: &Signatures,
        terms: impl Iterator<Item = (u32, f32)>,
    ) {
        self.terms = [0; SLOTS];
        self.slots = 0;
        let mut bounds = [0.0; SLOTS];
        for (term, bound) in terms {
            let slot = signatures.of_term[term as usize];
            bounds[slot as usize] += bound;
            self.terms[slot as usize] += 1;
            self.slots |= 1 << slot;
        }
        let bytes = self.slots.to_le_bytes();
        for (byte, sums) in self.sums.iter_mut().enumerate() {
            if bytes[byte] != 0 {
                sum_subsets(&bounds[8 * byte..8 * byte + 8], sums);
            }
        }
    }

    /// Leaves `term` out from now on.
    pub(crate) fn done(&mut self, signatures: &Signatures, term: u32) {
        let slot = signatures.of_term[term as usize];
        let terms = &mut self.terms[slot as usize];
        *terms -= 1;
        if *terms == 0 {
            self.slots &= !(1 << slot);
        }
    }

    /// The most that the terms not done yet can add to the score of `item`.
    #[inline]
    pub(crate) fn of(&self, signatures: &Signatures, item: u32) -> f32 {
        let signature = (signatures.of_item[item as usize] & self.slots).to_le_bytes();
        let sum = |byte: usize| self.sums[byte][usize::from(signature[byte])];
        ((sum(0) + sum(1)) + (sum(2) + sum(3))) + ((sum(4) + sum(5)) + (sum(6) + sum(7)))
    }
}

/// The sums of all subsets of eight bounds: bit *i* of an index says whether bound *i* is in.
fn sum_subsets(bounds: &[f32], sums: &mut [f32; 256]) {
    for (bit, bound) in bounds.iter().enumerate() {
        let (without, with) = sums.split_at_mut(1 << bit);
        for (with, without) in with.iter_mut().zip(without) {
            *with = *without + bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postings::Impact;

    fn list(items: &[u32]) -> TermImpacts {
        let impacts = items.iter().map(|&of| Impact { of, value: 1.0 });
        TermImpacts {
            impacts: impacts.collect(),
            absent: 0.0,
        }
    }

    #[test]
    fn an_item_is_bound_by_the_terms_in_its_slots() {
        let mut lists: Vec<_> = (0..70).map(|_| list(&[])).collect();
        lists[3] = list(&[0, 1]);
        lists[9] = list(&[1]);
        let signatures = Signatures::new(&lists, 3);
        let mut bounds = SignatureBounds::new();
        bounds.begin(&signatures, [(3, 4.0), (9, 2.0), (20, 1.0)].into_iter());
        let of = |bounds: &SignatureBounds| [0, 1, 2].map(|item| bounds.of(&signatures, item));
        assert_eq!(of(&bounds), [4.0, 6.0, 0.0]);
        bounds.done(&signatures, 3);
        assert_eq!(of(&bounds), [0.0, 2.0, 0.0]);
        bounds.begin(&signatures, [(9, 1.0)].into_iter());
        assert_eq!(of(&bounds), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn terms_that_share_a_slot_are_both_counted_until_both_are_done() {
        let lists: Vec<_> = (0..65).map(|_| list(&[0])).collect();
        let signatures = Signatures::new(&lists, 1);
        let mut bounds = SignatureBounds::new();
        bounds.begin(&signatures, [(0, 1.0), (64, 2.0)].into_iter());
        assert_eq!(bounds.of(&signatures, 0), 3.0);
        bounds.done(&signatures, 0);
        assert!(bounds.of(&signatures, 0) >= 2.0);
        bounds.done(&signatures, 64);
        assert_eq!(bounds.of(&signatures, 0), 0.0);
    }
}
