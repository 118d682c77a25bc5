//! Colours of text.

use std::env;
use std::io::IsTerminal;

use clap::ColorChoice;
use clap::builder::styling::{AnsiColor, Style};

/// Marks the word `error`.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Marks hints and remarks.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
/// Marks what matters in a text.
pub(crate) const STRONG: Style = Style::new().bold();

/// Returns `true` if text for `stream` is coloured: as the flag says, or else if the stream is a terminal
/// that knows colours and `NO_COLOR` is not set.
pub(crate) fn colored(choice: ColorChoice, stream: &impl IsTerminal) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
            stream.is_terminal() && !forbidden && !dumb
        }
    }
}

/// The text in a style, if `colored`.
pub(crate) fn paint(colored: bool, style: Style, text: &str) -> String {
    if colored {
        format!("{style}{text}{style:#}")
    } else {
        text.to_string()
    }
}
