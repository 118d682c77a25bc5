//! The experiments under `examples/` are sound.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::Path;

use common::Place;

#[test]
fn every_experiment_is_sound() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The other one is for the component that lies beside it.
        let own = path.file_name().is_some_and(|name| name == "overlap.toml");
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
            && !own
        {
            let ran = place.gloss(&["validate", path.to_str().unwrap()]);
            assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.stderr);
            checked += 1;
        }
    }
    assert!(checked > 5, "{checked}");
}
