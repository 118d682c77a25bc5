//! Terms, the items that they occur in, and what they add to the items' scores.

/// An inverted index as it is read: terms, the items that they occur in, and how often.
pub(crate) struct Inverted {
    pub(crate) items: usize,
    pub(crate) terms: Vec<Box<str>>,
    /// The start of each term's postings, and the end of the last.
    starts: Vec<usize>,
    postings: Vec<(u32, u32)>,
}

impl Inverted {
    /// An index of `items` items, without a term yet.
    pub(crate) fn new(items: usize) -> Self {
        Inverted {
            items,
            terms: Vec::new(),
            starts: vec![0],
            postings: Vec::new(),
        }
    }

    /// Begins the next term.
    pub(crate) fn begin(&mut self, term: &str) {
        self.terms.push(term.into());
        self.starts.push(self.postings.len());
    }

    /// Says that the term that was begun last occurs `frequency` times in `item`.
    pub(crate) fn add(&mut self, item: u32, frequency: u32) {
        self.postings.push((item, frequency));
        if let Some(end) = self.starts.last_mut() {
            *end = self.postings.len();
        }
    }

    pub(crate) fn term(&self, term: usize) -> &[(u32, u32)] {
        &self.postings[self.starts[term]..self.starts[term + 1]]
    }

    /// The terms, each with its postings: items and frequencies.
    #[cfg(test)]
    pub(crate) fn terms(&self) -> impl Iterator<Item = (&str, &[(u32, u32)])> {
        let postings = (0..self.terms.len()).map(|term| self.term(term));
        self.terms.iter().map(Box::as_ref).zip(postings)
    }

    pub(crate) fn lengths(&self) -> Vec<u64> {
        let mut lengths = vec![0; self.items];
        for &(item, frequency) in &self.postings {
            lengths[item as usize] += u64::from(frequency);
        }
        lengths
    }
}

/// The contribution of a term to the score of an item.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Impact {
    /// The item, or the term.
    pub(crate) of: u32,
    /// The contribution.
    pub(crate) value: f32,
}

/// A term's scores.
#[derive(Debug)]
pub(crate) struct TermImpacts {
    /// By item.
    pub(crate) impacts: Vec<Impact>,
    /// The contribution to an item without the term.
    pub(crate) absent: f32,
}
