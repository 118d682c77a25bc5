//! The manifest of a component's crate: what it depends on.

use std::path::Path;

use gloss_core::Kind;

use super::{Route, Skeleton};

impl Skeleton<'_> {
    /// The plugins that a program of its own has beside the component: what its experiment names,
    /// and what it is compared with.
    pub(super) fn plugins(&self) -> &'static [&'static str] {
        match (&self.route, self.kind) {
            (Route::Library | Route::Python, _) => &[],
            (Route::Crate, Kind::Retriever) => &["baselines", "lis", "metrics", "tabular"],
            (Route::Crate, _) => &["baselines", "bm25", "lis", "metrics", "tabular"],
        }
    }

    pub(super) fn manifest(&self) -> String {
        let name = self.name;
        let library = match self.route {
            Route::Library => "\n[lib]\ncrate-type = [\"cdylib\"]\n",
            _ => "",
        };
        let (command, build) = match self.route {
            Route::Library => (String::new(), String::new()),
            _ => (
                self.command(),
                format!("\n[build-dependencies]\n{}", dependency("fingerprint")),
            ),
        };
        let [core, engine] = ["core", "engine"].map(dependency);
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{library}\n\
             [dependencies]\n{core}schemars = \"1.2\"\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n{command}{build}\n\
             [dev-dependencies]\n{engine}\n\
             # Dependencies build sooner without debug information, checks of arithmetic and what the next\n\
             # build would reuse, and in few units of code.\n\
             [profile.dev.package.\"*\"]\ndebug = false\ndebug-assertions = false\nincremental = false\n\
             overflow-checks = false\ncodegen-units = 4\n\n\
             # A workspace of its own, wherever the folder is.\n[workspace]\n",
        )
    }

    /// The dependencies of the program.
    fn command(&self) -> String {
        let plugins = self.plugins().iter().map(|plugin| match *plugin {
            "tabular" => small_dependency(plugin), // Without Parquet.
            plugin => dependency(plugin),
        });
        format!(
            "# The command, and the plugins that src/main.rs names. For all others too, replace these by\n\
             # gloss = {{ {}, default-features = false }}; its feature `libtorch` has the models.\n{}{}",
            source(""),
            small_dependency("cli"),
            plugins.collect::<String>(),
        )
    }
}

/// The line of a manifest for a crate of gloss.
fn dependency(name: &str) -> String {
    format!("gloss-{name} = {{ {} }}\n", source(&folder(name)))
}

/// The same without what the crate can do without.
fn small_dependency(name: &str) -> String {
    format!(
        "gloss-{name} = {{ {}, default-features = false }}\n",
        source(&folder(name))
    )
}

/// The folder of a crate of gloss.
fn folder(name: &str) -> String {
    match name {
        "cli" | "core" => name.to_string(),
        "engine" | "fingerprint" => format!("core/{name}"),
        plugin => format!("plugins/{plugin}"),
    }
}

/// Returns where a crate of gloss is: in the source that this gloss was built from, if it is still
/// there, else by its version.
fn source(folder: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let path = root.unwrap_or(Path::new("")).join(folder);
    match path.join("Cargo.toml").is_file() {
        true => format!(
            "path = {:?}",
            path.display().to_string().trim_end_matches('/')
        ),
        false => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    }
}
