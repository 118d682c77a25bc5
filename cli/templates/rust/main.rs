//! gloss with the component of this crate beside those of its dependencies.

// Without its line the linker drops a plugin; `tests/command.rs` checks the component's own.
use plugins as _;
use skeleton_crate as _;

fn main() -> std::process::ExitCode {
    gloss_cli::main()
}
