//! CSV, JSON lines and Parquet: the first byte chooses format and file, the rest is the file.

#![no_main]

use gloss_fuzz::{load, write};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const CSV: [&[u8]; 2] = [
    b"user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,a,3\n",
    b"item_id,title\na,Doll\nb,Kite\n",
];
const LINES: [&[u8]; 2] = [
    b"{\"user_id\":\"u\",\"item_id\":\"a\",\"timestamp\":1}\n{\"user_id\":\"u\",\"item_id\":\"b\",\"timestamp\":2}\n",
    b"{\"item_id\":\"a\",\"title\":\"Doll\"}\n{\"item_id\":\"b\",\"title\":\"Kite\"}\n",
];

fuzz_target!(|input: &[u8]| {
    let Some((choice, content)) = input.split_first() else {
        return;
    };
    let (format, others) = match choice % 3 {
        0 => ("csv", CSV),
        1 => ("jsonl", LINES),
        _ => ("parquet", CSV),
    };
    let is_items = usize::from(choice / 3 % 2);
    let mut files = others;
    files[is_items] = content;
    let interactions = write("interactions", files[0]);
    let items = write("items", files[1]);
    load(
        format,
        json!({ "interactions": interactions, "items": items, "text": "Title: {title}" }),
    );
});
