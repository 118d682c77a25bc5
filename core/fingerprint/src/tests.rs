use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const LOCK: &str = r#"
version = 4

[[package]]
name = "mine"
version = "0.1.0"
dependencies = ["base", "beam-search", "serde", "tool 1.0.0"]

[[package]]
name = "beam-search"
version = "0.1.0"

[[package]]
name = "base"
version = "0.1.0"
dependencies = ["hash"]

[[package]]
name = "serde"
version = "1.0.1"
source = "registry"
checksum = "aa"
dependencies = ["serde_core"]

[[package]]
name = "serde_core"
version = "1.0.1"
source = "registry"
checksum = "bb"

[[package]]
name = "hash"
version = "2.0.0"
source = "registry"
checksum = "cc"

[[package]]
name = "tool"
version = "1.0.0"
source = "registry"
checksum = "dd"
"#;

/// A workspace with the crate `mine`, which has modules and depends on `base` by path.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        let workspace = Workspace(tempfile::tempdir().unwrap());
        workspace.write("Cargo.lock", LOCK);
        workspace.write(
            "Cargo.toml",
            "[workspace]\nmembers = ['mine', 'base']\n[workspace.dependencies]\n\
             base = { path = 'base' }\nbeam-search = { path = 'beam-search' }\n",
        );
        workspace.write(
            "mine/Cargo.toml",
            "[package]\nname = 'mine'\n[dependencies]\nbase.workspace = true\nbeam-search.workspace = true\nserde = '1'\n\
             [dev-dependencies]\ntool = '1'\n",
        );
        workspace.write(
            "base/Cargo.toml",
            "[package]\nname = 'base'\n[dependencies]\nhash = '2'\n",
        );
        workspace.write("base/src/lib.rs", "pub fn base() {}\n");
        let manifest = "[package]\nname = 'beam-search'\n";
        workspace.write("beam-search/Cargo.toml", manifest);
        workspace.write("beam-search/src/lib.rs", "pub fn search() {}\n");
        for (name, text) in [
            (
                "lib",
                "mod beam;\nmod model;\nmod train;\nmod writer;\npub use model::Model;\n",
            ),
            (
                "train/mod",
                "mod loss;\nuse crate::Model;\npub fn train(_: &Model) { base::base(); loss::of() }\n",
            ),
            ("train/loss", "pub fn of() {}\n"),
            ("model", "pub struct Model;\n"),
            (
                "beam",
                "use crate::{Model, writer::write};\npub fn beam(_: &Model) { beam_search::search(); write() }\n",
            ),
            ("writer", "pub fn write() {}\n"),
        ] {
            workspace.write(&format!("mine/src/{name}.rs"), text);
        }
        workspace
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Appends to a file.
    fn append(&self, name: &str, text: &str) {
        let old = fs::read_to_string(self.0.path().join(name)).unwrap();
        self.write(name, &(old + text));
    }

    fn replace(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.0.path().join(name)).unwrap();
        assert!(text.contains(old));
        self.write(name, &text.replace(old, new));
    }

    /// The fingerprints of the whole crate and of its module `train`.
    fn prints(&self) -> (String, String) {
        let root = self.0.path();
        let build = root.join("target/debug/build/mine-1/out");
        let found = fingerprints(&root.join("mine"), &build, &["train"], "rustc 1");
        let [(none, whole), (suffix, train)] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((none.as_str(), suffix.as_str()), ("", "_TRAIN"));
        (whole.clone(), train.clone())
    }
}

/// Asserts which fingerprints `edit` changes.
#[track_caller]
fn changes(edit: impl FnOnce(&Workspace), whole: bool, train: bool) {
    let workspace = Workspace::new();
    let before = workspace.prints();
    edit(&workspace);
    let after = workspace.prints();
    assert_eq!(before.0 != after.0, whole, "the whole crate");
    assert_eq!(before.1 != after.1, train, "the module train");
}

#[test]
fn a_change_of_code_changes_the_fingerprint() {
    changes(
        |w| w.append("mine/src/train/loss.rs", "pub fn more() {}"),
        true,
        true,
    );
    changes(
        |w| w.append("mine/src/model.rs", "pub fn more() {}"),
        true,
        true,
    );
    changes(
        |w| w.append("base/src/lib.rs", "pub fn more() {}"),
        true,
        true,
    );
    changes(|w| w.write("mine/src/words.txt", "the"), true, false);
}

#[test]
fn a_module_does_not_depend_on_modules_that_it_does_not_refer_to() {
    changes(
        |w| w.append("mine/src/beam.rs", "pub fn more() {}"),
        true,
        false,
    );
    changes(
        |w| w.append("mine/src/writer.rs", "pub fn more() {}"),
        true,
        false,
    );
    changes(
        |w| {
            w.append(
                "mine/src/train/mod.rs",
                "pub fn more() { crate::beam::beam(&Model) }",
            )
        },
        true,
        true,
    );
}

#[test]
fn a_module_does_not_depend_on_crates_that_it_does_not_name() {
    let more = |w: &Workspace| w.append("beam-search/src/lib.rs", "pub fn more() {}");
    changes(more, true, false);
    let workspace = Workspace::new();
    workspace.append("mine/src/train/loss.rs", "use beam_search::search;");
    let before = workspace.prints();
    more(&workspace);
    assert_ne!(workspace.prints().1, before.1);
}

#[test]
fn a_module_depends_on_methods_that_others_add_to_its_types() {
    let workspace = Workspace::new();
    let extension = "use crate::Model;\nimpl Model { pub fn more(&self) -> u8 { 1 } }\n";
    workspace.append("mine/src/writer.rs", extension);
    let before = workspace.prints();
    workspace.replace("mine/src/writer.rs", "{ 1 }", "{ 2 }");
    assert_ne!(workspace.prints().1, before.1);
}

#[test]
fn comments_documentation_and_tests_change_nothing() {
    changes(
        |w| {
            w.append(
                "mine/src/model.rs",
                "// A comment.\n#[cfg(test)]\nmod tests { fn x() {} }\n",
            )
        },
        false,
        false,
    );
    changes(
        |w| w.replace("mine/src/model.rs", "pub", "/// A model.\npub"),
        false,
        false,
    );
    changes(
        |w| w.replace("mine/src/model.rs", "pub", "//! Models.\n\n  pub"),
        false,
        false,
    );
    changes(
        |w| {
            w.append("mine/src/model.rs", "#[cfg(test)]\nmod tests;\n");
            w.write("mine/src/model/tests.rs", "fn x() {}");
        },
        false,
        false,
    );
}

#[test]
fn locked_versions_count_except_those_of_dev_dependencies() {
    changes(|w| w.replace("Cargo.lock", "\"bb\"", "\"be\""), true, true);
    changes(|w| w.replace("Cargo.lock", "2.0.0", "2.0.1"), true, true);
    changes(
        |w| w.replace("Cargo.lock", "\"dd\"", "\"de\""),
        false,
        false,
    );
}

#[test]
fn an_optional_dependency_that_no_feature_enables_is_left_out() {
    let workspace = Workspace::new();
    workspace.write(
        "base/Cargo.toml",
        "[package]\nname = 'base'\n[dependencies]\nhash = '2'\n\
         extra = { path = '../extra', optional = true }\n",
    );
    workspace.prints();
}

#[test]
fn sources_may_lie_in_another_folder_than_src() {
    let workspace = Workspace::new();
    workspace.write(
        "base/Cargo.toml",
        "[package]\nname = 'base'\n[lib]\npath = 'code/lib.rs'\n[dependencies]\nhash = '2'\n",
    );
    workspace.write("base/code/lib.rs", "pub fn base() {}\n");
    let before = workspace.prints();
    workspace.append("base/code/lib.rs", "pub fn more() {}");
    assert_ne!(workspace.prints(), before);
}

#[test]
fn the_compiler_and_its_flags_count() {
    let workspace = Workspace::new();
    let root = workspace.0.path();
    let print = |environment: &str| {
        fingerprints(&root.join("mine"), &root.join("target"), &[], environment)
    };
    assert_ne!(print("rustc 1"), print("rustc 2"));
}

#[test]
fn there_is_no_fingerprint_without_the_lock_file_of_the_build() {
    let workspace = Workspace::new();
    let root = workspace.0.path();
    let elsewhere = tempfile::tempdir().unwrap();
    let found = fingerprints(&root.join("mine"), elsewhere.path(), &["train"], "");
    assert_eq!(found, []);
    fs::write(
        elsewhere.path().join("Cargo.lock"),
        "[[package]]\nname = 'other'\n",
    )
    .unwrap();
    let found = fingerprints(&root.join("mine"), elsewhere.path(), &["train"], "");
    assert_eq!(found, []);
}

#[test]
fn this_crate_has_a_fingerprint() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = fingerprints(folder, folder, &["modules"], "");
    assert_eq!(found.len(), 2, "{found:?}");
}
