//! Commands inside another program, such as Python: nothing is printed, and its signals stay its own.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use anyhow::Result;
use clap::Parser;
use gloss_core::Error;

use crate::args::Args;
use crate::exit::{Problem, usage_error};
use crate::session::{Host, Session};
use crate::{caught, commands};

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code that the command would have.
    pub code: u8,
    /// The text that it prints on standard output.
    pub output: String,
    /// The error that it prints with `--json`: an object with `class`, `message`, `causes` and
    /// `diagnostics`.
    pub error: Option<String>,
}

/// Executes the command that `arguments` name, without the name of the program. One command at a time
/// runs in a process.
pub fn call(arguments: impl IntoIterator<Item = OsString>, host: &Host) -> Outcome {
    static RUNNING: Mutex<()> = Mutex::new(());
    let output = Arc::<Mutex<String>>::default();
    let result = match RUNNING.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Usage(
            "another command of gloss runs in this process; wait for it to end".into(),
        )
        .into()),
        Ok(_running) => execute(arguments, host, &output),
        Err(TryLockError::Poisoned(_)) => execute(arguments, host, &output),
    };
    let problem = result.as_ref().err().map(Problem::new);
    Outcome {
        code: problem
            .as_ref()
            .map_or(0, |problem| problem.class.exit_code()),
        error: problem.map(|problem| problem.json()),
        output: std::mem::take(&mut output.lock().unwrap_or_else(PoisonError::into_inner)),
    }
}

fn execute(
    arguments: impl IntoIterator<Item = OsString>,
    host: &Host,
    output: &Arc<Mutex<String>>,
) -> Result<()> {
    let arguments = [OsString::from("gloss")].into_iter().chain(arguments);
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) if error.use_stderr() => return Err(usage_error(&error)),
        Err(help) => {
            *output.lock().unwrap_or_else(PoisonError::into_inner) = help.render().to_string();
            return Ok(());
        }
    };
    caught(|| {
        let session = Session::inside(&args.global, host, Arc::clone(output))?;
        commands::execute(args.command, &session)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::{Progress, ProgressTask, Unit};

    struct Silent;

    impl Progress for Silent {
        fn begin(&self, _: &str, _: Option<u64>, _: Unit) -> Box<dyn ProgressTask> {
            Box::new(Silent)
        }
    }

    impl ProgressTask for Silent {
        fn set(&self, _: u64) {}
    }

    #[test]
    fn commands_return_what_they_would_print() {
        let host = Host {
            progress: Arc::new(Silent),
            log: Arc::new(|_| ()),
            cancelled: Arc::default(),
        };
        let call = |arguments: &[&str]| call(arguments.iter().map(OsString::from), &host);
        let schema = call(&["schema"]);
        assert_eq!((schema.code, schema.error), (0, None));
        assert!(schema.output.contains("\"properties\""));
        assert!(call(&["run", "--help"]).output.contains("Usage: gloss run"));
        let wrong = call(&["run", "nowhere.toml"]);
        assert_eq!((wrong.code, wrong.output.as_str()), (2, ""));
        assert!(
            wrong
                .error
                .is_some_and(|error| error.contains("nowhere.toml"))
        );
        let wrong = call(&["rum"]);
        assert!(wrong.error.is_some_and(|error| error.contains("'run'")));
    }
}
