//! Makes the small shop that ships with gloss: a catalogue and its customers' purchases in the
//! layout of the Amazon 2014 files.
//!
//! `cargo run --example make_shop -- examples/shop`

mod shop;

use std::path::PathBuf;

use clap::Parser;

/// Makes a small shop in the layout of the Amazon 2014 files.
#[derive(Parser)]
struct Arguments {
    /// The folder to write `reviews_Shop_5.json.gz` and `meta_Shop.json.gz` into.
    folder: PathBuf,
    /// The seed; the same seed makes the same shop.
    #[arg(long, default_value_t = shop::SEED)]
    seed: u64,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let shop = shop::Shop::make(arguments.seed);
    shop.write(&arguments.folder)?;
    println!(
        "{} reviews of {} products by {} customers, in {}",
        shop.reviews.len(),
        shop.catalogue.products.len(),
        shop.customers(),
        arguments.folder.display()
    );
    Ok(())
}
