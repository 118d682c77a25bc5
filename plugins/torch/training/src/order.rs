//! The order of examples.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The order of `count` examples in an epoch, counted from 0.
pub fn epoch_order(seed: u64, epoch: u64, count: usize) -> Vec<usize> {
    let mut random = random_stream(seed, epoch + 1);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut random);
    order
}

/// A generator of random numbers, for each seed and stream another.
pub fn random_stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_an_order_of_its_own() {
        let (first, second) = (epoch_order(3407, 0, 50), epoch_order(3407, 1, 50));
        assert_ne!(first, second);
        assert_eq!(first, epoch_order(3407, 0, 50));
        let mut sorted = first;
        sorted.sort();
        assert!(sorted.into_iter().eq(0..50));
    }
}
