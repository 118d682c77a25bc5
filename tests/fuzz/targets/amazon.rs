//! The Amazon reviews data: the first byte chooses release and file, the rest is the file.

#![no_main]

use gloss_fuzz::{folder, load, write};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const REVIEWS: [&[u8]; 2] = [
    b"{\"reviewerID\":\"u\",\"asin\":\"a\",\"overall\":5.0,\"unixReviewTime\":1}\n{\"reviewerID\":\"u\",\"asin\":\"b\",\"overall\":5.0,\"unixReviewTime\":2}\n",
    b"{\"user_id\":\"u\",\"parent_asin\":\"a\",\"rating\":5.0,\"timestamp\":1}\n{\"user_id\":\"u\",\"parent_asin\":\"b\",\"rating\":5.0,\"timestamp\":2}\n",
];
const ITEMS: [&[u8]; 2] = [
    b"{'asin': 'a', 'title': 'Doll'}\n{'asin': 'b', 'title': 'Kite'}\n",
    b"{\"parent_asin\":\"a\",\"asin\":\"a\",\"title\":\"Doll\"}\n{\"parent_asin\":\"b\",\"asin\":\"b\",\"title\":\"Kite\"}\n",
];

fuzz_target!(|input: &[u8]| {
    let Some((choice, content)) = input.split_first() else {
        return;
    };
    let (layout, newest, reviews, items) = match choice % 3 {
        0 => ("2014", 0, "reviews_Toys_5.json", "meta_Toys.json"),
        1 => ("2018", 0, "Toys_5.json", "meta_Toys.json"),
        _ => ("2023", 1, "Toys.jsonl", "meta_Toys.jsonl"),
    };
    let (mut first, mut second) = (REVIEWS[newest], ITEMS[newest]);
    match choice / 3 % 2 {
        0 => first = content,
        _ => second = content,
    }
    write(reviews, first);
    write(items, second);
    load(
        "amazon",
        json!({
            "category": "Toys", "layout": layout, "folder": folder(), "fields": ["brand"],
        }),
    );
});
