//! Plugins in dynamic libraries.
//!
//! A library exports one static, [`Handshake`], by [`export_plugin!`](crate::export_plugin). It
//! says in plain bytes with which core and which compiler the library was built, and is read before
//! anything of the library is called; the library is refused unless both are those of the running
//! program. What then crosses between the two are types of core and of the standard library
//! alone, which both sides lay out alike; options cross as text. Other crates may therefore have
//! other versions on either side. Neither side may replace the global allocator.
//!
//! A panic cannot cross. Every component of a library is therefore handed over in a
//! [guard](mod@guard), made by the library's own copy of core, that catches panics on the
//! library's side and makes errors of them that name it. Its log is handed over as text.

mod export;
mod guard;
mod handshake;
mod load;
mod log;

pub use export::{Exported, export};
pub use handshake::Handshake;
pub use load::load_library;
