//! Items drawn to be compared with targets.

use gloss_core::Result;
use gloss_torch::torch_error;
use rand::Rng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use tch::{Device, TchError, Tensor};

use crate::config::{NegativeSampling, NegativeSharing, SequenceTraining};
use crate::loss::{Loss, Negatives, Objective, gbce_power};

/// Draws the negatives of a training.
pub(crate) struct Sampler {
    options: SequenceTraining,
    items: usize,
    weighted: Option<WeightedIndex<f64>>,
    log_q: Option<Tensor>,
}

impl Sampler {
    /// Negatives of a catalogue in which item i occurs `counts[i]` times.
    pub(crate) fn new(options: &SequenceTraining, counts: &[u64], device: Device) -> Result<Self> {
        let items = counts.len();
        let weights: Vec<f64> = match options.negative_sampling {
            NegativeSampling::Uniform => vec![1.0; items],
            NegativeSampling::Popularity => counts.iter().map(|&count| count as f64).collect(),
        };
        let total: f64 = weights.iter().sum();
        let log_q = || {
            let expected = |weight: &f64| (options.negatives as f64 * weight / total).ln() as f32;
            let numbers: Vec<f32> = weights.iter().map(expected).collect();
            Tensor::f_from_slice(&numbers)?.f_to_device(device)
        };
        let corrects = options.loss == Loss::SampledSoftmax && options.log_q_correction;
        let weighted = match options.negative_sampling {
            NegativeSampling::Uniform => None,
            NegativeSampling::Popularity => WeightedIndex::new(weights.clone()).ok(),
        };
        Ok(Sampler {
            options: options.clone(),
            items,
            weighted,
            log_q: corrects
                .then(log_q)
                .transpose()
                .map_err(torch_error("count items"))?,
        })
    }

    /// The loss of predictions: for each the items of its user, sorted.
    pub(crate) fn objective(
        &self,
        users: &[&[u32]],
        random: &mut impl Rng,
        device: Device,
    ) -> Result<Objective, TchError> {
        let (loss, count) = (self.options.loss, self.options.negatives);
        let put = |numbers: &[i64]| Tensor::f_from_slice(numbers)?.f_to_device(device);
        let negatives = match (loss, self.options.negative_sharing) {
            (Loss::CrossEntropy, _) => Negatives::All,
            (_, NegativeSharing::Batch) => {
                let drawn: Vec<i64> = (0..count).map(|_| self.draw(random, &[])).collect();
                Negatives::Shared(put(&drawn)?)
            }
            (_, NegativeSharing::None) => {
                let own = users
                    .iter()
                    .flat_map(|seen| std::iter::repeat_n(*seen, count));
                let drawn: Vec<i64> = own.map(|seen| self.draw(random, seen)).collect();
                Negatives::Own(put(&drawn)?.f_view([users.len() as i64, count as i64])?)
            }
        };
        Ok(Objective {
            loss,
            negatives,
            power: match loss {
                Loss::Gbce => gbce_power(count, self.items, self.options.gbce_t),
                _ => 1.0,
            },
            log_q: self.log_q.as_ref().map(Tensor::shallow_clone),
        })
    }

    /// An item that is not among `seen`, unless these are nearly all.
    fn draw(&self, random: &mut impl Rng, seen: &[u32]) -> i64 {
        let mut item = 0;
        for _ in 0..100 {
            item = match &self.weighted {
                Some(weighted) => weighted.sample(random) as u32,
                None => random.random_range(0..self.items as u32),
            };
            if seen.binary_search(&item).is_err() {
                break;
            }
        }
        i64::from(item)
    }
}
