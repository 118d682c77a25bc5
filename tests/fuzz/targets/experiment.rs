//! Experiment files, and the check of everything that they name.

#![no_main]

use std::path::Path;

use gloss_engine::ExperimentConfig;
use gloss_fuzz::{check, registry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(
        ExperimentConfig::from_text(Path::new("experiment.toml"), text)
            .and_then(|config| config.resolve(registry())),
    );
});
