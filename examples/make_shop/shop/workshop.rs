//! Paper, pens and planners; parts for bicycles.

use super::catalogue::{Catalogue, Habit, Line};

/// Pen makers and their models; each model takes its own ink.
const PENS: [(&str, &str, f64); 4] = [
    ("Quillon", "Safara Fountain Pen", 1.2),
    ("Marlowe", "Clerk Rollerball", 1.0),
    ("Inkstead", "G-7 Gel Pen", 1.4),
    ("Kanda", "Brush Pen", 0.6),
];

/// Notebook makers, and how each of them words a title.
const NOTEBOOKS: [(&str, &str, f64); 4] = [
    ("Fieldmark", "Fieldmark Classic Notebook, {f}, {v}", 1.6),
    ("Papier d'Or", "Papier d'Or Carnet {v} {f}", 1.0),
    (
        "Stonebridge",
        "Stonebridge Hardcover Journal ({v}, {f})",
        0.8,
    ),
    ("Kanda", "Kanda {f} Grid Pad - {v}", 0.7),
];

/// Makers of bicycle parts.
const CYCLE_BRANDS: [(&str, f64); 3] = [("Torrent", 1.5), ("Vantage", 1.0), ("Gearhart", 0.7)];

pub(super) fn stock(shop: &mut Catalogue) {
    stationery(shop);
    bicycles(shop);
}

fn stationery(shop: &mut Catalogue) {
    let line = |brand, title| Line::of(["Office", "Stationery"], brand, title);
    let mut all_notebooks = Vec::new();
    for (brand, title, share) in NOTEBOOKS {
        let notebooks = line(brand, title)
            .variants(&["Black", "Oxblood", "Forest", "Navy", "Sand"])
            .formats(&["Pocket", "A5", "Letter"]);
        let notebooks = shop.stock(&notebooks.cents(1199).habit(Habit::Refill).share(share));
        shop.trail(&notebooks, 1, 0.3, 60);
        all_notebooks.extend(notebooks);
    }
    for (brand, model, share) in PENS {
        let title = format!("{brand} {model}, {{v}}");
        let pens = Line::of(["Office", "Pens"], brand, &title).variants(&["Fine", "Medium"]);
        let pens = shop.stock(&pens.cents(1899).share(1.5 * share));
        let title = format!("{brand} Refills {{v}}, {{f}}");
        let inks = Line::of(["Office", "Pens"], brand, &title)
            .variants(&["Black", "Blue", "Green"])
            .formats(&["6-Pack", "12-Pack"]);
        let inks = shop.stock(&inks.cents(599).habit(Habit::Refill).share(share));
        shop.lead(&pens, &inks, 1.0, 30);
        shop.lead(&pens, &all_notebooks, 1.0, 10);
        shop.lead(&inks, &all_notebooks, 1.0, 12);
        shop.lead(&all_notebooks, &inks, 0.2 * share, 20);
    }
    for (brand, title, share) in [
        ("Fieldmark", "Fieldmark 13-Week Planner, {v}, {f}", 1.2),
        ("Daybook", "Daybook {v} Undated Agenda {f}", 0.8),
    ] {
        let planners = line(brand, title)
            .variants(&["Q1 Plan", "Q2 Grow", "Q3 Rest", "Q4 Gather"])
            .formats(&["Pocket", "A5", "Letter"]);
        let planners = shop.stock(&planners.cents(1399).habit(Habit::Seasonal).share(share));
        shop.trail(&planners, 1, 2.0, 80);
    }
}

fn bicycles(shop: &mut Catalogue) {
    let line = |brand, title| Line::of(["Cycling", "Upkeep"], brand, title);
    let lubes = line("Slipstream", "Slipstream {v} Lube, {f}")
        .variants(&["Dry", "Wet", "Ceramic"])
        .formats(&["2 oz", "4 oz"]);
    let lubes = shop.stock(&lubes.cents(699).habit(Habit::Refill).share(0.8));
    let tools = line("Gripwell", "{v}").variants(&[
        "Chain Breaker",
        "Cassette Lockring Remover",
        "Tire Levers, Set of 3",
        "Mini Pump",
        "Floor Pump with Gauge, for Road, Mountain, City and Touring Bikes, Balls and Air Beds, \
         Steel Barrel, Wooden Handle, Fits All Valves, 160 PSI, Two Year Warranty, Matte Black",
    ]);
    let tools = shop.stock(&tools.share(0.8));
    let [chains, cassettes, pads, tires, tubes] = parts(shop);
    shop.lead(&chains, &cassettes, 1.5, 12);
    shop.lead(&chains, &tools[..1], 0.4, 2);
    shop.lead(&cassettes, &lubes, 1.0, 6);
    shop.lead(&cassettes, &tools[1..2], 0.5, 2);
    shop.lead(&tires, &tubes, 1.5, 3);
    shop.lead(&tubes, &tools[2..], 1.0, 3);
    shop.lead(&pads, &tires, 1.0, 60);
    shop.lead(&lubes, &pads, 1.0, 45);
    shop.lead(&tools, &chains, 1.0, 40);
}

/// Chains, cassettes, brake pads, tires and tubes, of all makers.
fn parts(shop: &mut Catalogue) -> [Vec<usize>; 5] {
    let speeds: &[&str] = &["8-Speed", "9-Speed", "10-Speed"];
    let kinds: [(&str, &[&str], &[&str], u32); 5] = [
        ("Chain, {f}", &[""], speeds, 1999),
        ("Cassette {f} {v}", &["11-28T", "11-34T"], speeds, 3499),
        (
            "{v} Brake Pads {f}",
            &["Road", "V-Type", "Disc"],
            &["Pair", "2 Pairs"],
            899,
        ),
        (
            "{v} Tire {f}",
            &["All-Season", "Puncture-Proof", "Race"],
            &["700x25c", "700x32c", "26x1.95"],
            2999,
        ),
        (
            "Inner Tube {f}",
            &[""],
            &["700x18-25", "700x28-35", "26 Inch"],
            549,
        ),
    ];
    kinds.map(|(kind, variants, formats, cents)| {
        let mut all = Vec::new();
        for (brand, share) in CYCLE_BRANDS {
            let title = format!("{brand} {kind}");
            let part = Line::of(["Cycling", "Parts"], brand, &title);
            let part = part.variants(variants).formats(formats).cents(cents);
            all.extend(shop.stock(&part.habit(Habit::Refill).share(share)));
        }
        all
    })
}
