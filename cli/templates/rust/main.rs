//! gloss with the component of this crate beside its own.

// Without this line the linker drops the component; `tests/command.rs` checks it.
use skeleton_crate as _;

fn main() -> std::process::ExitCode {
    gloss::main()
}
