//! What programs of all four kinds have in common.

use gloss_core::{Component, Error, Fault, Input, Kind, Protocol, Result, option_faults};
use serde_json::{Map, Value};

use crate::program::Program;
use crate::protocol::{Facts, Hello};

/// The calls' batches, if the program does not say.
const BATCH_SIZE: usize = 256;

/// A component that is a program.
#[derive(Debug)]
pub(crate) struct External {
    pub(crate) kind: Kind,
    /// The name in the registry: `command`, or the program's own.
    pub(crate) name: String,
    /// All options as they are typed, which for `command` are more than the program's own.
    pub(crate) typed: Map<String, Value>,
    /// Where the program's own options are among them.
    pub(crate) own: &'static str,
    /// How interactions become histories and splits; for data sets.
    pub(crate) protocol: Protocol,
    pub(crate) program: Program,
}

impl Component for External {
    fn name(&self) -> &str {
        &self.name
    }

    fn options(&self) -> Result<String> {
        let mut options = self.typed.clone();
        let own = Value::Object(self.own_options()?);
        match (self.own, own) {
            ("", Value::Object(own)) => options.extend(own),
            (key, own) => drop(options.insert(key.to_string(), own)),
        }
        if self.kind == Kind::Dataset {
            let protocol = serde_json::to_value(&self.protocol);
            let protocol = protocol.map_err(|error| Error::Internal(error.to_string()))?;
            options.insert("protocol".into(), protocol);
        }
        Ok(Value::Object(options).to_string())
    }

    /// What the program says of itself.
    fn package(&self) -> (&str, &str) {
        let unknown = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        self.hello()
            .map_or(unknown, |hello| (&hello.name, &hello.version))
    }

    /// As it was when the program was told its options.
    fn code(&self) -> Result<Vec<Input>> {
        self.facts()?;
        Ok(self.program.code().to_vec())
    }
}

impl External {
    /// What the program says of itself. It is started if it does not run.
    pub(crate) fn hello(&self) -> Result<&Hello> {
        let hello = self.program.hello()?;
        let kind = Kind::from(hello.kind);
        if kind == self.kind {
            return Ok(hello);
        }
        Err(Error::Usage(format!(
            "{} is the {kind} `{}`, not a {}",
            self.program.label(),
            hello.name,
            self.kind
        )))
    }

    /// What the program says of itself with its options. It is started if it does not run.
    pub(crate) fn facts(&self) -> Result<&Facts> {
        self.program.configure(self.own_options()?)
    }

    pub(crate) fn batch_size(&self) -> Result<usize> {
        Ok(self.facts()?.batch_size.unwrap_or(BATCH_SIZE).max(1))
    }

    /// Everything that is wrong with the options by the program's own schema, or in its own eyes.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let by_schema = || {
            let schema = &self.hello()?.options;
            option_faults(schema, &Value::Object(self.own_options()?))
        };
        let below = |fault: Fault| Fault {
            key: match (self.own, fault.key.as_str()) {
                ("", key) => key.to_string(),
                (own, "") => own.to_string(),
                (own, key) => format!("{own}.{key}"),
            },
            ..fault
        };
        let program = match self.own {
            "" => "",
            _ => "program",
        };
        match by_schema() {
            Err(error) => vec![Fault::new(program, error.to_string())],
            Ok(faults) if !faults.is_empty() => faults.into_iter().map(below).collect(),
            Ok(_) => match self.facts() {
                Err(error) => vec![below(Fault::new("", error.to_string()))],
                Ok(_) => Vec::new(),
            },
        }
    }

    /// The program's own options, with the defaults of its schema where nothing was typed.
    fn own_options(&self) -> Result<Map<String, Value>> {
        let typed = match self.own {
            "" => Some(&self.typed),
            key => self.typed.get(key).and_then(Value::as_object),
        };
        let mut options = Map::new();
        let properties = self.hello()?.options["properties"].as_object();
        for (name, property) in properties.into_iter().flatten() {
            if let Some(default) = property.get("default") {
                options.insert(name.clone(), default.clone());
            }
        }
        options.extend(typed.cloned().unwrap_or_default());
        Ok(options)
    }
}
