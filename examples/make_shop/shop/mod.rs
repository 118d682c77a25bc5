//! A shop made up by chance, with reasons: its shelves, its shoppers, and its two files.

mod books;
mod candles;
mod catalogue;
mod coffee_and_tea;
mod reviews;
mod shopper;
mod workshop;
mod write;

use std::collections::BTreeSet;

use catalogue::Catalogue;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use reviews::Review;

/// The seed of the shop that is committed under `examples/shop`.
pub(crate) const SEED: u64 = 2014;

/// The number of shoppers; a few buy too little to stay in the 5-core.
const SHOPPERS: usize = 2_060;

/// A whole shop: what it sells, and the 5-core of what was bought and reviewed.
pub(crate) struct Shop {
    pub(crate) catalogue: Catalogue,
    pub(crate) reviews: Vec<Review>,
}

impl Shop {
    /// Makes the shop of this seed, always the same one.
    pub(crate) fn make(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut catalogue = Catalogue::default();
        coffee_and_tea::stock(&mut catalogue);
        candles::stock(&mut catalogue);
        books::stock(&mut catalogue);
        workshop::stock(&mut catalogue);
        catalogue.settle(&mut random);

        let mut numbers: Vec<usize> = (0..SHOPPERS).collect();
        numbers.shuffle(&mut random);
        let mut reviews = Vec::new();
        for number in numbers {
            let purchases = shopper::shop_for_years(&catalogue, &mut random);
            reviews.extend(reviews::of(number, &purchases, &catalogue, &mut random));
        }
        let reviews = reviews::five_core(reviews, catalogue.products.len());
        Self { catalogue, reviews }
    }

    /// The number of users in the 5-core.
    pub(crate) fn customers(&self) -> usize {
        let customers: BTreeSet<usize> = self.reviews.iter().map(|review| review.shopper).collect();
        customers.len()
    }
}
