//! Sequences that are computed together.

use tch::{Device, Kind, TchError, Tensor};

/// The items of a user, oldest first, with the time of each in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sequence<'a> {
    pub(crate) items: &'a [u32],
    pub(crate) times: &'a [i64],
}

impl<'a> Sequence<'a> {
    /// The last `most` items.
    pub(crate) fn last(self, most: usize) -> Self {
        let start = self.items.len().saturating_sub(most);
        Sequence {
            items: &self.items[start..],
            times: &self.times[start..],
        }
    }

    pub(crate) fn len(self) -> usize {
        self.items.len()
    }

    /// The sequence without its last item, and the items that follow each of its own.
    pub(crate) fn shifted(self) -> (Self, &'a [u32]) {
        let end = self.items.len().saturating_sub(1);
        let input = Sequence {
            items: &self.items[..end],
            times: &self.times[..end],
        };
        (input, self.items.get(1..).unwrap_or(&[]))
    }
}

/// Sequences of similar length, filled up at the end to the longest.
pub(crate) struct Batch {
    /// [batch, length]; the first item where there is none.
    pub(crate) items: Tensor,
    /// [batch, length]; the place of each item before the end of a sequence of the greatest length,
    /// so that the last item of every sequence has the same place.
    pub(crate) places: Tensor,
    /// [batch, length]; milliseconds since 1970, and at the end those of the last item.
    pub(crate) times: Tensor,
    /// [batch, 1, 1, length]; what is added to scores of attention: 0, or −∞ where there is no item.
    pub(crate) padding: Tensor,
    /// The items in the order of `items` read row by row, by their places there, without padding.
    pub(crate) real: Tensor,
    /// The place of each sequence's last item, read row by row.
    pub(crate) ends: Tensor,
}

impl Batch {
    /// The batch of some sequences that are not empty and have at most `longest` items.
    pub(crate) fn new(
        sequences: &[Sequence<'_>],
        longest: usize,
        device: Device,
    ) -> Result<Self, TchError> {
        let length = sequences.iter().map(|s| s.len()).max().unwrap_or(0);
        let cells = sequences.len() * length;
        let (mut items, mut places, mut times) =
            (vec![0_i64; cells], vec![0_i64; cells], vec![0; cells]);
        let mut padding = vec![f32::NEG_INFINITY; cells];
        let (mut real, mut ends) = (Vec::new(), Vec::new());
        for (row, sequence) in sequences.iter().enumerate() {
            let (start, own) = (row * length, sequence.len());
            for at in 0..length {
                let cell = start + at;
                times[cell] = sequence.times[at.min(own - 1)];
                if at < own {
                    items[cell] = i64::from(sequence.items[at]);
                    places[cell] = (longest - own + at) as i64;
                    padding[cell] = 0.0;
                    real.push(cell as i64);
                }
            }
            ends.push((start + own - 1) as i64);
        }
        let shape = [sequences.len() as i64, length as i64];
        let put = |numbers: &[i64]| Tensor::f_from_slice(numbers)?.f_to_device(device);
        Ok(Batch {
            items: put(&items)?.f_view(shape)?,
            places: put(&places)?.f_view(shape)?,
            times: put(&times)?.f_view(shape)?,
            padding: Tensor::f_from_slice(&padding)?
                .f_to_device(device)?
                .f_view([shape[0], 1, 1, shape[1]])?,
            real: put(&real)?,
            ends: put(&ends)?,
        })
    }

    /// [length, length]; what is added to scores so that no item sees a later one.
    pub(crate) fn causal(&self) -> Result<Tensor, TchError> {
        let (_, length) = self.items.size2()?;
        let options = (Kind::Float, self.items.device());
        Tensor::f_full([length, length], f64::NEG_INFINITY, options)?.f_triu(1)
    }
}

/// Groups of sequences whose padding is short: up to 8 items, up to 16, and so on. Each is a list
/// of places among `lengths`, at most `most` long.
pub(crate) fn groups(lengths: &[usize], most: usize) -> Vec<Vec<usize>> {
    let class = |length: usize| length.max(8).next_power_of_two();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&place| (class(lengths[place]), place));
    order
        .chunk_by(|&a, &b| class(lengths[a]) == class(lengths[b]))
        .flat_map(|same| same.chunks(most.max(1)).map(<[usize]>::to_vec))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_items_have_the_last_place_and_padding_is_left_out() {
        let (a, b) = ([4, 5, 6], [7]);
        let times = [1, 2, 3];
        let sequences = [
            Sequence {
                items: &a,
                times: &times,
            },
            Sequence {
                items: &b,
                times: &times[..1],
            },
        ];
        let batch = Batch::new(&sequences, 4, Device::Cpu).unwrap();
        let numbers = |tensor: &Tensor| Vec::<i64>::try_from(tensor.reshape([-1])).unwrap();
        assert_eq!(numbers(&batch.items), [4, 5, 6, 7, 0, 0]);
        assert_eq!(numbers(&batch.places), [1, 2, 3, 3, 0, 0]);
        assert_eq!(numbers(&batch.times), [1, 2, 3, 1, 1, 1]);
        assert_eq!(numbers(&batch.real), [0, 1, 2, 3]);
        assert_eq!(numbers(&batch.ends), [2, 3]);
    }

    #[test]
    fn groups_hold_each_sequence_once() {
        let groups = groups(&[3, 40, 8, 9, 2], 2);
        assert_eq!(groups, [vec![0, 2], vec![4], vec![3], vec![1]]);
    }
}
