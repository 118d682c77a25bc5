//! The components of a library, guarded.

use super::exported::Exported;
use super::guard::{Guard, guarded};
use super::log::{self, Sink};
use crate::{InputFile, Registry, Result};

/// Returns the components that `register` registers, each in a guard that names `file`, and sends
/// the library's log to `sink` from now on.
///
/// # Errors
/// If two of them have the same name, or `register` panics.
pub fn export(
    file: &InputFile,
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

fn exported(entry: crate::Entry, file: &InputFile) -> Exported {
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

/// Turns a crate whose root declares components by [`plugin!`](crate::plugin) into a library that
/// `gloss` loads at run time. The crate type must be `cdylib`.
///
/// ```ignore
/// gloss_core::plugin! { retriever "mine" => Mine }
/// gloss_core::export_plugin!();
/// ```
#[macro_export]
macro_rules! export_plugin {
    () => {
        /// The handshake, which `gloss` reads before it calls this library.
        #[allow(unsafe_code, reason = "no other crate has a symbol of this name")]
        #[unsafe(no_mangle)]
        pub static GLOSS_PLUGIN: $crate::Handshake =
            $crate::Handshake::new(|file, log| $crate::export(file, log, register));
    };
}
