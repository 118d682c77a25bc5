//! The shelves: what is sold, in which lines, and what leads a shopper to what.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The buying pattern of a line of products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Habit {
    /// Once: a machine, a tool.
    Once,
    /// Once each, in order: the volumes of a series.
    InOrder,
    /// Again when it is used up.
    Refill,
    /// Again, and each variant in its season.
    Seasonal,
}

/// A line: one house's products of one kind, in variants (roast, scent, volume) and formats
/// (size, pack). Where its title says `{v}` and `{f}`, the variant and the format go.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    shelf: [&'static str; 2],
    brand: &'static str,
    title: &'a str,
    variants: &'a [&'a str],
    formats: &'a [&'a str],
    cents: u32,
    habit: Habit,
    share: f64,
}

impl<'a> Line<'a> {
    /// A single product, bought once, on a shelf of a department; the brand may be empty.
    pub(crate) fn of(shelf: [&'static str; 2], brand: &'static str, title: &'a str) -> Self {
        let (variants, formats): (&[&str], &[&str]) = (&[""], &[""]);
        Self {
            shelf,
            brand,
            title,
            variants,
            formats,
            cents: 999,
            habit: Habit::Once,
            share: 1.0,
        }
    }

    pub(crate) fn variants(self, variants: &'a [&'a str]) -> Self {
        Self { variants, ..self }
    }

    pub(crate) fn formats(self, formats: &'a [&'a str]) -> Self {
        Self { formats, ..self }
    }

    /// The price of the first format, in cents; each further one costs 70 % of it more.
    pub(crate) fn cents(self, cents: u32) -> Self {
        Self { cents, ..self }
    }

    pub(crate) fn habit(self, habit: Habit) -> Self {
        Self { habit, ..self }
    }

    /// The popularity of this line; 1 is average.
    pub(crate) fn share(self, share: f64) -> Self {
        Self { share, ..self }
    }
}

/// One product.
pub(crate) struct Product {
    pub(crate) asin: String,
    pub(crate) title: String,
    pub(crate) brand: &'static str,
    pub(crate) shelf: [&'static str; 2],
    pub(crate) line: usize,
    pub(crate) variant: usize,
    pub(crate) variants: usize,
    pub(crate) format: usize,
    pub(crate) cents: u32,
    pub(crate) habit: Habit,
    pub(crate) popularity: f64,
    pub(crate) leads: Vec<Lead>,
}

/// The follow-up of a purchase: one of some products, some days later.
#[derive(Clone)]
pub(crate) struct Lead {
    pub(crate) to: Vec<usize>,
    pub(crate) weight: f64,
    pub(crate) days: u64,
}

/// Everything the shop sells, products of a line side by side.
#[derive(Default)]
pub(crate) struct Catalogue {
    pub(crate) products: Vec<Product>,
    lines: usize,
}

impl Catalogue {
    /// Puts a line on the shelf: every variant in every format, variant by variant.
    pub(crate) fn stock(&mut self, line: &Line) -> Vec<usize> {
        let first = self.products.len();
        for (variant, variant_name) in line.variants.iter().enumerate() {
            for (format, format_name) in line.formats.iter().enumerate() {
                let title = line.title.replace("{v}", variant_name);
                self.products.push(Product {
                    asin: String::new(),
                    title: title.replace("{f}", format_name),
                    brand: line.brand,
                    shelf: line.shelf,
                    line: self.lines,
                    variant,
                    variants: line.variants.len(),
                    format,
                    cents: line.cents * (10 + 7 * format as u32) / 10,
                    habit: line.habit,
                    popularity: line.share,
                    leads: Vec::new(),
                });
            }
        }
        self.lines += 1;
        (first..self.products.len()).collect()
    }

    /// Whoever buys one of `from` will want one of `to`, about `days` later.
    pub(crate) fn lead(&mut self, from: &[usize], to: &[usize], weight: f64, days: u64) {
        for &product in from {
            let to = to.to_vec();
            self.products[product].leads.push(Lead { to, weight, days });
        }
    }

    /// Each variant of a line leads to the one `step` further on, and the last, where the line
    /// is seasonal, to the first again.
    pub(crate) fn trail(&mut self, line: &[usize], step: usize, weight: f64, days: u64) {
        for &product in line {
            let Product {
                variant,
                variants,
                habit,
                ..
            } = self.products[product];
            let mut next = variant + step;
            if habit == Habit::Seasonal {
                next %= variants;
            }
            let of_variant = |&other: &usize| self.products[other].variant == next;
            let to: Vec<usize> = line.iter().copied().filter(of_variant).collect();
            if !to.is_empty() {
                self.lead(&[product], &to, weight, days);
            }
        }
    }

    /// Gives every product its number, in order of arrival at the shop, and its popularity:
    /// a few products of every line sell well, most do not.
    pub(crate) fn settle(&mut self, random: &mut ChaCha8Rng) {
        let mut arrival: Vec<usize> = (0..self.products.len()).collect();
        arrival.shuffle(random);
        for (product, arrival) in self.products.iter_mut().zip(arrival) {
            product.asin = format!("B00{:07}", 4_200_000 + 137 * arrival);
            let rank = match product.habit {
                Habit::InOrder => 6 * product.variant,
                _ => random.random_range(0..12),
            };
            product.popularity /= (2 + rank) as f64;
        }
    }
}
