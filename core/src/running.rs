//! The program that gloss runs in.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{Error, Result};

/// The program that gloss runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningProgram {
    /// The file with the code of gloss: the program itself, or a library of it.
    pub file: PathBuf,
    /// The command line that starts the command `gloss`, without its arguments.
    pub command: Vec<String>,
}

static EMBEDDED: OnceLock<RunningProgram> = OnceLock::new();

impl RunningProgram {
    /// Names the program where gloss is a library of another one, such as Python. The first call counts.
    pub fn set(self) {
        let _ = EMBEDDED.set(self);
    }

    /// The program that was named, or else the one that this process executes.
    ///
    /// # Errors
    /// If the system does not name the file of this process.
    pub fn get() -> Result<Self> {
        if let Some(embedded) = EMBEDDED.get() {
            return Ok(embedded.clone());
        }
        let file = env::current_exe().map_err(Error::io("find", "this program"))?;
        Ok(RunningProgram {
            command: vec![file.display().to_string()],
            file,
        })
    }
}
