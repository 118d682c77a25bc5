//! Candles for the seasons, and what goes with them.

use super::catalogue::{Catalogue, Habit, Line};

/// Candle houses: how each words a title, and its own scents, two for each season from winter.
type CandleHouse = (&'static str, &'static str, [&'static str; 8], f64);

const CANDLE_HOUSES: [CandleHouse; 5] = [
    (
        "Hearth &amp; Hollow",
        "Hearth &amp; Hollow {f}, {v}",
        [
            "Frosted Pine",
            "Mulled Wine",
            "First Rain",
            "Lilac Walk",
            "Sea Salt",
            "Ripe Fig",
            "Pumpkin Crumble",
            "Wood Smoke",
        ],
        3.0,
    ),
    (
        "Lumen",
        "Lumen No. {v} Soy Candle - {f}",
        [
            "1 Cedar",
            "2 Snow",
            "3 Violet",
            "4 Green Tea",
            "5 Citron",
            "6 Linen",
            "7 Amber",
            "8 Chestnut",
        ],
        2.0,
    ),
    (
        "Wickford",
        "{v} Scented Candle by Wickford ({f})",
        [
            "Candy Cane",
            "Winter Spruce",
            "Daffodil",
            "Fresh Grass",
            "Watermelon",
            "Coconut Beach",
            "Apple Orchard",
            "Cinnamon Stick",
        ],
        1.4,
    ),
    (
        "Petite Flamme",
        "Petite Flamme Bougie {v}, {f}",
        [
            "No&euml;l",
            "Sapin",
            "Muguet",
            "Pivoine",
            "Lavande",
            "Figuier",
            "Feu de Bois",
            "Vendange",
        ],
        1.0,
    ),
    (
        "Beeline",
        "Beeline 100% Beeswax {f} - {v}",
        [
            "Spiced Orange",
            "Plain White",
            "Clover",
            "Hawthorn",
            "Honeysuckle",
            "Meadow",
            "Harvest",
            "Plain Gold",
        ],
        0.8,
    ),
];

pub(super) fn stock(shop: &mut Catalogue) {
    let accessory = |title| Line::of(["Home Fragrance", "Accessories"], "", title);
    let trimmers = shop.stock(
        &accessory("{v}")
            .variants(&[
                "Wick Trimmer, Matte Black",
                "Wick Trimmer, Brass",
                "Candle Snuffer, Brass",
            ])
            .cents(1099)
            .share(0.5),
    );
    let matches = shop.stock(
        &accessory("Long Fireplace Matches in a Bottle, {v}")
            .variants(&["Black Tip", "Rose Tip", "White Tip"])
            .cents(899)
            .habit(Habit::Refill)
            .share(0.4),
    );
    let mut all_candles = Vec::new();
    for (brand, title, scents, share) in CANDLE_HOUSES {
        let candles = shop.stock(
            &Line::of(["Home Fragrance", "Candles"], brand, title)
                .variants(&scents)
                .formats(&["Travel Tin", "Medium Jar, 9 oz", "Large Jar, 22 oz"])
                .cents(899)
                .habit(Habit::Seasonal)
                .share(share),
        );
        shop.trail(&candles, 2, 2.0, 80);
        shop.lead(&candles, &trimmers, 0.25, 10);
        shop.lead(&candles, &matches, 0.25, 15);
        all_candles.extend(candles);
    }
    shop.lead(&trimmers, &all_candles, 1.0, 20);
    shop.lead(&matches, &all_candles, 1.0, 20);
}
