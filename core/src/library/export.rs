//! The library's side: its components, guarded, in types that both sides know.

use super::guard::{Guard, guarded};
use super::log::{self, Sink};
use crate::{AnyComponent, Input, Kind, Registry, Result};

/// How a library gives its components: it is told of which file they are, and where its log goes.
pub(super) type Export = fn(&Input, Sink) -> Result<Vec<Exported>>;

/// From options, as the text of a JSON object, to a component.
pub(super) type Parse = dyn Fn(&str) -> Result<AnyComponent, String> + Send + Sync;

/// A component of a library.
pub struct Exported {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) package: String,
    pub(super) version: String,
    /// The JSON Schema of its options, as text.
    pub(super) schema: String,
    pub(super) parse: Box<Parse>,
}

/// The components that `register` registers, each in a guard that names `file`. From now on, the
/// library's log goes to `sink`.
///
/// # Errors
/// If two of them have one name, or `register` panics.
pub fn export(
    file: &Input,
    sink: Sink,
    register: fn(&mut Registry) -> Result<()>,
) -> Result<Vec<Exported>> {
    log::send_to(sink);
    let label = || format!("the plugin {}", file.path.display());
    guarded(label, || {
        let mut registry = Registry::new();
        register(&mut registry)?;
        let entries = registry.into_entries();
        Ok(entries.map(|entry| exported(entry, file)).collect())
    })
}

fn exported(entry: crate::Entry, file: &Input) -> Exported {
    let file = file.clone();
    Exported {
        kind: entry.kind,
        name: entry.name.clone(),
        package: entry.origin.name.clone(),
        version: entry.origin.version.clone(),
        schema: entry.schema.to_string(),
        parse: Box::new(move |options| {
            let label = || format!("{} `{}` of {}", entry.kind, entry.name, file.path.display());
            let parse = || {
                let options = serde_json::from_str(options).map_err(|error| error.to_string());
                let component = options.and_then(|options| entry.parse(options));
                Ok(component.and_then(|component| {
                    let guard = Guard::of(label(), file.clone(), component);
                    guard.map_err(|error| error.to_string())
                }))
            };
            guarded(label, parse).unwrap_or_else(|error| Err(error.to_string()))
        }),
    }
}

/// Makes a library of a crate whose components [`plugin!`](crate::plugin) declares in its root: one
/// that `gloss` loads at run time. The crate must be of the type `cdylib`.
///
/// ```ignore
/// gloss_core::plugin! { retriever "mine" => Mine }
/// gloss_core::export_plugin!();
/// ```
#[macro_export]
macro_rules! export_plugin {
    () => {
        /// What `gloss` reads before it calls anything of this library.
        #[allow(unsafe_code, reason = "no other crate has a symbol of this name")]
        #[unsafe(no_mangle)]
        pub static GLOSS_PLUGIN: $crate::Handshake =
            $crate::Handshake::new(|file, log| $crate::export(file, log, register));
    };
}
