//! The fingerprint of this crate, for cache keys.

fn main() {
    gloss_fingerprint::emit();
}
