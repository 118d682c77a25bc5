//! Lists of different lengths in one allocation.

/// A ragged array: one list of values per user, in one allocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Ragged<T> {
    offsets: Vec<usize>,
    values: Vec<T>,
}

impl<T> Default for Ragged<T> {
    fn default() -> Self {
        Ragged {
            offsets: vec![0],
            values: Vec::new(),
        }
    }
}

impl<T> Ragged<T> {
    /// No lists yet, with capacity for some.
    pub fn with_capacity(lists: usize, values: usize) -> Self {
        let mut offsets = Vec::with_capacity(lists + 1);
        offsets.push(0);
        Ragged {
            offsets,
            values: Vec::with_capacity(values),
        }
    }

    /// Appends a list.
    pub fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.values.extend(list);
        self.offsets.push(self.values.len());
    }

    /// The number of lists.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Returns `true` if it holds no list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The list at `index`.
    ///
    /// # Panics
    /// If there is none, as indexing does.
    pub fn get(&self, index: usize) -> &[T] {
        &self.values[self.offsets[index]..self.offsets[index + 1]]
    }

    /// The lists in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.offsets.windows(2).map(|w| &self.values[w[0]..w[1]])
    }

    /// All values, list after list.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

impl<T> FromIterator<Vec<T>> for Ragged<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(lists: I) -> Self {
        let mut all = Ragged::default();
        lists.into_iter().for_each(|list| all.push(list));
        all
    }
}
