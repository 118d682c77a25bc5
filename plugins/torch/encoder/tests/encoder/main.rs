//! Encoders give the vectors of sentence-transformers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;
mod models;
mod places;

use std::path::Path;

use gloss_encoder::{Encoder, Given, Role, Settings};
use tch::{Device, Kind};

/// The encoder in a folder in f32 on the CPU, with what is given in place of what is known.
fn open(folder: &Path, given: &Given) -> Encoder {
    let settings = Settings::resolve(&folder.to_string_lossy(), folder, given).unwrap();
    Encoder::open(folder, settings, Device::Cpu, Kind::Float).unwrap()
}

/// The vectors of passages; progress must report all of them.
fn encode(encoder: &Encoder, texts: &[&str]) -> Vec<Vec<f32>> {
    let mut told = 0;
    let mut progress = |texts| {
        told += texts;
        Ok(())
    };
    let rows = encoder.encode(texts, Role::Passage, &mut progress).unwrap();
    assert_eq!(told, texts.len());
    assert_eq!(rows.len(), texts.len() * encoder.dimensions());
    rows.chunks(encoder.dimensions())
        .map(<[f32]>::to_vec)
        .collect()
}

/// The largest difference between two vectors' numbers.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most, next| if next <= most { most } else { next })
}
