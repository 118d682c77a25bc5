//! The identity of a component: options, code and machine; part of the key of all that it makes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Code, Component, Error, Result};

/// Everything that a component's results depend on besides the data and files that it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The options as they take effect on this machine, as the text of a JSON object: `auto` is
    /// replaced by what it resolves to.
    pub options: String,
    /// The code.
    pub code: Code,
    /// Properties of the machine that the results depend on, such as the version of libtorch.
    pub machine: BTreeMap<String, String>,
}

impl Identity {
    /// The identity of a component whose options take effect as given and whose results do not
    /// depend on the machine.
    ///
    /// # Errors
    /// If the options cannot be written as JSON, or a file of code cannot be read.
    pub fn of<C: Component + ?Sized>(component: &C) -> Result<Self> {
        Ok(Identity {
            options: component.options()?,
            code: component.code()?,
            machine: BTreeMap::new(),
        })
    }

    /// The same identity with an option set to the value that it resolves to.
    ///
    /// # Errors
    /// If the options are not a JSON object.
    pub fn with_option(mut self, name: &str, value: Value) -> Result<Self> {
        let broken = |error| Error::Internal(format!("options of a component: {error}"));
        let mut options: Map<String, Value> =
            serde_json::from_str(&self.options).map_err(broken)?;
        options.insert(name.to_string(), value);
        self.options = Value::Object(options).to_string();
        Ok(self)
    }

    /// The same identity with properties of the machine added.
    pub fn with_machine(mut self, properties: BTreeMap<String, String>) -> Self {
        self.machine.extend(properties);
        self
    }
}
