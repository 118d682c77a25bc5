//! Attention over a cache of keys and values, and what may see what.

use tch::{Device, Kind, TchError, Tensor};

/// Keys per row of a mask are a multiple of this, as the fused kernel of CUDA wants it.
pub(crate) const ALIGNMENT: i64 = 8;

/// `count` rounded up to the alignment.
pub(crate) fn aligned(count: i64) -> i64 {
    (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
}

/// The addend of the attention scores: 0 where a query sees a key, -∞ elsewhere. Shape
/// [users or 1, 1, groups × queries, keys]: heads of queries that share a head of keys are folded
/// into the rows, so that keys are read once for all of them.
pub(crate) struct Mask(Tensor);

impl Mask {
    /// From `visible` [users or 1, queries, keys] of zeros and -∞, for `groups` heads of queries
    /// to each head of keys.
    pub(crate) fn new(visible: &Tensor, groups: i64) -> Result<Self, TchError> {
        Ok(Mask(visible.f_repeat([1, groups, 1])?.f_unsqueeze(1)?))
    }

    /// For `queries` tokens that follow `before` others: each sees those, itself, and the ones
    /// between. There are `keys` in all.
    pub(crate) fn causal(
        before: i64,
        queries: i64,
        keys: i64,
        groups: i64,
        (kind, device): (Kind, Device),
    ) -> Result<Self, TchError> {
        let hidden = Tensor::f_full([queries, keys], f64::NEG_INFINITY, (kind, device))?;
        Mask::new(&hidden.f_triu(before + 1)?.f_unsqueeze(0)?, groups)
    }
}

/// Attention of `queries` [users, heads, n, size] to `keys` and `values` [users, key heads, m,
/// size]; the result has the shape of the queries.
pub(crate) fn attend(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    mask: &Mask,
) -> Result<Tensor, TchError> {
    let (users, heads, count, size) = queries.size4()?;
    let (_, key_heads, length, _) = keys.size4()?;
    let rows = heads / key_heads * count;
    let folded = queries.f_reshape([users, key_heads, rows, size])?;
    let output = if queries.device().is_cuda() {
        let mask = mask.0.f_expand([users, key_heads, rows, length], false)?;
        let (output, ..) = Tensor::f_internal_scaled_dot_product_efficient_attention(
            &folded,
            keys,
            values,
            Some(&mask),
            false,
            0.0,
            false,
            None,
        )?;
        output
    } else {
        let mask = Some(&mask.0);
        Tensor::f_scaled_dot_product_attention(
            &folded, keys, values, mask, 0.0, false, None, false,
        )?
    };
    output.f_reshape([users, heads, count, size])
}
