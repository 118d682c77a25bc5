//! What shoppers leave behind: a review of each purchase, and the 5-core of all of them.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::catalogue::Catalogue;
use super::shopper::Purchase;

/// The fewest reviews that a shopper and a product have in the 5-core.
const CORE: usize = 5;

/// The texts of the few reviews that have one.
const TEXTS: [&str; 8] = [
    "Great, just as described.",
    "Good value. Will buy again.",
    "It's okay, nothing special.",
    "My wife loves it!",
    "Arrived quickly & well packed.",
    "Smaller than I expected :(",
    "\"Exactly\" what I was looking for.",
    "Fifth one I own \u{2013} says it all.",
];

/// One review.
pub(crate) struct Review {
    pub(crate) shopper: usize,
    pub(crate) product: usize,
    pub(crate) stars: u8,
    pub(crate) text: Option<&'static str>,
    pub(crate) day: u64,
}

impl Review {
    /// The reviewer's id.
    pub(crate) fn reviewer(&self) -> String {
        format!("A1{:05}SHOP", 10_000 + 31 * self.shopper)
    }
}

/// The reviews of all that one shopper bought.
pub(crate) fn of(
    shopper: usize,
    purchases: &[Purchase],
    shop: &Catalogue,
    random: &mut ChaCha8Rng,
) -> Vec<Review> {
    let mut review = |purchase: &Purchase| {
        let product = &shop.products[purchase.product];
        let stars = match random.random_range(0..20) {
            0 => 1,
            1 => 2,
            2..4 => 3,
            4..8 => 4,
            _ if product.popularity < 0.05 => 4,
            _ => 5,
        };
        let text = if random.random_bool(0.05) {
            TEXTS.choose(random).copied()
        } else {
            None
        };
        Review {
            shopper,
            product: purchase.product,
            stars,
            text,
            day: purchase.day,
        }
    };
    purchases.iter().map(&mut review).collect()
}

/// Only shoppers and products with enough reviews among those that stay.
pub(crate) fn five_core(mut reviews: Vec<Review>, products: usize) -> Vec<Review> {
    let shoppers = reviews
        .iter()
        .map(|review| review.shopper + 1)
        .max()
        .unwrap_or(0);
    loop {
        let mut by_shopper = vec![0; shoppers];
        let mut by_product = vec![0; products];
        for review in &reviews {
            by_shopper[review.shopper] += 1;
            by_product[review.product] += 1;
        }
        let before = reviews.len();
        reviews.retain(|review| {
            by_shopper[review.shopper] >= CORE && by_product[review.product] >= CORE
        });
        if reviews.len() == before {
            return reviews;
        }
    }
}
