//! Plugin libraries: from a file to components.

use std::path::Path;

use gloss_core::{
    Difference, Entry, Error, Exported, Handshake, InputFile, Origin, Registry, Result, add_plugin,
    receive_log,
};
use libloading::Library;

/// The name of the static that [`export_plugin!`](gloss_core::export_plugin) exports.
const SYMBOL: &str = "GLOSS_PLUGIN";

/// Loads the plugin library `path`, so that [`Registry::known`] has its components. The library
/// stays for the life of the process.
///
/// # Errors
/// If it is no library, no plugin, built with another core or another compiler, panics, or has a
/// component of a name that is taken.
pub fn load_library(path: &Path) -> Result<()> {
    add_plugin(path, |path| {
        let file = InputFile::read(path)?;
        let handshake = open(path)?;
        check(path, handshake)?;
        let export = handshake.export;
        Ok(move |registry: &mut Registry| {
            for exported in export(&file, receive_log)? {
                registry.insert(entry(exported, &file)?)?;
            }
            Ok(())
        })
    })
}

/// The handshake of the library `path`, of which nothing has been called yet but what the system
/// itself runs on loading.
#[allow(unsafe_code, reason = "nothing else loads a library")]
fn open(path: &Path) -> Result<&'static Handshake> {
    let no_library = |error| {
        let message = format!(
            "is not a library that this system can load ({error}); a plugin is a program, or what \
             `cargo build` makes of a crate of the type `cdylib`"
        );
        Error::input(path, message)
    };
    // SAFETY: loading runs the library's initialisers, which those who named the file trust as
    // they trust gloss itself; there is no loading without.
    let library = unsafe { Library::new(path) }.map_err(no_library)?;
    // It is never unloaded: components, their code and their statics are in use until the end.
    let library: &'static Library = Box::leak(Box::new(library));
    // SAFETY: a static of this name is a `Handshake` or begins with other bytes than one; it is
    // plain bytes up to the function, which is not called before they have been compared. Statics
    // of a library that is never unloaded live for ever.
    let symbol = unsafe { library.get::<*const Handshake>(SYMBOL) };
    let no_plugin = |_| {
        let message = format!(
            "is a library, but not a plugin of gloss: it has no symbol {SYMBOL}; write \
             `gloss_core::export_plugin!();` below its `plugin!`"
        );
        Error::input(path, message)
    };
    let handshake = *symbol.map_err(no_plugin)?;
    // SAFETY: as above; any static of this name has more bytes than its first ones.
    if !Handshake::is_ours(unsafe { *handshake.cast() }) {
        let message = "has a handshake of another version of gloss; build it with the gloss-core \
                       of this one";
        return Err(Error::input(path, message));
    }
    // SAFETY: as above.
    Ok(unsafe { &*handshake })
}

/// Refuses a library that was not built as this program was.
fn check(path: &Path, there: &Handshake) -> Result<()> {
    let here = Handshake::new(|_, _| Ok(Vec::new()));
    let differences = here.differences(there);
    if differences.is_empty() {
        return Ok(());
    }
    let line = |difference: &Difference| format!("\n  {difference}");
    let differences: String = differences.iter().map(line).collect();
    let message = format!(
        "was built differently from this gloss and is not loaded:{differences}\nbuild the plugin \
         again with the compiler and the gloss-core of this gloss, or gloss with those of the plugin"
    );
    Err(Error::input(path, message))
}

fn entry(exported: Exported, file: &InputFile) -> Result<Entry> {
    let Exported {
        kind,
        name,
        package,
        version,
        schema,
        parse,
    } = exported;
    let origin = Origin {
        name: package,
        version,
        file: Some(file.path.clone()),
    };
    let schema = serde_json::from_str(&schema)
        .map_err(|error| Error::component(format!("{kind} `{name}` of {origin}"), error))?;
    let parse = move |options: serde_json::Value| parse(&options.to_string());
    Ok(Entry::new(kind, name, schema, origin, parse))
}
