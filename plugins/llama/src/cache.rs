//! Keys and values of the tokens that a batch of users has so far.

use tch::{Device, Kind, TchError, Tensor};

use crate::architecture::Architecture;

/// The keys and the values of every layer, each [users, key heads, slots, head size].
pub(crate) struct Cache {
    layers: Vec<(Tensor, Tensor)>,
}

/// A part of a cache: some users, some slots that are written next.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    /// The first user, and how many.
    pub(crate) users: (i64, i64),
    /// The first slot that is written.
    pub(crate) at: i64,
    /// The number of slots, from the first on, that are visible after that.
    pub(crate) seen: i64,
}

impl Cache {
    /// Room for `slots` tokens of each of `users`. Zeros: what is masked must still be a number.
    pub(crate) fn new(
        shape: &Architecture,
        users: i64,
        slots: i64,
        options: (Kind, Device),
    ) -> Result<Self, TchError> {
        let size = [users, shape.key_value_heads, slots, shape.head_size];
        let zeros = || Tensor::f_zeros(size, options);
        let layers = (0..shape.layers).map(|_| Ok((zeros()?, zeros()?)));
        Ok(Cache {
            layers: layers.collect::<Result<_, TchError>>()?,
        })
    }

    /// Bytes of one token of one user.
    pub(crate) fn bytes_per_token(shape: &Architecture, kind: Kind) -> i64 {
        2 * shape.layers as i64
            * shape.key_value_heads
            * shape.head_size
            * kind.elt_size_in_bytes() as i64
    }

    /// Writes keys and values [users, key heads, n, head size] of one layer into the window, and
    /// gives all that are seen then.
    pub(crate) fn extend(
        &self,
        layer: usize,
        window: Window,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Tensor, Tensor), TchError> {
        let Some((all_keys, all_values)) = self.layers.get(layer) else {
            return Err(TchError::Shape(format!("the cache has no layer {layer}")));
        };
        let seen = |all: &Tensor, new: &Tensor| -> Result<Tensor, TchError> {
            let (first, count) = window.users;
            let users = all.f_narrow(0, first, count)?;
            let new_slots = new.size4()?.2;
            users.f_narrow(2, window.at, new_slots)?.f_copy_(new)?;
            users.f_narrow(2, 0, window.seen)
        };
        Ok((seen(all_keys, keys)?, seen(all_values, values)?))
    }

    /// Begins every user's slots with the first `length` slots of `other`, which has one user.
    pub(crate) fn begin_with(&self, other: &Cache, length: i64) -> Result<(), TchError> {
        for ((keys, values), (other_keys, other_values)) in self.layers.iter().zip(&other.layers) {
            for (to, from) in [(keys, other_keys), (values, other_values)] {
                let from = from.f_narrow(2, 0, length)?;
                to.f_narrow(2, 0, length)?
                    .f_copy_(&from.f_expand_as(&to.f_narrow(2, 0, length)?)?)?;
            }
        }
        Ok(())
    }

    /// Keeps the users at `positions` [n] alone, in that order.
    pub(crate) fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        for (keys, values) in &mut self.layers {
            *keys = keys.f_index_select(0, positions)?;
            *values = values.f_index_select(0, positions)?;
        }
        Ok(())
    }
}
