//! The command `gloss`, with the components that come with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    gloss::main()
}
