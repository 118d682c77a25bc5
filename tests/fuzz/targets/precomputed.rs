//! Files of queries that were generated before.

#![no_main]

use gloss_core::{AnyComponent, Context, Data, Kind};
use gloss_fuzz::{check, registry, write};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|content: &[u8]| {
    let path = write("queries.json", content);
    let entry = registry()
        .get(Kind::Generator, "precomputed", "")
        .expect("it is compiled in");
    let parsed = entry.parse(json!({ "file": path }));
    let Ok(AnyComponent::Generator(generator)) = parsed else {
        panic!("the options are right");
    };
    let data = Data::of_histories(3, &[vec![0, 1]]).expect("three items");
    let open = || {
        let context = Context::default();
        let mut opened = generator.open(&data, &context)?;
        opened.generate(&[data.histories.history(0)])
    };
    check(open());
});
