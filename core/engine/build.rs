//! Fingerprints of the stages' code.

fn main() {
    gloss_fingerprint::emit_modules(&[
        "stage",
        "stages::prepare",
        "stages::train",
        "stages::generate",
        "stages::index",
        "stages::retrieve",
    ]);
}
