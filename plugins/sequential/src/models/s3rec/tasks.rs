//! The four tasks of pretraining, and their losses.

use rand::Rng;
use tch::{Device, Kind, TchError, Tensor};

use super::config::Pretraining;
use crate::batch::{Batch, Sequence};
use crate::features::FeatureTable;
use crate::layers::Linear;
use crate::models::sasrec::Causal;
use gloss_training::Pass;
use gloss_training::{Builder, Init, Leaves, Weight};

#[cfg(test)]
mod tests;

/// The weights of the tasks beside those of the network.
pub(super) struct Tasks {
    causal: Causal,
    /// The vector of the mask, whose item is the one after the catalogue's.
    mask: Weight,
    features: Weight,
    /// Of the features of places, masked items, features of masked items, and segments.
    projections: [Linear; 4],
    table: FeatureTable,
    catalogue: u32,
    options: Pretraining,
}

/// A sequence with all that is drawn for it.
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct Draw {
    times: Vec<i64>,
    items: Vec<u32>,
    /// With masks in place of some items.
    masked: Vec<u32>,
    /// For each place an item that the user does not have.
    negatives: Vec<u32>,
    /// With masks in place of a segment; that segment among masks; another user's among masks.
    segments: [Vec<u32>; 3],
}

impl Draw {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    fn sequence<'a>(&'a self, items: &'a [u32]) -> Sequence<'a> {
        let times = &self.times;
        Sequence { items, times }
    }
}

impl Tasks {
    pub(super) fn new(
        builder: &mut Builder,
        causal: Causal,
        table: FeatureTable,
        catalogue: usize,
        (options, width): (Pretraining, i64),
    ) -> Self {
        let init = Init::Normal(0.02);
        let names = ["aap_norm", "mip_norm", "map_norm", "sp_norm"];
        Tasks {
            mask: builder.add("mask", &[1, width], init),
            features: builder.add("features", &[table.count, width], init),
            projections: names.map(|name| Linear::new(builder, name, [width, width], Some(0.02))),
            causal,
            table,
            catalogue: catalogue as u32,
            options,
        }
    }

    /// Draws masks, negatives and segments for a sequence; `other` is a sequence of another user.
    pub(super) fn draw(
        &self,
        sequence: Sequence<'_>,
        seen: &[u32],
        other: &[u32],
        random: &mut impl Rng,
    ) -> Draw {
        let (mask, length) = (self.catalogue, sequence.len());
        let items = sequence.items.to_vec();
        let mut negative = || loop {
            let item = random.random_range(0..self.catalogue);
            if seen.binary_search(&item).is_err() || seen.len() >= self.catalogue as usize {
                break item;
            }
        };
        let negatives = (0..length).map(|_| negative()).collect();
        let mut masked = items.clone();
        for item in &mut masked {
            if random.random_bool(self.options.mlm_probability) {
                *item = mask;
            }
        }
        let most = (length / 2).min(other.len()).max(1);
        let segment = random.random_range(1..=most);
        let start = random.random_range(0..=length - segment);
        let from = random.random_range(0..=other.len() - segment.min(other.len()));
        let mut around = items.clone();
        around[start..start + segment].fill(mask);
        let among_masks = |part: &[u32]| {
            let mut all = vec![mask; length];
            all[start..start + part.len()].copy_from_slice(part);
            all
        };
        let own = among_masks(&items[start..start + segment]);
        let others = among_masks(&other[from..(from + segment).min(other.len())]);
        Draw {
            times: sequence.times.to_vec(),
            segments: [around, own, others],
            items,
            masked,
            negatives,
        }
    }

    /// The weighted sum of the losses of sequences, which are computed at once.
    pub(super) fn loss(
        &self,
        leaves: &Leaves,
        draws: &[&Draw],
        max_length: usize,
        device: Device,
    ) -> Result<Tensor, TchError> {
        let items = self.causal.items.own(leaves);
        let vectors = Tensor::f_cat(&[items, &leaves[self.mask]], 0)?;
        let encode = |sequences: Vec<Sequence<'_>>| {
            let batch = Batch::new(&sequences, max_length, device)?;
            let input = Tensor::f_embedding(&vectors, &batch.items, -1, false, false)?;
            let transformer = &self.causal.transformer;
            let padding = &batch.padding;
            let hidden = transformer.forward(leaves, &input, &batch, padding, Pass::Training)?;
            let width = hidden.size3()?.2;
            Ok::<_, TchError>((hidden.f_reshape([-1, width])?, batch))
        };
        let (hidden, batch) = encode(draws.iter().map(|d| d.sequence(&d.masked)).collect())?;
        let hidden = hidden.f_index_select(0, &batch.real)?;
        let of_items = self.of_items(leaves, draws, &hidden, device)?;
        let segment = |number: usize| {
            let sequences = draws.iter().map(|d| d.sequence(&d.segments[number]));
            let (hidden, batch) = encode(sequences.collect())?;
            hidden.f_index_select(0, &batch.ends)
        };
        let [_, _, _, projection] = &self.projections;
        let around = projection.forward(leaves, &segment(0)?)?;
        let segments = pairwise(&around, &segment(1)?.f_sub(&segment(2)?)?)?;
        of_items.f_add(&segments.f_mul_scalar(self.options.sp_weight)?)
    }

    /// The losses of items and features at the real places of a batch, whose vectors are `hidden`.
    fn of_items(
        &self,
        leaves: &Leaves,
        draws: &[&Draw],
        hidden: &Tensor,
        device: Device,
    ) -> Result<Tensor, TchError> {
        let items: Vec<u32> = draws.iter().flat_map(|d| d.items.clone()).collect();
        let negatives: Vec<u32> = draws.iter().flat_map(|d| d.negatives.clone()).collect();
        let masked = draws.iter().flat_map(|d| &d.masked);
        let (masked, open): (Vec<usize>, Vec<usize>) = masked
            .enumerate()
            .map(|(place, &item)| (place, item == self.catalogue))
            .fold(Default::default(), |(mut masked, mut open), (place, is)| {
                if is { &mut masked } else { &mut open }.push(place);
                (masked, open)
            });
        let put = |numbers: Vec<i64>| Tensor::f_from_slice(&numbers)?.f_to_device(device);
        let vectors_at = |places: &[usize], projection: &Linear| {
            let places = put(places.iter().map(|&place| place as i64).collect())?;
            projection.forward(leaves, &hidden.f_index_select(0, &places)?)
        };
        let own = |places: &[usize], all: &[u32]| {
            let rows = put(places.iter().map(|&place| i64::from(all[place])).collect())?;
            self.causal.items.look_up(leaves, &rows)
        };
        let [of_places, of_masked, of_masked_features, _] = &self.projections;
        let mut total = Tensor::f_zeros([], (Kind::Float, device))?;
        if !open.is_empty() {
            let vectors = vectors_at(&open, of_places)?;
            let loss = self.of_features(leaves, &vectors, open.iter().map(|&p| items[p]))?;
            total = total.f_add(&loss.f_mul_scalar(self.options.aap_weight)?)?;
        }
        if !masked.is_empty() {
            let vectors = vectors_at(&masked, of_masked)?;
            let difference = own(&masked, &items)?.f_sub(&own(&masked, &negatives)?)?;
            let loss = pairwise(&vectors, &difference)?;
            total = total.f_add(&loss.f_mul_scalar(self.options.mip_weight)?)?;
            let vectors = vectors_at(&masked, of_masked_features)?;
            let loss = self.of_features(leaves, &vectors, masked.iter().map(|&p| items[p]))?;
            total = total.f_add(&loss.f_mul_scalar(self.options.map_weight)?)?;
        }
        Ok(total)
    }

    /// The binary cross-entropies of all features with vectors of places [n, width], summed: those
    /// of the item at each place are true. With x for a score that of a true one is
    /// softplus(x) − x, and of another softplus(x).
    fn of_features(
        &self,
        leaves: &Leaves,
        vectors: &Tensor,
        items: impl Iterator<Item = u32>,
    ) -> Result<Tensor, TchError> {
        let scores = vectors.f_mm(&leaves[self.features].f_tr()?)?;
        let truths: Vec<i64> = (0..)
            .zip(items)
            .flat_map(|(row, item)| {
                let own = &self.table.of_items[item as usize];
                own.iter()
                    .map(move |feature| row * self.table.count + feature)
            })
            .collect();
        let truths = Tensor::f_from_slice(&truths)?.f_to_device(vectors.device())?;
        let of_truths = scores.f_reshape([-1])?.f_index_select(0, &truths)?;
        scores
            .f_softplus()?
            .f_sum(Kind::Float)?
            .f_sub(&of_truths.f_sum(Kind::Float)?)
    }
}

/// Σ −log σ(a · b), of vectors [n, width].
fn pairwise(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    a.f_mul(b)?
        .f_sum_dim_intlist([-1].as_slice(), false, Kind::Float)?
        .f_neg()?
        .f_softplus()?
        .f_sum(Kind::Float)
}
