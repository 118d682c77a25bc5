//! Plugins in dynamic libraries: the library's side, and the handshake that both sides share.
//!
//! A library exports one static, [`Handshake`], by [`export_plugin!`](crate::export_plugin). It
//! states in plain bytes with which gloss-core and which compiler the library was built, and is read
//! before any function of the library is called; the library is refused unless both equal those of
//! the running program. Only types of this crate and of the standard library then cross between the
//! two, which both sides lay out alike; options cross as text. Other crates may therefore have
//! other versions on either side. Neither side may replace the global allocator.
//!
//! A panic must not cross. Every component of a library is therefore wrapped in a
//! [guard](mod@guard), compiled into the library, that catches panics on the library's side and
//! converts them into errors. Log events cross as text.

mod export;
mod exported;
mod guard;
mod handshake;
mod log;

pub use export::export;
pub use exported::{Export, Exported, Parse};
pub use handshake::{Difference, Handshake};
pub use log::{Sink, receive as receive_log};
