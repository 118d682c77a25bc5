//! The end of a command: error messages and exit codes.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::Result;
use gloss_core::{Diagnostic, Error, ErrorClass};
use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::signals;
use crate::ui::output::Closed;
use crate::ui::style::{self, ERROR, HINT, STRONG, paint};

/// Reports an error, if there is one, and returns the exit code.
pub(crate) fn code(result: Result<()>, global: &Global) -> u8 {
    let Err(error) = result else {
        return 0;
    };
    if error.is::<Closed>() {
        return 0;
    }
    let problem = Problem::new(&error);
    say(&if global.json {
        problem.json()
    } else {
        problem.text(style::colored(global.color, &io::stderr()))
    });
    let code = problem.class.exit_code();
    if problem.class == ErrorClass::Interrupted {
        // Threads of libraries may be at work still.
        signals::end(code);
    }
    code
}

/// An error as commands print it with `--json`.
pub fn error_as_json(error: Error) -> String {
    Problem::new(&error.into()).json()
}

/// Reports that the command line could not be understood, or prints the help that was asked for.
pub(crate) fn usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let asked_for = !error.use_stderr();
    if !asked_for && arguments.iter().any(|argument| argument == "--json") {
        say(&Problem::new(&usage_error(error)).json());
    } else {
        let _ = error.print();
    }
    match asked_for {
        true => 0,
        false => ErrorClass::User.exit_code(),
    }
}

/// An error of the command line, without its title.
pub(crate) fn usage_error(error: &clap::Error) -> anyhow::Error {
    let rendered = error.render().to_string();
    let message = rendered.trim_start_matches("error:").trim();
    Error::Usage(message.to_string()).into()
}

/// Standard error may be closed too; the exit code still states the error.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error, sorted into what is said about it.
pub(crate) struct Problem<'a> {
    pub(crate) class: ErrorClass,
    message: String,
    causes: Vec<String>,
    diagnostics: &'a [Diagnostic],
}

impl<'a> Problem<'a> {
    pub(crate) fn new(error: &'a anyhow::Error) -> Self {
        let known = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Error>());
        let mut messages: Vec<String> = error.chain().map(ToString::to_string).collect();
        // Many errors quote their cause; it need not be said again.
        messages.dedup_by(|cause, message| message.ends_with(cause.as_str()));
        Problem {
            class: known.map_or(ErrorClass::Internal, Error::class),
            message: messages.remove(0),
            causes: messages,
            diagnostics: match known {
                Some(Error::Config(diagnostics)) => &diagnostics.0,
                _ => &[],
            },
        }
    }

    fn text(&self, colored: bool) -> String {
        let title = paint(colored, ERROR, "error:");
        match self.diagnostics {
            [] => {}
            [diagnostic] => {
                return format!("{title} {}", diagnostic_text(diagnostic, colored, "  "));
            }
            diagnostics => {
                let mut text = format!("{title} {} errors in the experiment", diagnostics.len());
                for diagnostic in diagnostics {
                    let _ = write!(text, "\n  {}", diagnostic_text(diagnostic, colored, "    "));
                }
                return text;
            }
        }
        let mut text = format!("{title} {}", self.message);
        for cause in &self.causes {
            let _ = write!(text, "\n  {} {cause}", paint(colored, HINT, "because:"));
        }
        text
    }

    pub(crate) fn json(&self) -> String {
        let diagnostics: Vec<_> = self.diagnostics.iter().map(DiagnosticView::from).collect();
        json!({ "error": {
            "class": format!("{:?}", self.class).to_lowercase(),
            "exit_code": self.class.exit_code(),
            "message": self.message,
            "causes": self.causes,
            "diagnostics": diagnostics,
        }})
        .to_string()
    }
}

/// A diagnostic: place and message, and below them the nearest and all valid names.
fn diagnostic_text(diagnostic: &Diagnostic, colored: bool, indent: &str) -> String {
    let mut text = String::new();
    if let Some(location) = &diagnostic.location {
        let _ = write!(text, "{}: ", paint(colored, STRONG, &location.to_string()));
    }
    if !diagnostic.key.is_empty() {
        let _ = write!(text, "{}: ", diagnostic.key);
    }
    text.push_str(&diagnostic.message);
    let mut hint = |title: &str, hint: &str| {
        let _ = write!(text, "\n{indent}{} {hint}", paint(colored, HINT, title));
    };
    if let Some(nearest) = &diagnostic.nearest {
        hint("did you mean:", nearest);
    }
    if !diagnostic.available.is_empty() {
        hint("available:", &diagnostic.available.join(", "));
    }
    text
}

/// A fault as `--json` prints it.
#[derive(Serialize)]
struct DiagnosticView<'a> {
    location: Option<String>,
    key: &'a str,
    message: &'a str,
    nearest: Option<&'a str>,
    available: &'a [String],
}

impl<'a> From<&'a Diagnostic> for DiagnosticView<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        DiagnosticView {
            location: diagnostic.location.as_ref().map(ToString::to_string),
            key: &diagnostic.key,
            message: &diagnostic.message,
            nearest: diagnostic.nearest.as_deref(),
            available: &diagnostic.available,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};
    use gloss_core::{Diagnostics, Location};

    fn two_diagnostics() -> anyhow::Error {
        let mut first = Diagnostic::unknown("retriever.k11", "unknown option", "k11", ["k1", "b"]);
        first.location = Some(Location::File {
            path: "beauty.toml".into(),
            line: 7,
            column: 1,
        });
        let mut second = Diagnostic::new("seen", "expected `keep` or `exclude`, found 3");
        second.location = Some(Location::Flag("--set seen=3".to_string()));
        Error::Config(Diagnostics(vec![first, second])).into()
    }

    #[test]
    fn every_diagnostic_has_lines_of_its_own_location_first() {
        insta::assert_snapshot!(Problem::new(&two_diagnostics()).text(false), @r"
        error: 2 errors in the experiment
          beauty.toml:7:1: retriever.k11: unknown option
            did you mean: k1
            available: k1, b
          --set seen=3: seen: expected `keep` or `exclude`, found 3
        ");
    }

    #[test]
    fn json_has_class_code_and_diagnostics() {
        insta::assert_snapshot!(Problem::new(&two_diagnostics()).json(), @r#"{"error":{"class":"user","exit_code":2,"message":"2 errors in the experiment\n  beauty.toml:7:1: retriever.k11: unknown option; did you mean `k1`? Available: k1, b.\n  --set seen=3: seen: expected `keep` or `exclude`, found 3","causes":[],"diagnostics":[{"location":"beauty.toml:7:1","key":"retriever.k11","message":"unknown option","nearest":"k1","available":["k1","b"]},{"location":"--set seen=3","key":"seen","message":"expected `keep` or `exclude`, found 3","nearest":null,"available":[]}]}}"#);
    }

    #[test]
    fn causes_are_said_once() {
        let missing = std::io::Error::other("the disk is on fire");
        let error = Err::<(), _>(Error::io("read", "items.gz")(missing))
            .context("cannot load the data set")
            .unwrap_err();
        insta::assert_snapshot!(Problem::new(&error).text(false), @r"
        error: cannot load the data set
          because: cannot read items.gz: the disk is on fire
        ");
    }

    #[test]
    fn an_error_of_unknown_kind_is_an_internal_fault() {
        assert_eq!(Problem::new(&anyhow!("?")).class, ErrorClass::Internal);
        let wrapped = anyhow::Error::from(Error::Interrupted).context("while reading");
        assert_eq!(Problem::new(&wrapped).class, ErrorClass::Interrupted);
    }
}
