//! Registration of programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{
    AnyComponent, Entry, Error, Kind, Origin, Plugin, Registry, Result, SplitOptions, add_plugin,
    replace_components, schema_of,
};
use serde_json::{Map, Value};

use crate::config::Command;
use crate::external::External;
use crate::peer::Factory;
use crate::program::Program;
use crate::protocol::Hello;

/// Registers `command`, for all four kinds.
///
/// # Errors
/// If a name is taken.
pub fn register(registry: &mut Registry) -> Result<()> {
    let origin = Origin {
        name: env!("CARGO_PKG_NAME").to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        file: None,
    };
    for kind in Kind::ALL {
        let schema = with_split(kind, schema_of::<Command>());
        let parse = move |options| command(kind, options);
        registry.insert(Entry::new(kind, "command", schema, origin.clone(), parse))?;
    }
    Ok(())
}

inventory::submit! {
    Plugin {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        register,
    }
}

/// Starts the program `path` and asks it what it is, so that [`Registry::known`] has its component,
/// by its own name and with its own options.
///
/// # Errors
/// If it does not start or speak the protocol, or its component's name is taken.
pub fn load_program(path: &Path) -> Result<()> {
    add_plugin(path, |path| {
        let file = path.to_str().map(str::to_string);
        let file = file.ok_or_else(|| Error::input(path, "has a name that is not UTF-8"))?;
        let program = Program::new(Command::new(vec![file.clone()], Map::new()), None);
        let hello = program.hello()?.clone();
        program.hand_over();
        let kind = Kind::from(hello.kind);
        let make = move || {
            let command = Command::new(vec![file.clone()], Map::new());
            Program::new(command, Some(kind))
        };
        Ok(registration(hello, Some(path.to_path_buf()), make))
    })
}

/// Adds the component that `factory` makes, which answers inside this process, to
/// [`Registry::known`]. One that was added before by the same name is replaced.
///
/// # Errors
/// If it does not speak the protocol, or its name is that of another component.
pub fn load_inside(factory: &Factory) -> Result<Hello> {
    let hello = Program::inside(factory.clone()).hello()?.clone();
    let key = format!("{} {}", Kind::from(hello.kind), hello.name);
    let factory = factory.clone();
    let make = move || Program::inside(factory.clone());
    replace_components(&key, registration(hello.clone(), None, make))?;
    Ok(hello)
}

/// Registers a component by the name that its program gives itself.
fn registration(
    hello: Hello,
    file: Option<PathBuf>,
    make: impl Fn() -> Program + Clone + Send + Sync + 'static,
) -> impl Fn(&mut Registry) -> Result<()> {
    let kind = Kind::from(hello.kind);
    let origin = Origin {
        name: hello.name.clone(),
        version: hello.version,
        file,
    };
    let schema = with_split(kind, hello.options);
    let name = hello.name;
    move |registry: &mut Registry| {
        let (named, make) = (name.clone(), make.clone());
        let parse = move |options| own_name(kind, &named, make(), options);
        let schema = schema.clone();
        registry.insert(Entry::new(kind, &name, schema, origin.clone(), parse))
    }
}

/// A component `command`, which names its program in its options.
fn command(kind: Kind, options: Value) -> Result<AnyComponent, String> {
    let (split, options) = without_split(kind, options)?;
    let text = |error: serde_json::Error| error.to_string();
    let command: Command = serde_json::from_value(options).map_err(text)?;
    let typed = match serde_json::to_value(&command).map_err(text)? {
        Value::Object(typed) => typed,
        _ => Map::new(),
    };
    Ok(component(External {
        kind,
        name: "command".to_string(),
        typed,
        own: "options",
        split,
        program: Program::new(command, Some(kind)),
    }))
}

/// A component by the name that its program gives itself.
fn own_name(
    kind: Kind,
    name: &str,
    program: Program,
    options: Value,
) -> Result<AnyComponent, String> {
    let (split, options) = without_split(kind, options)?;
    let Value::Object(typed) = options else {
        return Err("the options are not a table".to_string());
    };
    Ok(component(External {
        kind,
        name: name.to_string(),
        typed,
        own: "",
        split,
        program,
    }))
}

fn component(external: External) -> AnyComponent {
    match external.kind {
        Kind::Dataset => AnyComponent::Dataset(Arc::new(external)),
        Kind::Generator => AnyComponent::Generator(Arc::new(external)),
        Kind::Retriever => AnyComponent::Retriever(Arc::new(external)),
        Kind::Metric => AnyComponent::Metric(Arc::new(external)),
    }
}

/// A dataset's options have, besides the program's, the options of the split of what it
/// reads.
fn with_split(kind: Kind, mut schema: Value) -> Value {
    if kind == Kind::Dataset {
        let mut split = schema_of::<SplitOptions>();
        let default = serde_json::to_value(SplitOptions::default());
        split["default"] = default.unwrap_or_default();
        schema["properties"]["split"] = split;
    }
    schema
}

fn without_split(kind: Kind, mut options: Value) -> Result<(SplitOptions, Value), String> {
    let given = match (kind, &mut options) {
        (Kind::Dataset, Value::Object(options)) => options.shift_remove("split"),
        _ => None,
    };
    let split = given.map(serde_json::from_value).transpose();
    let split = split.map_err(|error| format!("split: {error}"))?;
    Ok((split.unwrap_or_default(), options))
}
