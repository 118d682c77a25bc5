//! The error type of all crates, and the diagnostics of a configuration.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The result of everything in gloss that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// All errors, with messages that state what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The experiment is not valid; all diagnostics together.
    #[error("{0}")]
    Config(Diagnostics),
    /// A file is not in the expected format.
    #[error("{}{}: {message}", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
    Input {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if the error is in one line.
        line: Option<u64>,
        /// The problem, the expectation, and the remedy.
        message: String,
    },
    /// The request cannot be carried out as it is.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused to read or write.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// A verb, as in "cannot *read* x".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A server or the network failed.
    #[error("{0}")]
    Network(String),
    /// An artefact on disk is damaged or was made from other inputs.
    #[error("{}: {message}", path.display())]
    Stale {
        /// The artefact.
        path: PathBuf,
        /// The problem, the expectation, and the remedy.
        message: String,
    },
    /// A component violated its contract: a bug in the component.
    #[error("{component}: {message}")]
    Component {
        /// The component, as `kind name`.
        component: String,
        /// The violation, and the requirement of the contract.
        message: String,
    },
    /// Ctrl-C or a termination signal.
    #[error("interrupted; finished work is kept, and the same command resumes it")]
    Interrupted,
    /// A bug in gloss.
    #[error("internal error: {0}; please report it")]
    Internal(String),
}

/// The cause of an error; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The user: a wrong name, a damaged file. Exit code 2.
    User,
    /// The machine: a full disk, a missing permission, no network. Exit code 3.
    Machine,
    /// The code of gloss or of a component. Exit code 70.
    Internal,
    /// An interruption. Exit code 130.
    Interrupted,
}

impl ErrorClass {
    /// The exit code of a process that ends with an error of this class.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorClass::User => 2,
            ErrorClass::Machine => 3,
            ErrorClass::Internal => 70,
            ErrorClass::Interrupted => 130,
        }
    }
}

impl Error {
    /// An [`Error::Input`] about a whole file.
    pub fn input(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Error::Input {
            path: path.into(),
            line: None,
            message: message.into(),
        }
    }

    /// An [`Error::Input`] about one line of a file, counted from 1.
    pub fn line(path: impl Into<PathBuf>, line: u64, message: impl Into<String>) -> Self {
        Error::Input {
            path: path.into(),
            line: Some(line),
            message: message.into(),
        }
    }

    /// Wraps a system error; made for `map_err`: `File::open(p).map_err(Error::io("open", p))`.
    pub fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    /// Wraps the error of a library that a component uses, which no input should cause.
    pub fn component(component: impl Into<String>, error: impl fmt::Display) -> Self {
        Error::Component {
            component: component.into(),
            message: error.to_string(),
        }
    }

    /// The cause.
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Config(_) | Error::Input { .. } | Error::Usage(_) | Error::Stale { .. } => {
                ErrorClass::User
            }
            Error::Io { source, .. }
                if matches!(
                    source.kind(),
                    ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
                ) =>
            {
                ErrorClass::User
            }
            Error::Io { .. } | Error::Network(_) => ErrorClass::Machine,
            Error::Component { .. } | Error::Internal(_) => ErrorClass::Internal,
            Error::Interrupted => ErrorClass::Interrupted,
        }
    }
}

/// The place where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file, at a line and a column counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// On the command line, as typed.
    Flag(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::File { path, line, column } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Location::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A problem of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The place where it was written; `None` for a setting that is missing.
    pub location: Option<Location>,
    /// The setting, as a dotted path: `retriever.k1`.
    pub key: String,
    /// The given value and the expectation.
    pub message: String,
    /// The nearest valid name, if one is near.
    pub nearest: Option<String>,
    /// All valid names, if the problem is an unknown name.
    pub available: Vec<String>,
}

impl Diagnostic {
    /// A problem of the setting `key` other than an unknown name.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Diagnostic {
            location: None,
            key: key.into(),
            message: message.into(),
            nearest: None,
            available: Vec::new(),
        }
    }

    /// An unknown name, with the nearest of those available.
    pub fn unknown<S: AsRef<str>>(
        key: impl Into<String>,
        message: impl Into<String>,
        given: &str,
        available: impl IntoIterator<Item = S>,
    ) -> Self {
        let available: Vec<String> = available
            .into_iter()
            .map(|s| s.as_ref().to_string())
            .collect();
        Diagnostic {
            nearest: nearest(given, &available),
            available,
            ..Diagnostic::new(key, message)
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        if !self.available.is_empty() {
            write!(f, " Available: {}.", self.available.join(", "))?;
        }
        Ok(())
    }
}

/// All diagnostics of one experiment, in the order of their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// `Ok` if there are none, else [`Error::Config`].
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Config(self))
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} errors in the experiment", many.len())?;
                many.iter()
                    .try_for_each(|diagnostic| write!(f, "\n  {diagnostic}"))
            }
        }
    }
}

/// Returns the name in `available` that is most similar to `given`, if any is similar enough.
pub fn nearest<S: AsRef<str>>(given: &str, available: &[S]) -> Option<String> {
    available
        .iter()
        .map(|name| (strsim::jaro_winkler(given, name.as_ref()), name.as_ref()))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_a_typing_error_and_refuses_a_stranger() {
        let names = ["bm25", "e5", "hybrid"];
        assert_eq!(nearest("bm52", &names).as_deref(), Some("bm25"));
        assert_eq!(nearest("zebra", &names), None);
    }

    #[test]
    fn a_missing_file_is_the_users_and_a_full_disk_the_machines() {
        let io = |kind| Error::io("write", "x")(std::io::Error::from(kind)).class();
        assert_eq!(io(std::io::ErrorKind::NotFound), ErrorClass::User);
        assert_eq!(io(std::io::ErrorKind::StorageFull), ErrorClass::Machine);
    }

    #[test]
    fn several_faults_are_listed_one_a_line() {
        let diagnostics = Diagnostics(vec![
            Diagnostic::new("a", "wrong"),
            Diagnostic::unknown("b.c", "unknown name `dd`", "dd", ["dda", "ff"]),
        ]);
        assert_eq!(
            diagnostics.to_string(),
            "2 errors in the experiment\n  a: wrong\n  b.c: unknown name `dd`; did you mean `dda`? Available: dda, ff."
        );
    }
}
