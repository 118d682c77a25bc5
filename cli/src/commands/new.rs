//! `gloss new`: creates a component.

mod manifest;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gloss_core::{Error, Kind, Registry};
use gloss_engine::OutputFolder;
use serde_json::json;

use crate::args::New;
use crate::session::Session;

/// Names that would be mistaken for something else.
const TAKEN: [&str; 11] = [
    "alloc",
    "core",
    "gloss",
    "gloss-core",
    "gloss-engine",
    "gloss-fingerprint",
    "proc-macro",
    "schemars",
    "serde",
    "std",
    "test",
];

/// The placeholder of the component's name in the templates.
const NAME: &str = "skeleton";
const TYPE: &str = "Skeleton";

/// The files of a skeleton: their paths and what is in them.
type Files = Vec<(String, String)>;

pub(crate) fn execute(args: &New, session: &Session) -> Result<()> {
    check_name(args)?;
    let folder = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(&args.name));
    let output = OutputFolder::new(&folder)?;
    if !output.entries().is_empty() {
        let message = format!(
            "the folder {} is not empty, and is left as it is",
            folder.display()
        );
        return Err(Error::Usage(message).into());
    }
    let skeleton = Skeleton::new(args);
    write(output.begin()?, &skeleton.files())?;
    output.finish()?;
    let value = json!({ "folder": folder, "commands": skeleton.commands() });
    session.output.show(&value, |_, _| {
        let commands = skeleton.commands().join("\n  ");
        format!(
            "{} is in {}. Next:\n\n  cd {}\n  {commands}",
            skeleton.what(),
            folder.display(),
            folder.display()
        )
    })
}

/// Refuses names that no crate or no component can have.
fn check_name(args: &New) -> Result<()> {
    let name = args.name.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    if !fits || TAKEN.contains(&name) {
        let message = format!(
            "`{name}` cannot be the name: expected small letters, digits, `-` and `_`, a letter \
             first, and none of {}",
            TAKEN.join(", ")
        );
        return Err(Error::Usage(message).into());
    }
    match Registry::known()?.get(args.kind, name, "") {
        Ok(known) => Err(Error::Usage(format!(
            "there is a {} `{name}` already, in {}; choose another name",
            args.kind, known.origin
        ))
        .into()),
        Err(_) => Ok(()),
    }
}

/// A component to create.
struct Skeleton<'a> {
    kind: Kind,
    name: &'a str,
    route: Route,
}

enum Route {
    Crate,
    Library,
    Python,
}

impl<'a> Skeleton<'a> {
    fn new(args: &'a New) -> Self {
        let route = match (args.dylib, args.python) {
            (_, true) => Route::Python,
            (true, _) => Route::Library,
            _ => Route::Crate,
        };
        Skeleton {
            kind: args.kind,
            name: &args.name,
            route,
        }
    }

    fn what(&self) -> String {
        let route = match self.route {
            Route::Crate => "a crate that is compiled in",
            Route::Library => "a library that is loaded at run time",
            Route::Python => "a program in Python",
        };
        format!("the {} `{}`, {route},", self.kind, self.name)
    }

    /// The name as a crate has it in code.
    fn identifier(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The name as a type has it.
    fn type_name(&self) -> String {
        let words = self.name.split(['-', '_']).filter(|word| !word.is_empty());
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        words.map(capital).collect()
    }

    /// A template with the component's name in it.
    fn fill(&self, template: &str) -> String {
        let crate_name = self.identifier();
        template
            .replace("skeleton_crate", &crate_name)
            .replace(TYPE, &self.type_name())
            .replace(NAME, self.name)
    }

    /// The file that the component is in, once it is built; none if it is compiled in.
    fn plugin(&self) -> Option<String> {
        let name = self.identifier();
        match self.route {
            Route::Crate => None,
            Route::Library => Some(format!("target/debug/{DLL_PREFIX}{name}{DLL_SUFFIX}")),
            Route::Python => Some(format!("{name}_{}.py", self.kind)),
        }
    }

    /// Returns the next commands to type in the folder.
    fn commands(&self) -> Vec<String> {
        let plugin = self.plugin().unwrap_or_default();
        let name = self.name;
        match self.route {
            Route::Crate => vec![
                "cargo test".to_string(),
                format!("cargo run -- check {name}"),
                "cargo run -- run experiment.toml".to_string(),
            ],
            Route::Library => vec![
                "cargo test".to_string(),
                "cargo build".to_string(),
                format!("gloss check {plugin}"),
                "gloss run experiment.toml".to_string(),
            ],
            Route::Python => vec![
                format!("gloss check {plugin}"),
                "gloss run experiment.toml".to_string(),
            ],
        }
    }

    fn files(&self) -> Files {
        let mut files: Files = vec![
            ("README.md".into(), self.readme()),
            ("experiment.toml".into(), self.experiment()),
            (
                "items.csv".into(),
                include_str!("../../templates/data/items.csv").into(),
            ),
            (
                "purchases.csv".into(),
                include_str!("../../templates/data/purchases.csv").into(),
            ),
        ];
        if let (Route::Python, Some(plugin)) = (&self.route, self.plugin()) {
            files.push((plugin, self.fill(python(self.kind))));
            files.push((
                "gloss.py".into(),
                include_str!("../../../examples/python/gloss.py").into(),
            ));
            return files;
        }
        files.push(("Cargo.toml".into(), self.manifest()));
        files.push((".gitignore".into(), "/target\n/runs\n/.gloss\n".into()));
        files.push(("src/lib.rs".into(), self.library()));
        if let Route::Crate = self.route {
            files.push(("src/main.rs".into(), self.program()));
            let build = include_str!("../../templates/rust/build.rs");
            files.push(("build.rs".into(), build.into()));
            let test = include_str!("../../templates/rust/command.rs");
            files.push(("tests/command.rs".into(), self.fill(test)));
        }
        files
    }

    fn library(&self) -> String {
        let declared = match self.route {
            Route::Library => "\nexport_plugin!();\n",
            _ => "",
        };
        let component = self.fill(rust(self.kind));
        let (kind, name, type_name) = (self.kind, self.name, self.type_name());
        let test = include_str!("../../templates/rust/test.rs");
        format!("{component}\nplugin! {{ {kind} \"{name}\" => {type_name} }}\n{declared}{test}")
    }

    fn program(&self) -> String {
        let named = self
            .plugins()
            .iter()
            .map(|plugin| format!("use gloss_{plugin} as _;\n"));
        let template = include_str!("../../templates/rust/main.rs");
        self.fill(&template.replace("use plugins as _;\n", &named.collect::<String>()))
    }

    fn experiment(&self) -> String {
        let name = self.name;
        let plugins = self
            .plugin()
            .map(|plugin| format!("plugins = [\"{plugin}\"]\n"));
        let csv = "{ type = \"csv\", interactions = \"purchases.csv\", items = \"items.csv\", \
                   text = \"Title: {title}\" }";
        let (metric, dataset, methods) = match self.kind {
            Kind::Metric => (
                format!(", \"{name}\""),
                csv,
                self.methods("retriever = \"bm25\""),
            ),
            Kind::Dataset => (String::new(), "", self.methods("retriever = \"bm25\"")),
            Kind::Retriever => (
                String::new(),
                csv,
                self.methods(&match self.route {
                    // Not bm25: tantivy is slow to build.
                    Route::Crate => format!(
                        "generator = \"popular\"\nretriever = \"none\"\n\n[[method]]\nretriever = \"{name}\""
                    ),
                    _ => format!("retriever = \"bm25\"\n\n[[method]]\nretriever = \"{name}\""),
                }),
            ),
            Kind::Generator => (
                String::new(),
                csv,
                format!(
                    "retriever = \"bm25\"\n\n[[method]]\ngenerator = \"lis\"\n\n[[method]]\n\
                     generator = \"{name}\"\n"
                ),
            ),
        };
        let dataset = match dataset {
            "" => format!("\"{name}\""),
            dataset => dataset.to_string(),
        };
        let plugins = plugins.unwrap_or_default();
        let metrics = format!("metrics = [\"recall@5\", \"mrr\"{metric}]");
        format!("{plugins}{metrics}\ndataset = {dataset}\n{methods}")
    }

    /// Last Item Search with the retrievers of `methods`.
    fn methods(&self, methods: &str) -> String {
        format!("generator = \"lis\"\n\n[ranking]\nseen = \"exclude\"\n\n[[method]]\n{methods}\n")
    }

    fn readme(&self) -> String {
        let what = self.what();
        let faster = match self.route {
            Route::Python => "",
            _ => " For a faster build add `--release`.",
        };
        format!(
            "# {}\n\nThis is {} created by `gloss new`. In this folder:\n\n```sh\n{}\n```\n\n\
             `check` runs the conformance tests, and `run` runs the experiment `experiment.toml` on the \
             small data in this folder.{faster}\n",
            self.name,
            what,
            self.commands().join("\n"),
        )
    }
}

fn rust(kind: Kind) -> &'static str {
    match kind {
        Kind::Dataset => include_str!("../../templates/rust/dataset.rs"),
        Kind::Generator => include_str!("../../templates/rust/generator.rs"),
        Kind::Retriever => include_str!("../../templates/rust/retriever.rs"),
        Kind::Metric => include_str!("../../templates/rust/metric.rs"),
    }
}

fn python(kind: Kind) -> &'static str {
    match kind {
        Kind::Dataset => include_str!("../../templates/python/dataset.py"),
        Kind::Generator => include_str!("../../templates/python/generator.py"),
        Kind::Retriever => include_str!("../../templates/python/retriever.py"),
        Kind::Metric => include_str!("../../templates/python/metric.py"),
    }
}

fn write(folder: &Path, files: &Files) -> gloss_core::Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        let around = path.parent().unwrap_or(folder);
        fs::create_dir_all(around).map_err(Error::io("make the folder", around))?;
        fs::write(&path, text).map_err(Error::io("write", &path))?;
        if text.starts_with("#!") {
            make_executable(&path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> gloss_core::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path, mode).map_err(Error::io("make executable", path))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> gloss_core::Result<()> {
    Ok(())
}
