//! Shared by programs of all four kinds.

use gloss_core::{Code, Component, Diagnostic, Error, Kind, Result, SplitOptions};
use gloss_schema::option_diagnostics;
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
    /// The key of the program's own options among them.
    pub(crate) own: &'static str,
    /// Options for histories and splits; for datasets.
    pub(crate) split: SplitOptions,
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
            let split = serde_json::to_value(&self.split);
            let split = split.map_err(|error| Error::Internal(error.to_string()))?;
            options.insert("split".into(), split);
        }
        Ok(Value::Object(options).to_string())
    }

    /// Returns the properties of the program.
    fn package(&self) -> (&str, &str) {
        let unknown = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        self.hello()
            .map_or(unknown, |hello| (&hello.name, &hello.version))
    }

    /// The program's files as they were when it got its options, and this crate, which talks to it.
    fn code(&self) -> Result<Code> {
        self.facts()?;
        let name = env!("CARGO_PKG_NAME");
        let mut code = Code::of_crate(name, option_env!("GLOSS_FINGERPRINT"));
        code.files = self.program.code().to_vec();
        Ok(code)
    }
}

impl External {
    /// Returns the properties of the program, which is started if it does not run.
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

    /// Returns the properties of the program with its options. It is started if it does not run.
    pub(crate) fn facts(&self) -> Result<&Facts> {
        self.program.configure(self.own_options()?)
    }

    pub(crate) fn batch_size(&self) -> Result<usize> {
        Ok(self.facts()?.batch_size.unwrap_or(BATCH_SIZE).max(1))
    }

    /// Everything that is wrong with the options by the program's own schema, or in its own eyes.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        let by_schema = || {
            let schema = &self.hello()?.options;
            option_diagnostics(schema, &Value::Object(self.own_options()?))
        };
        let below = |diagnostic: Diagnostic| Diagnostic {
            key: match (self.own, diagnostic.key.as_str()) {
                ("", key) => key.to_string(),
                (own, "") => own.to_string(),
                (own, key) => format!("{own}.{key}"),
            },
            ..diagnostic
        };
        let program = match self.own {
            "" => "",
            _ => "program",
        };
        match by_schema() {
            Err(error) => vec![Diagnostic::new(program, error.to_string())],
            Ok(diagnostics) if !diagnostics.is_empty() => {
                diagnostics.into_iter().map(below).collect()
            }
            Ok(_) => match self.facts() {
                Err(error) => vec![below(Diagnostic::new("", error.to_string()))],
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
