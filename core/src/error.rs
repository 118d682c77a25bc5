//! The one error type of the libraries, and the faults of a configuration.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The result of everything in gloss that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, in words for the person who has to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The experiment is not valid; all of its faults together.
    #[error("{0}")]
    Config(Faults),
    /// A file holds something other than what was expected of it.
    #[error("{}{}: {message}", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
    Input {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where one is to blame.
        line: Option<u64>,
        /// What was found, what was expected, and what to do.
        message: String,
    },
    /// What was asked for cannot be done as asked.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused to read or write.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: a verb, as in "cannot *read* x".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own answer.
        source: std::io::Error,
    },
    /// A server or the network did not deliver.
    #[error("{0}")]
    Network(String),
    /// An artefact on disk was not made from what is at hand now.
    #[error("{}: {message}", path.display())]
    Stale {
        /// The artefact.
        path: PathBuf,
        /// What it was made from, what was expected, and what to do.
        message: String,
    },
    /// A component broke its contract: the fault is in its code.
    #[error("{component}: {message}")]
    Component {
        /// The component, as `kind name`.
        component: String,
        /// What it did, and what the contract asks for.
        message: String,
    },
    /// The person pressed Ctrl-C, or the process was asked to end.
    #[error("interrupted; what was finished is kept, and the same command goes on from there")]
    Interrupted,
    /// A fault in gloss itself.
    #[error("internal fault: {0}; please report it")]
    Internal(String),
}

/// Who has to act on an error; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The person: a wrong name, a broken file. Exit code 2.
    User,
    /// The machine: a full disk, a missing permission, no network. Exit code 3.
    Machine,
    /// The code of gloss or of a component. Exit code 70.
    Internal,
    /// Nobody: it was interrupted. Exit code 130.
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

    /// Wraps the error of a library that a component works with, which no input should cause.
    pub fn component(component: impl Into<String>, error: impl fmt::Display) -> Self {
        Error::Component {
            component: component.into(),
            message: error.to_string(),
        }
    }

    /// Who has to act.
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

/// Where a setting was written.
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

/// One thing that is wrong with an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it was written; none for something that is missing altogether.
    pub location: Option<Location>,
    /// The setting, as a dotted path: `retriever.k1`.
    pub key: String,
    /// What was given and what was expected.
    pub message: String,
    /// The nearest valid name, if one is near.
    pub nearest: Option<String>,
    /// All valid names, if the fault is a name.
    pub available: Vec<String>,
}

impl Fault {
    /// A fault of the setting `key` that is not about a name.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Fault {
            location: None,
            key: key.into(),
            message: message.into(),
            nearest: None,
            available: Vec::new(),
        }
    }

    /// A fault of a name that is not one of `available`; finds the nearest.
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
        Fault {
            nearest: nearest(given, &available),
            available,
            ..Fault::new(key, message)
        }
    }
}

impl fmt::Display for Fault {
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

/// All faults of one experiment, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// `Ok` if there is none, else [`Error::Config`].
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Config(self))
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} faults in the experiment", many.len())?;
                many.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

/// The name in `available` that `given` was most likely meant to be, if any is near enough.
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
        let faults = Faults(vec![
            Fault::new("a", "wrong"),
            Fault::unknown("b.c", "unknown name `dd`", "dd", ["dda", "ff"]),
        ]);
        assert_eq!(
            faults.to_string(),
            "2 faults in the experiment\n  a: wrong\n  b.c: unknown name `dd`; did you mean `dda`? Available: dda, ff."
        );
    }
}
