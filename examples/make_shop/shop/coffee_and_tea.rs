//! Coffee machines and what they take, beans, tea.

use super::catalogue::{Catalogue, Habit, Line};

/// Houses that sell a machine and the pods that fit it.
const MACHINES: [(&str, &str, f64); 4] = [
    ("Copperline", "Piccola", 3.0),
    ("Brewnest", "Duo", 2.0),
    ("Alder &amp; Finch", "Solo One", 1.5),
    ("Monte Sabio", "Barista", 1.0),
];

/// Roasters, and how each of them words a title.
const ROASTERS: [(&str, &str, f64); 4] = [
    ("Kettle Row", "Kettle Row {v} Whole Bean Coffee, {f}", 1.2),
    ("Northlight", "{v} by Northlight Roasters ({f})", 0.9),
    ("Three Herons", "Three Herons Coffee - {v} - {f}", 0.7),
    ("Old Mill", "Old Mill Gourmet Coffee {v} {f} Bag", 0.5),
];

/// Tea houses, and how each of them words a title.
const TEA_HOUSES: [(&str, &str, f64); 4] = [
    ("Willow &amp; Rye", "Willow &amp; Rye {v}, {f}", 1.2),
    ("Pagoda Lane", "Pagoda Lane Tea, {v}, {f}", 1.0),
    (
        "Grandmother's Garden",
        "Grandmother's Garden {v} ({f})",
        0.7,
    ),
    ("Jade Harbor", "Jade Harbor Organic {v} {f}", 0.5),
];

pub(super) fn stock(shop: &mut Catalogue) {
    machines(shop);
    beans(shop);
    tea(shop);
}

/// A machine leads to its own pods, pods to a descaler for any machine, and that to pods again.
fn machines(shop: &mut Catalogue) {
    let line = |brand, title| Line::of(["Coffee", "Accessories"], brand, title);
    let descalers = line("Clearwell", "Clearwell Descaling {v}, {f}")
        .variants(&["Liquid", "Tablets"])
        .formats(&["2 Uses", "6 Uses"]);
    let descalers = shop.stock(&descalers.cents(799).habit(Habit::Refill).share(0.3));
    let syrups = line("Sweetbarrow", "Sweetbarrow Syrup, {v}, 12.7-Ounce").variants(&[
        "Vanilla",
        "Hazelnut",
        "Caramel",
        "Gingerbread",
    ]);
    let syrups = shop.stock(&syrups.cents(699).habit(Habit::Refill).share(0.5));
    let frothers = line("", "Handheld Milk Frother {v}")
        .variants(&["with Stand", "Battery Operated, Stainless Steel"]);
    let frothers = shop.stock(&frothers.cents(1499));
    shop.lead(&frothers, &syrups, 1.0, 9);
    shop.trail(&syrups, 1, 0.4, 30);
    for (brand, model, share) in MACHINES {
        let title = format!("{brand} {model} Single Serve Coffee Maker, {{v}}");
        let machines = Line::of(["Coffee", "Machines"], brand, &title).variants(&["Black", "Red"]);
        let machines = shop.stock(&machines.cents(8999).share(2.0 * share));
        let title = format!("{brand} {model} Pods, {{v}}, {{f}}");
        let pods = Line::of(["Coffee", "Pods"], brand, &title)
            .variants(&[
                "House Blend",
                "Breakfast Roast",
                "Dark Roast",
                "Espresso Intenso",
                "Decaf",
            ])
            .formats(&["16 Count", "48 Count", "Variety Case of 96"]);
        let pods = shop.stock(&pods.habit(Habit::Refill).share(share));
        shop.lead(&machines, &pods[..3], 2.0, 4);
        shop.lead(&machines, &descalers, 0.6, 50);
        shop.trail(&pods, 1, 0.5, 30);
        shop.lead(&pods, &descalers, 0.6, 40);
        shop.lead(&pods, &frothers, 0.3, 20);
        shop.lead(&descalers, &pods, 0.25, 12);
        shop.lead(&syrups, &pods, 0.15, 12);
    }
}

/// Beans are tasted country by country.
fn beans(shop: &mut Catalogue) {
    let line = |title| Line::of(["Coffee", "Accessories"], "Ironwood", title);
    let grinders = line("Ironwood {v} Burr Grinder").variants(&["Manual", "Electric"]);
    let grinders = shop.stock(&grinders.cents(3999).share(1.2));
    let filters = line("Paper Cone Filters {v}, {f}")
        .variants(&["No. 2", "No. 4"])
        .formats(&["100-Count", "400-Count"]);
    let filters = shop.stock(&filters.cents(549).habit(Habit::Refill).share(0.4));
    for (brand, title, share) in ROASTERS {
        let beans = Line::of(["Coffee", "Whole Bean"], brand, title)
            .variants(&[
                "Colombia Huila",
                "Ethiopia Yirgacheffe",
                "Kenya Peaberry",
                "Sumatra Mandheling",
                "Guatemala Antigua",
            ])
            .formats(&["12 oz", "2 lb", "5 lb"]);
        let beans = shop.stock(&beans.cents(1099).habit(Habit::Refill).share(share));
        shop.trail(&beans, 1, 1.0, 25);
        shop.lead(&beans, &filters, 0.4, 10);
        shop.lead(&beans, &grinders, 0.3, 20);
        shop.lead(&grinders, &beans, 0.25, 5);
        shop.lead(&filters, &beans, 0.25, 8);
    }
}

/// Teas go with the seasons: two of each house for each, from winter.
fn tea(shop: &mut Catalogue) {
    let line = |brand, title| Line::of(["Tea", "Teaware"], brand, title);
    let infusers = line("", "Stainless Steel {v} Infuser");
    let infusers = infusers.variants(&["Basket", "Ball", "Heart-Shaped"]);
    let infusers = shop.stock(&infusers.cents(799).share(0.8));
    let kettles = line("Ironwood", "Ironwood Electric Kettle, {v}");
    let kettles = kettles.variants(&["1.0 Liter", "1.7 Liter Cordless"]);
    let kettles = shop.stock(&kettles.cents(4499).share(1.5));
    let honeys = line("Bramble Farm", "Bramble Farm Raw Honey, {v}, {f}")
        .variants(&["Clover", "Wildflower", "Buckwheat"])
        .formats(&["1 lb", "3 lb"]);
    let honeys = shop.stock(&honeys.cents(899).habit(Habit::Refill).share(0.5));
    for (brand, title, share) in TEA_HOUSES {
        let teas = Line::of(["Tea", "Tea"], brand, title)
            .variants(&[
                "Masala Chai",
                "Ginger Lemon",
                "Jasmine Green",
                "White Peony",
                "Hibiscus Iced",
                "Peach Mint",
                "Earl Grey",
                "Smoky Lapsang",
            ])
            .formats(&["20 Tea Bags", "100 Tea Bags", "Loose Leaf, 3.5 oz"]);
        let teas = shop.stock(&teas.cents(549).habit(Habit::Seasonal).share(share));
        shop.trail(&teas, 2, 1.0, 75);
        shop.lead(&teas, &honeys, 0.3, 15);
        shop.lead(&teas, &infusers, 0.25, 15);
        for accessories in [&kettles, &infusers, &honeys] {
            shop.lead(accessories, &teas, 0.25, 8);
        }
    }
}
