//! A shopper: tastes that stay, and years of purchases that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::catalogue::{Catalogue, Habit, Product};

/// The first and the last day that the shop records, in days since 1970-01-01.
const OPENING: u64 = 14_610;
const CLOSING: u64 = 16_273;

/// One purchase.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purchase {
    pub(crate) product: usize,
    pub(crate) day: u64,
}

struct Shopper<'a> {
    shop: &'a Catalogue,
    /// The share of time that this shopper spends in each department.
    departments: BTreeMap<&'static str, f64>,
    /// The format (size, pack, number of speeds) that this shopper prefers in each department.
    formats: BTreeMap<&'static str, usize>,
    liked_brands: BTreeSet<&'static str>,
    day: u64,
    purchases: Vec<Purchase>,
}

/// All that one shopper buys, in order.
pub(crate) fn shop_for_years(shop: &Catalogue, random: &mut ChaCha8Rng) -> Vec<Purchase> {
    let mut shopper = Shopper::born(shop, random);
    let mut wanted = 5;
    while wanted < 40 && random.random_bool(if wanted < 12 { 0.58 } else { 0.85 }) {
        wanted += 1;
    }
    while shopper.purchases.len() < wanted && shopper.day <= CLOSING {
        let Some((product, days)) = shopper.choose(random) else {
            break;
        };
        shopper.pass(days, random);
        if shopper.day <= CLOSING {
            shopper.purchases.push(Purchase {
                product,
                day: shopper.day,
            });
        }
    }
    shopper.purchases
}

impl<'a> Shopper<'a> {
    fn born(shop: &'a Catalogue, random: &mut ChaCha8Rng) -> Self {
        let mut names: Vec<&str> = shop
            .products
            .iter()
            .map(|product| product.shelf[0])
            .collect();
        names.dedup();
        let mut departments: BTreeMap<_, _> = names.iter().map(|&name| (name, 0.05)).collect();
        for interest in [1.0, 0.4] {
            if let Some(&favourite) = names.choose(random) {
                departments.insert(favourite, interest);
            }
        }
        let formats = names
            .iter()
            .map(|&name| (name, random.random_range(0..3)))
            .collect();
        let brands: BTreeSet<&str> = shop.products.iter().map(|product| product.brand).collect();
        let liked_brands = brands
            .into_iter()
            .filter(|_| random.random_bool(0.25))
            .collect();
        let day = random.random_range(OPENING..CLOSING - 400);
        Self {
            shop,
            departments,
            formats,
            liked_brands,
            day,
            purchases: Vec::new(),
        }
    }

    /// The next purchase, and about how many days it is off: most often what an earlier purchase
    /// leads to, else more of the same line, the same again, or something else.
    fn choose(&self, random: &mut ChaCha8Rng) -> Option<(usize, u64)> {
        let roll = random.random_range(0..100);
        let choice = match roll {
            0..64 => self.follow(random),
            64..70 => self.more_of_the_line(random),
            70..76 => self.again(random),
            76..93 => self.browse(random, |shopper, product| shopper.taste(product)),
            _ => self.browse(random, |_, product| product.popularity),
        };
        choice.or_else(|| self.browse(random, |shopper, product| shopper.taste(product)))
    }

    /// The purchases that the last few lead to, the latest with the highest weight.
    fn follow(&self, random: &mut ChaCha8Rng) -> Option<(usize, u64)> {
        let mut leads = Vec::new();
        let mut patience = 1.0;
        for purchase in self.purchases.iter().rev().take(3) {
            for lead in &self.shop.products[purchase.product].leads {
                leads.push((lead, lead.weight * patience));
            }
            patience /= 4.0;
        }
        let (lead, _) = leads.choose_weighted(random, |(_, weight)| *weight).ok()?;
        let product = self.pick(&lead.to, random, |shopper, product| {
            shopper.taste(product) / product.popularity
        })?;
        Some((product, lead.days))
    }

    /// Another variant or format of what was bought last.
    fn more_of_the_line(&self, random: &mut ChaCha8Rng) -> Option<(usize, u64)> {
        let last = &self.shop.products[self.purchases.last()?.product];
        let of_line = |&index: &usize| self.shop.products[index].line == last.line;
        let line: Vec<usize> = (0..self.shop.products.len()).filter(of_line).collect();
        Some((
            self.pick(&line, random, |_, product| product.popularity)?,
            15,
        ))
    }

    /// Something bought before, though not just now, that is used up.
    fn again(&self, random: &mut ChaCha8Rng) -> Option<(usize, u64)> {
        let (last, earlier) = self.purchases.split_last()?;
        let used_up: Vec<usize> = earlier
            .iter()
            .map(|purchase| purchase.product)
            .filter(|&index| index != last.product && self.shop.products[index].used_up())
            .collect();
        Some((*used_up.choose(random)?, 45))
    }

    fn browse(
        &self,
        random: &mut ChaCha8Rng,
        weight: impl Fn(&Self, &Product) -> f64,
    ) -> Option<(usize, u64)> {
        let everything: Vec<usize> = (0..self.shop.products.len()).collect();
        Some((self.pick(&everything, random, weight)?, 30))
    }

    /// One of some products, by weight, of those not bought before.
    fn pick(
        &self,
        products: &[usize],
        random: &mut ChaCha8Rng,
        weight: impl Fn(&Self, &Product) -> f64,
    ) -> Option<usize> {
        let new = |index: usize| {
            self.purchases
                .iter()
                .all(|purchase| purchase.product != index)
        };
        let products: Vec<usize> = products
            .iter()
            .copied()
            .filter(|&index| new(index))
            .collect();
        let weight = |&index: &usize| weight(self, &self.shop.products[index]);
        products.choose_weighted(random, weight).ok().copied()
    }

    /// The attraction of a product for this shopper: its popularity, and the shopper's own
    /// departments, brands (those liked from the start, and those already at home), format, and
    /// the season.
    fn taste(&self, product: &Product) -> f64 {
        let mut taste = product.popularity * self.departments[product.shelf[0]];
        if self.liked_brands.contains(product.brand) {
            taste *= 5.0;
        }
        if self
            .purchases
            .iter()
            .any(|bought| self.shop.products[bought.product].brand == product.brand)
        {
            taste *= 4.0;
        }
        if product.format == self.formats[product.shelf[0]] {
            taste *= 8.0;
        }
        if product.habit == Habit::Seasonal && product.season() != season(self.day) {
            taste /= 5.0;
        }
        taste
    }

    /// Lets time pass: none at all for a quarter of the purchases, made on the same day.
    fn pass(&mut self, days: u64, random: &mut ChaCha8Rng) {
        if !self.purchases.is_empty() && !random.random_bool(0.25) {
            self.day += random.random_range(days / 2..=days * 3 / 2).max(1);
        }
    }
}

impl Product {
    fn used_up(&self) -> bool {
        matches!(self.habit, Habit::Refill | Habit::Seasonal)
    }

    /// The season of a seasonal product, winter being 0.
    fn season(&self) -> u64 {
        (4 * self.variant / self.variants) as u64
    }
}

/// The season of a day, winter (from December) being 0.
fn season(day: u64) -> u64 {
    ((day - OPENING) % 365 + 31) / 91 % 4
}
