//! Loads a category and prints what was counted and how long it took:
//! `cargo run --release -p gloss-amazon --example load -- data Beauty [2014|2018|2023]`.

use std::time::Instant;

use gloss_amazon::{Amazon, Layout};
use gloss_core::{Context, Dataset, Result};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |n: usize| arguments.get(n).map(String::as_str);
    let mut amazon = Amazon::new(argument(1).unwrap_or("Beauty"));
    amazon.folder = argument(0).unwrap_or("data").into();
    amazon.layout = match argument(2) {
        Some("2018") => Layout::Of2018,
        Some("2023") => Layout::Of2023,
        _ => Layout::Of2014,
    };
    for round in 0..5 {
        let start = Instant::now();
        let data = amazon.load(&Context::default())?;
        let seconds = start.elapsed().as_secs_f64();
        if round == 0 {
            for (what, count) in &data.report.counts {
                println!("{count:>10}  {what}");
            }
        }
        println!("{:.1} ms", seconds * 1e3);
    }
    Ok(())
}
