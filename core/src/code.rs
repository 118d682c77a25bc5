//! The code that a component consists of.

use std::collections::BTreeMap;

use crate::InputFile;

/// The code of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// Each crate with its fingerprint, which `gloss_fingerprint::emit()` makes in the crate's
    /// build script. `None` for a crate without such a build script; the hash of the whole program
    /// takes its place in keys.
    pub crates: BTreeMap<String, Option<String>>,
    /// Files of code that is not compiled into the program: a plugin library, a program.
    pub files: Vec<InputFile>,
}

impl Code {
    /// The code of one crate.
    pub fn of_crate(name: &str, fingerprint: Option<&str>) -> Self {
        let fingerprint = fingerprint.map(str::to_string);
        Code {
            crates: BTreeMap::from([(name.to_string(), fingerprint)]),
            files: Vec::new(),
        }
    }

    /// Adds the code of another component.
    pub fn merge(&mut self, other: Code) {
        self.crates.extend(other.crates);
        for file in other.files {
            if !self.files.contains(&file) {
                self.files.push(file);
            }
        }
    }
}
