//! Beam search inside the catalogue: a beam may only go on by tokens that lead to an item.

use gloss_core::Result;
use gloss_torch::torch_error;
use tch::{Device, Kind, TchError, Tensor};

use crate::candidates::{Candidates, best};
use crate::trie::Trie;

/// The catalogue's trie on a device.
pub struct Constraint {
    trie: Trie,
    device: Device,
    /// The start of the children of each node, and the end of the last: [nodes + 1].
    starts: Tensor,
    /// The tokens that lead to the children, [children].
    tokens: Tensor,
    /// The children, [children].
    nodes: Tensor,
}

/// The beams of a batch inside the trie.
pub(crate) struct TrieCursor<'a> {
    constraint: &'a Constraint,
    /// The nodes of the beams, [users, beams]; a leaf for a beam that is none.
    at: Tensor,
    /// The nodes that a user must not enter, each as user × nodes + node, sorted.
    blocked: Tensor,
    /// The number of each user when `blocked` was made, [users].
    users: Tensor,
    depth: usize,
}

impl Constraint {
    /// Puts `trie` on `device`.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn new(trie: Trie, device: Device) -> Result<Self> {
        let place = |values: &[i64]| {
            let tensor = Tensor::f_from_slice(values).and_then(|t| t.f_to_device(device));
            tensor.map_err(torch_error("load the catalogue"))
        };
        Ok(Constraint {
            starts: place(&trie.children_start)?,
            tokens: place(&trie.child_token)?,
            nodes: place(&trie.child_node)?,
            trie,
            device,
        })
    }

    /// The trie.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// The items of these tokens that are not in `seen`, in catalogue order.
    pub fn items<'a>(
        &'a self,
        tokens: &[i64],
        seen: &'a [u32],
    ) -> impl Iterator<Item = u32> + use<'a> {
        let child = |node, token: &i64| self.trie.child(node, *token);
        let leaf = tokens.iter().try_fold(0, child);
        let items = leaf.map_or(&[][..], |leaf| self.trie.items(leaf));
        items.iter().copied().filter(|item| !seen.contains(item))
    }

    fn nodes(&self) -> i64 {
        self.trie.children_start.len() as i64 - 1
    }

    /// Begins at the root with users each of whom must not enter the nodes of `blocked`.
    pub(crate) fn walk(&self, blocked: &[Vec<i64>]) -> Result<TrieCursor<'_>, TchError> {
        let users = blocked.len() as i64;
        let of = |(user, nodes): (usize, &Vec<i64>)| {
            let first = user as i64 * self.nodes();
            nodes.iter().map(|node| first + node).collect::<Vec<_>>()
        };
        let mut all: Vec<i64> = blocked.iter().enumerate().flat_map(of).collect();
        all.sort_unstable();
        all.push(i64::MAX);
        let options = (Kind::Int64, self.device);
        Ok(TrieCursor {
            constraint: self,
            at: Tensor::f_zeros([users, 1], options)?,
            blocked: Tensor::f_from_slice(&all)?.f_to_device(self.device)?,
            users: Tensor::f_arange(users, options)?,
            depth: 0,
        })
    }
}

impl TrieCursor<'_> {
    /// As [`Source::candidates`](crate::continuation::Source::candidates).
    pub(crate) fn candidates(
        &self,
        log_probabilities: &Tensor,
        scores: &Tensor,
        kept: i64,
    ) -> Result<Candidates, TchError> {
        let Constraint {
            starts,
            tokens,
            nodes,
            ..
        } = self.constraint;
        let (users, beams) = scores.size2()?;
        let most = self.constraint.trie.most_children(self.depth).max(1) as i64;
        let rows = self.at.f_flatten(0, 1)?;
        let start = starts.f_index_select(0, &rows)?.f_unsqueeze(1)?;
        let end = starts
            .f_index_select(0, &rows.f_add_scalar(1)?)?
            .f_unsqueeze(1)?;
        let child = Tensor::f_arange(most, (Kind::Int64, self.constraint.device))?.f_add(&start)?;
        let absent = child.f_ge_tensor(&end)?;
        let child = child.f_clamp_max(nodes.size1()? - 1)?.f_flatten(0, 1)?;
        let tokens = tokens.f_index_select(0, &child)?.f_view([-1, most])?;
        let nodes = nodes
            .f_index_select(0, &child)?
            .f_view([users, beams * most])?;
        let forbidden = absent
            .f_view([users, beams * most])?
            .f_logical_or(&self.is_blocked(&nodes)?)?;
        let values = log_probabilities
            .f_gather(1, &tokens, false)?
            .f_view([users, beams, most])?
            .f_add(&scores.f_unsqueeze(2)?)?
            .f_view([users, beams * most])?
            .f_masked_fill(&forbidden, f64::NEG_INFINITY)?;
        let (scores, at) = best(&values, kept)?;
        Ok(Candidates {
            scores,
            parents: at.f_floor_divide_scalar(most)?,
            tokens: tokens
                .f_view([users, beams * most])?
                .f_gather(1, &at, false)?,
            nodes: Some(nodes.f_gather(1, &at, false)?),
        })
    }

    /// Returns for `nodes` [users, n] whether they are blocked for their user.
    fn is_blocked(&self, nodes: &Tensor) -> Result<Tensor, TchError> {
        let first = self.users.f_mul_scalar(self.constraint.nodes())?;
        let keys = nodes.f_add(&first.f_unsqueeze(1)?)?;
        let none = None::<&Tensor>;
        let at = keys.f_searchsorted(&self.blocked, false, false, "left", none)?;
        let found = self.blocked.f_index_select(0, &at.f_flatten(0, -1)?)?;
        found.f_view_as(&keys)?.f_eq_tensor(&keys)
    }

    /// Enters `nodes` [users, beams].
    pub(crate) fn go_on(&mut self, nodes: Tensor) {
        self.at = nodes;
        self.depth += 1;
    }

    pub(crate) fn select(&mut self, positions: &Tensor) -> Result<(), TchError> {
        self.at = self.at.f_index_select(0, positions)?;
        self.users = self.users.f_index_select(0, positions)?;
        Ok(())
    }
}
