//! The two files: reviews as JSON, metadata as Python literals, a line each, compressed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::Shop;
use super::catalogue::Product;

/// The most products in `also_bought`.
const ALSO_BOUGHT: usize = 4;

impl Shop {
    /// Writes `reviews_Shop_5.json.gz` and `meta_Shop.json.gz` into a folder, making it if need be.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(
            folder.join("reviews_Shop_5.json.gz"),
            compress(&self.reviews_text())?,
        )?;
        fs::write(
            folder.join("meta_Shop.json.gz"),
            compress(&self.metadata_text())?,
        )
    }

    /// The reviews, one JSON object a line, product by product as in the original files.
    pub(crate) fn reviews_text(&self) -> String {
        let mut reviews: Vec<_> = self.reviews.iter().collect();
        // Stable: what a shopper bought twice stays in order.
        reviews.sort_by_key(|review| {
            (
                &self.catalogue.products[review.product].asin,
                review.shopper,
            )
        });
        let mut lines = String::new();
        for review in reviews {
            let asin = &self.catalogue.products[review.product].asin;
            let text = review.text.map_or(String::new(), |text| {
                format!("\"reviewText\": \"{}\", ", text.replace('"', "\\\""))
            });
            // Writing to a string cannot fail.
            let _ = writeln!(
                lines,
                "{{\"reviewerID\": \"{}\", \"asin\": \"{asin}\", {text}\"overall\": {}.0, \"unixReviewTime\": {}}}",
                review.reviewer(),
                review.stars,
                review.day * 86_400
            );
        }
        lines
    }

    /// The metadata, one Python dict literal a line, in order of asin. As in the original files,
    /// some rows have no title, some an empty one, and some stand there twice.
    pub(crate) fn metadata_text(&self) -> String {
        let also_bought = self.also_bought();
        let mut products: Vec<_> = self.catalogue.products.iter().zip(also_bought).collect();
        products.sort_by_key(|(product, _)| &product.asin);
        let mut lines = String::new();
        for (row, (product, also_bought)) in products.into_iter().enumerate() {
            let title = match row % 97 {
                31 => None,
                62 => Some(""),
                _ => Some(product.title.trim_end_matches([' ', ','])),
            };
            let line = metadata_row(product, title, &also_bought);
            lines.push_str(&line);
            if row % 120 == 60 {
                lines.push_str(&line);
            }
        }
        lines
    }

    /// For each product, what was most often bought right after it. A shopper's last two
    /// purchases do not count, so that no test or validation target shows through.
    fn also_bought(&self) -> Vec<Vec<&str>> {
        let mut counts = vec![BTreeMap::<usize, usize>::new(); self.catalogue.products.len()];
        for shopper in self
            .reviews
            .chunk_by(|left, right| left.shopper == right.shopper)
        {
            let known = &shopper[..shopper.len().saturating_sub(2)];
            for pair in known.windows(2) {
                if pair[0].product != pair[1].product {
                    *counts[pair[0].product].entry(pair[1].product).or_default() += 1;
                }
            }
        }
        let most = |counts: BTreeMap<usize, usize>| {
            let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
            counts.sort_by_key(|&(product, count)| (std::cmp::Reverse(count), product));
            let asin =
                |(product, _): (usize, usize)| self.catalogue.products[product].asin.as_str();
            counts.into_iter().take(ALSO_BOUGHT).map(asin).collect()
        };
        counts.into_iter().map(most).collect()
    }
}

fn metadata_row(product: &Product, title: Option<&str>, also_bought: &[&str]) -> String {
    let mut row = format!("{{'asin': {}", literal(&product.asin));
    if let Some(title) = title {
        row += &format!(", 'title': {}", literal(title));
    }
    row += &format!(
        ", 'price': {}.{:02}",
        product.cents / 100,
        product.cents % 100
    );
    if !also_bought.is_empty() {
        let list: Vec<String> = also_bought.iter().map(|asin| literal(asin)).collect();
        row += &format!(", 'related': {{'also_bought': [{}]}}", list.join(", "));
    }
    if !product.brand.is_empty() {
        row += &format!(", 'brand': {}", literal(product.brand));
    }
    let [department, shelf] = product.shelf.map(literal);
    row + &format!(", 'categories': [[{department}, {shelf}]]}}\n")
}

/// A string as Python writes it: in single quotes, unless it has an apostrophe in it.
fn literal(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}

/// The same bytes for the same text: the header holds no time, name or system.
fn compress(text: &str) -> io::Result<Vec<u8>> {
    let mut file = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::best());
    file.write_all(text.as_bytes())?;
    file.finish()
}
