//! The components of a library, in types that both sides share.

use super::log::Sink;
use crate::{AnyComponent, InputFile, Kind, Result};

/// Returns the components of a library, given its file and the sink of its log.
pub type Export = fn(&InputFile, Sink) -> Result<Vec<Exported>>;

/// Makes a component from options, as the text of a JSON object.
pub type Parse = dyn Fn(&str) -> Result<AnyComponent, String> + Send + Sync;

/// A component of a library.
pub struct Exported {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The name of its package.
    pub package: String,
    /// The version of its package.
    pub version: String,
    /// The JSON Schema of its options, as text.
    pub schema: String,
    /// Makes it from options.
    pub parse: Box<Parse>,
}
