//! The program has the component.

use std::process::Command;

#[test]
fn the_command_knows_the_component() {
    let command = Command::new(env!("CARGO_BIN_EXE_skeleton"))
        .args(["describe", "skeleton"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&command.stderr);
    assert!(command.status.success(), "{told}");
}
