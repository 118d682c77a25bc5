//! gloss
fn main() {}
