//! Libraries of other languages that plugins bring.

use serde_json::{Map, Value};

/// A library of another language that a plugin brings, such as libtorch, as `gloss doctor` shows it.
///
/// ```
/// use gloss_core::NativeLibrary;
///
/// gloss_core::inventory::submit! {
///     NativeLibrary {
///         name: "libdense",
///         report: || {
///             let version = "2.1".into();
///             [("version".to_string(), version)].into_iter().collect()
///         },
///     }
/// }
/// # assert!(NativeLibrary::all().any(|library| library.name == "libdense"));
/// ```
pub struct NativeLibrary {
    /// The name, such as `libtorch`.
    pub name: &'static str,
    /// Looks at the library, and returns its properties by name, such as `version` and `folder`.
    pub report: fn() -> Map<String, Value>,
}

inventory::collect!(NativeLibrary);

impl NativeLibrary {
    /// The libraries of the plugins that are compiled in, by name.
    pub fn all() -> impl Iterator<Item = &'static NativeLibrary> {
        let mut all: Vec<_> = inventory::iter::<NativeLibrary>.into_iter().collect();
        all.sort_by_key(|library| library.name);
        all.into_iter()
    }
}
