//! Mysteries and puzzles, in series that are read in order. A title seldom says what it follows.

use super::catalogue::{Catalogue, Habit, Line};

/// Mystery series: the wording of a title, which often does not name the series, and the volumes.
type Series = (&'static str, [&'static str; 6], f64);

const SERIES: [Series; 10] = [
    (
        "{v} (Lantern Street Mysteries)",
        [
            "A Cold Harbour",
            "The Salt Road",
            "Nine Bells",
            "Paper Moon Alley",
            "The Glass Ferry",
            "Last Tram Home",
        ],
        1.3,
    ),
    (
        "{v}",
        [
            "Murder at Thistle Hall",
            "A Widow in White",
            "The Deaf Gardener",
            "Poison for Two",
            "An Empty Pew",
            "What the Vicar Saw",
        ],
        3.0,
    ),
    (
        "{v}: A Novel",
        [
            "The Cartographer",
            "Meridian",
            "Dead Reckoning",
            "Soundings",
            "Landfall",
            "The Lee Shore",
        ],
        2.0,
    ),
    (
        "Inspector Brandt, Book {v}",
        ["1", "2", "3", "4", "5", "6"],
        0.9,
    ),
    (
        "{v} (Paperback)",
        [
            "Knit One, Kill Two Bees",
            "Purled to Death",
            "Dropped Stitch",
            "A Tangled Yarn",
            "Cast Off",
            "The Unravelling",
        ],
        2.4,
    ),
    (
        "{v} (Paperback)",
        [
            "Red Clay",
            "Dust Bowl Blues",
            "Cottonmouth",
            "High Water Mark",
            "Kudzu",
            "Bone Orchard",
        ],
        1.6,
    ),
    (
        "The Almanac Chronicles: {v}",
        [
            "January Thaw",
            "Leap Day",
            "Ides",
            "Fool's Spring",
            "Mayfly",
            "Solstice",
        ],
        0.8,
    ),
    (
        "{v}: A Novel",
        [
            "Blackthorn",
            "Hemlock",
            "Nightshade",
            "Foxglove",
            "Wolfsbane",
            "Yew",
        ],
        1.1,
    ),
    (
        "Sudoku for Long Evenings, Volume {v}",
        ["1", "2", "3", "4", "5", "6"],
        0.7,
    ),
    (
        "{v}",
        [
            "Airlock",
            "Perigee",
            "Slow Burn",
            "Dark Side",
            "Re-Entry",
            "Splashdown",
        ],
        1.0,
    ),
];

pub(super) fn stock(shop: &mut Catalogue) {
    for (title, volumes, share) in SERIES {
        let series = shop.stock(
            &Line::of(["Books", "Mystery &amp; Puzzles"], "", title)
                .variants(&volumes)
                .cents(799)
                .habit(Habit::InOrder)
                .share(2.0 * share),
        );
        shop.trail(&series, 1, 3.0, 25);
    }
}
