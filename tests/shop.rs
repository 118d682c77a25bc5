//! The small shop under `examples/shop` is what its generator makes, and a 5-core.

#[path = "../examples/make_shop/shop/mod.rs"]
mod shop;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use shop::{SEED, Shop};

const FILES: [&str; 2] = ["reviews_Shop_5.json.gz", "meta_Shop.json.gz"];

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop")
}

fn unpacked(file: &str) -> io::Result<String> {
    let packed = fs::read(committed().join(file))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text)?;
    Ok(text)
}

/// Compared unpacked, because another release of the compressor may pack the same text otherwise.
#[test]
fn the_committed_files_are_what_the_generator_makes() {
    let shop = Shop::make(SEED);
    assert!(
        unpacked(FILES[0]).unwrap() == shop.reviews_text(),
        "reviews differ"
    );
    assert!(
        unpacked(FILES[1]).unwrap() == shop.metadata_text(),
        "metadata differ"
    );
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str, seed| {
        let folder = folder.path().join(name);
        Shop::make(seed).write(&folder).unwrap();
        FILES.map(|file| fs::read(folder.join(file)).unwrap())
    };
    let first = made("first", SEED);
    assert!(first == made("second", SEED), "same seed, other bytes");
    for (file, other) in first.iter().zip(made("other", SEED + 1)) {
        assert_eq!(file[4..8], [0; 4], "the gzip header holds a time");
        assert!(*file != other, "another seed, same bytes");
    }
}

#[test]
fn every_customer_and_every_product_bought_has_five_reviews() {
    let reviews = unpacked(FILES[0]).unwrap();
    let mut counts = BTreeMap::<String, usize>::new();
    for line in reviews.lines() {
        let review: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["reviewerID", "asin"] {
            *counts
                .entry(format!("{key} {}", review[key].as_str().unwrap()))
                .or_default() += 1;
        }
        assert!((1.0..=5.0).contains(&review["overall"].as_f64().unwrap()));
        assert_eq!(
            review["unixReviewTime"].as_u64().unwrap() % 86_400,
            0,
            "not a whole day"
        );
    }
    let few: Vec<_> = counts.iter().filter(|(_, count)| **count < 5).collect();
    assert!(few.is_empty(), "less than five reviews: {few:?}");
    let customers = counts
        .keys()
        .filter(|key| key.starts_with("reviewerID"))
        .count();
    assert_eq!(customers, Shop::make(SEED).customers());
}
