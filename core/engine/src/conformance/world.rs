//! The data that components are tried on.

use gloss_core::{Catalogue, Data, Example, Histories, Item, QueryContent, Result, Splits};

/// Texts with everything that texts may have: other scripts, marks that combine, no letters,
/// repetitions, nothing at all.
const STRANGE: [&str; 12] = [
    "",
    " ",
    "Title: Crème brûlée candle, 8.5 oz",
    "Title: Cre\u{300}me bru\u{302}le\u{301}e candle, 8.5 oz",
    "Title: Шампунь для волос",
    "Title: 資生堂 洗顔料",
    "Title: \u{202e}soap\u{202c} 🧼🧴 \u{1f469}\u{200d}\u{1f52c}",
    "Title: soap soap soap soap soap soap soap soap",
    "½ ™ — …",
    "Title: tab\tnew\nline \"quoted\" \\ back {brace}",
    "Title: straße STRASSE İstanbul ΑΣ",
    "\u{0}\u{feff}zero",
];

const KINDS: [&str; 4] = ["soap", "candle", "shampoo", "brush"];
const SCENTS: [&str; 5] = ["rose", "lily", "mint", "cedar", "lemon"];

fn plain() -> Vec<String> {
    let texts = KINDS.iter().flat_map(|kind| {
        let text = move |scent: &&str| format!("Title: {scent} {kind}, 100 g");
        SCENTS.iter().map(text)
    });
    texts.collect()
}

/// Some of the items are equal in all but the id.
pub(super) fn catalogue() -> Result<Catalogue> {
    let plain = plain();
    let strange = STRANGE.iter().map(|text| text.to_string());
    let twins = plain.iter().take(4).cloned().collect::<Vec<_>>();
    catalogue_of(plain.into_iter().chain(strange).chain(twins))
}

/// Fewer items, and others at the same positions.
pub(super) fn other_catalogue() -> Result<Catalogue> {
    let texts = ["Title: pine soap", "Title: rose oil", "Title: lily brush"];
    catalogue_of(texts.iter().map(|text| text.to_string()))
}

pub(super) fn catalogue_of(texts: impl IntoIterator<Item = String>) -> Result<Catalogue> {
    let item = |(position, text): (usize, String)| Item {
        id: format!("item {position}"),
        text,
        fields: vec![(position % 3 > 0).then(|| format!("brand {}", position % 5))],
    };
    let items = texts.into_iter().enumerate().map(item).collect();
    Catalogue::new(items, vec!["brand".to_string()])
}

/// Texts of items and others, short and very long.
pub(super) fn queries() -> Vec<QueryContent> {
    let own = [
        "rose soap",
        "Title: lily candle, 100 g",
        "LEMON",
        "nothing of this",
        "a",
        "the of and",
    ];
    let long = "rose ".repeat(5_000) + "soap";
    let all = own.iter().chain(&STRANGE).map(|text| text.to_string());
    all.chain([long]).map(QueryContent::Text).collect()
}

/// Users with histories of all lengths, from none to more than all items.
pub(super) fn data() -> Result<Data> {
    data_of(catalogue()?)
}

/// The same with items that have nothing strange about them.
pub(super) fn plain_data() -> Result<Data> {
    data_of(catalogue_of(plain())?)
}

fn data_of(catalogue: Catalogue) -> Result<Data> {
    let items = catalogue.len() as u32;
    let mut histories = Histories::new();
    let mut splits = Splits::default();
    for (user, length) in [0, 1, 2, 3, 5, 8, 13, 2 * items].into_iter().enumerate() {
        let user = user as u32;
        let event = |at: u32| {
            (
                (at * 7 + user * 3) % items,
                86_400_000 * i64::from(at / 2),
                rating(at),
            )
        };
        histories.push(format!("user {user} Ж"), (0..length).map(event));
        let example = |history| Example {
            user,
            history,
            targets: 1,
        };
        splits.test.extend(length.checked_sub(1).map(example));
        splits.train.extend(length.checked_sub(2).map(example));
    }
    // A training chooses its weights by the last of them.
    splits.validation.extend(splits.train.last());
    Ok(Data {
        catalogue,
        histories,
        splits,
        ..Data::default()
    })
}

fn rating(at: u32) -> f32 {
    match at % 3 {
        0 => f32::NAN,
        remainder => remainder as f32 + 3.0,
    }
}
