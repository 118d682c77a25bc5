//! The handshake: how a library was built.

use std::fmt;

use super::exported::Export;

/// Marks a library as a plugin of gloss; the number changes with the layout of [`Handshake`].
const MAGIC: [u8; 16] = *b"gloss plugin   1";

/// The static that a plugin library exports: how it was built, in plain bytes, and the function that
/// returns its components.
#[repr(C)]
pub struct Handshake {
    magic: [u8; 16],
    core: [u8; 32],
    compiler: [u8; 128],
    build: [u8; 128],
    /// Returns the components.
    pub export: Export,
}

impl Handshake {
    /// The handshake of the program or library that this is compiled into.
    pub const fn new(export: Export) -> Self {
        const PANIC: &str = if cfg!(panic = "unwind") {
            "unwind"
        } else {
            "abort"
        };
        let build = [
            "source ",
            env!("GLOSS_SOURCE"),
            ", panic ",
            PANIC,
            env!("GLOSS_LAYOUT"),
        ];
        Handshake {
            magic: MAGIC,
            core: bytes(&[env!("CARGO_PKG_VERSION")]),
            compiler: bytes(&[env!("GLOSS_COMPILER")]),
            build: bytes(&build),
            export,
        }
    }

    /// Returns `true` if these first bytes are those of a handshake.
    pub fn is_ours(magic: [u8; 16]) -> bool {
        magic == MAGIC
    }

    /// The fields that differ from those of `other`.
    pub fn differences(&self, other: &Handshake) -> Vec<Difference> {
        let sides: [(&'static str, &[u8], &[u8]); 3] = [
            ("gloss-core", &self.core, &other.core),
            ("compiler", &self.compiler, &other.compiler),
            ("build of gloss-core", &self.build, &other.build),
        ];
        let differ = sides.into_iter().filter(|(_, here, there)| here != there);
        differ
            .map(|(what, here, there)| Difference {
                what,
                here: text(here),
                there: text(there),
            })
            .collect()
    }
}

/// A difference between how a program and a library were built.
pub struct Difference {
    what: &'static str,
    here: String,
    there: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} here, {} there", self.what, self.here, self.there)
    }
}

/// Returns the concatenated texts, cut off at `N` bytes and padded with zeros.
const fn bytes<const N: usize>(texts: &[&str]) -> [u8; N] {
    let mut all = [0; N];
    let (mut length, mut index) = (0, 0);
    while index < texts.len() {
        let text = texts[index].as_bytes();
        let mut at = 0;
        while at < text.len() && length < N {
            all[length] = text[at];
            length += 1;
            at += 1;
        }
        index += 1;
    }
    all
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake() -> Handshake {
        Handshake::new(|_, _| Ok(Vec::new()))
    }

    #[test]
    fn an_equal_build_has_no_difference_and_another_compiler_is_told() {
        let here = handshake();
        assert!(Handshake::is_ours(here.magic) && here.differences(&handshake()).is_empty());
        let mut there = handshake();
        there.compiler = bytes(&["rustc 1.0.0"]);
        let told: Vec<String> = here
            .differences(&there)
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = format!(
            "compiler: {} here, rustc 1.0.0 there",
            env!("GLOSS_COMPILER")
        );
        assert_eq!(told, [expected]);
    }

    #[test]
    fn long_texts_are_cut_off() {
        assert_eq!(bytes::<4>(&["ab", "cde"]), *b"abcd");
        assert_eq!(text(&bytes::<4>(&["ab"])), "ab");
    }
}
