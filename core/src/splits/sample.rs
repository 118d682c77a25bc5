//! CPython's `random.sample`, so that the validation users are the ones that Python code draws.

use rand_mt::Mt;

/// The positions that CPython's `random.seed(seed); random.sample(range(n), k)` draws, in the order
/// of the draw. A `k` above `n` counts as `n`.
pub(crate) fn random_sample(n: u32, k: u32, seed: u64) -> Vec<u32> {
    let k = k.min(n);
    let mut generator = seeded(seed);
    if u64::from(n) <= small_population(k) {
        sample_from_pool(n, k, &mut generator)
    } else {
        sample_with_set(n, k, &mut generator)
    }
}

/// Python seeds with the 32-bit words of the integer, lowest first, without leading zeros.
fn seeded(seed: u64) -> Mt {
    let (low, high) = (seed as u32, (seed >> 32) as u32);
    if high == 0 {
        Mt::new_with_key([low])
    } else {
        Mt::new_with_key([low, high])
    }
}

/// The largest population that is cheaper to keep as a list than the `k` drawn as a set: 21, plus
/// the least power of four that holds `3 k`.
fn small_population(k: u32) -> u64 {
    let mut table = 1;
    while table < 3 * u64::from(k) {
        table *= 4;
    }
    if k > 5 { 21 + table } else { 21 }
}

fn sample_from_pool(n: u32, k: u32, generator: &mut Mt) -> Vec<u32> {
    let mut pool: Vec<u32> = (0..n).collect();
    let draws = (0..n).rev().take(k as usize);
    draws
        .map(|last| {
            let at = below(last + 1, generator) as usize;
            let value = pool[at];
            pool[at] = pool[last as usize];
            value
        })
        .collect()
}

fn sample_with_set(n: u32, k: u32, generator: &mut Mt) -> Vec<u32> {
    let mut drawn = vec![false; n as usize];
    let mut one = || {
        loop {
            let value = below(n, generator);
            if !std::mem::replace(&mut drawn[value as usize], true) {
                return value;
            }
        }
    };
    (0..k).map(|_| one()).collect()
}

/// A number below `n`, which is at least 1: the highest bits that can hold `n`, drawn until they
/// are below it.
fn below(n: u32, generator: &mut Mt) -> u32 {
    loop {
        let value = generator.next_u32() >> n.leading_zeros();
        if value < n {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        n: u32,
        k: u32,
        seed: u64,
        first: Vec<u32>,
        fnv1a: u64,
        all: Option<Vec<u32>>,
    }

    fn fnv1a(values: &[u32]) -> u64 {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    #[test]
    fn it_draws_what_cpython_draws() {
        let text = include_str!("../../tests/golden/random_sample.json");
        let examples: Vec<Golden> = serde_json::from_str(text).unwrap();
        assert_eq!(examples.len(), 20);
        for example in examples {
            let drawn = random_sample(example.n, example.k, example.seed);
            let name = format!("n {} k {} seed {}", example.n, example.k, example.seed);
            assert_eq!(drawn[..example.first.len()], example.first, "{name}");
            assert_eq!(fnv1a(&drawn), example.fnv1a, "{name}");
            if let Some(all) = example.all {
                assert_eq!(drawn, all, "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn each_is_drawn_once_and_is_in_range(n in 0u32..3000, k in 0u32..3000, seed: u64) {
            let mut drawn = random_sample(n, k, seed);
            drawn.sort_unstable();
            drawn.dedup();
            prop_assert_eq!(drawn.len() as u32, k.min(n));
            prop_assert!(drawn.iter().all(|&value| value < n));
        }
    }
}
