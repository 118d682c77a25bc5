//! Plugins in dynamic libraries, built outside the workspace: what is loaded and what is refused,
//! and that nothing of it takes the process down.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;

use common::{Place, Ran, files, library};
use serde_json::Value;

/// Sets a library's retriever beside BM25.
const TWO_METHODS: &str = r#"
plugins = ["plugin.so"]
metrics = ["recall@2"]
generator = "lis"
dataset = { type = "amazon", category = "Tiny" }

[[method]]
retriever = "bm25"

[[method]]
retriever = { type = "trigrams", threshold = 0.0 }
"#;

/// The tiny shop, and the library of `folder` as `plugin.so` beside it, changed by `change`.
fn place(folder: &str, change: impl FnOnce(&mut Vec<u8>)) -> Place {
    let place = Place::with_tiny_shop();
    let mut bytes = fs::read(library(folder)).unwrap();
    change(&mut bytes);
    place.write("plugin.so", bytes);
    place.write("two.toml", TWO_METHODS);
    place
}

/// Replaces every occurrence of a text by one of the same length.
fn replace(bytes: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let at: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!at.is_empty(), "no `{from}` in the library");
    at.iter()
        .for_each(|at| bytes[*at..at + to.len()].copy_from_slice(to.as_bytes()));
}

fn with_plugin(place: &Place, args: &[&str]) -> Ran {
    place.gloss(&[args, &["--plugin", "plugin.so"]].concat())
}

#[test]
fn a_library_is_listed_described_and_run_like_what_is_compiled_in() {
    let place = place("examples/library", |_| ());
    let listed = with_plugin(&place, &["list", "retriever", "--json"]).json();
    let row = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "trigrams");
    let row = row.unwrap();
    assert_eq!(row["origin"], "trigrams");
    assert!(row["file"].as_str().unwrap().ends_with("/plugin.so"));
    assert!(row["summary"].as_str().unwrap().contains("three-letter"));

    let described = with_plugin(&place, &["describe", "trigrams"]).stdout;
    for part in [
        "trigrams 0.1.0 (",
        "plugin.so)",
        "threshold",
        "number ≥ 0 ≤ 1",
        "0.05",
    ] {
        assert!(described.contains(part), "no {part} in\n{described}");
    }
    let checked = place.gloss(&["check", "plugin.so"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    let schema = with_plugin(&place, &["schema"]).stdout;
    assert!(schema.contains("lower case differ"));

    place
        .gloss(&[
            "run",
            "two.toml",
            "--set",
            "method.1.retriever.threshhold=1",
        ])
        .fails(
            2,
            &["threshhold: unknown option", "did you mean: threshold"],
        );
    let run = place
        .gloss(&["run", "two.toml", "--output", "out", "--json"])
        .json();
    assert_eq!(run["results"]["methods"][1]["method"], "lis+trigrams");
    let manifest: Value = serde_json::from_str(&place.read("out/manifest.json")).unwrap();
    let hash = blake3::hash(&fs::read(place.path("plugin.so")).unwrap());
    assert_eq!(manifest["code"][0]["blake3"], hash.to_hex().as_str());
    assert_eq!(
        manifest["experiment"]["methods"][1]["retriever"]["threshold"],
        0.0
    );
}

#[test]
fn another_file_of_the_same_options_makes_another_index() {
    let place = place("examples/library", |_| ());
    let indexes = || {
        let made = files(&place.path(".gloss/index"));
        made.iter()
            .filter(|name| name.ends_with("artefact.json"))
            .count()
    };
    assert_eq!(
        place.gloss(&["run", "two.toml", "--output", "a"]).code,
        Some(0)
    );
    assert_eq!(indexes(), 2);
    let mut bytes = fs::read(place.path("plugin.so")).unwrap();
    bytes.push(0);
    place.write("plugin.so", bytes);
    assert_eq!(
        place.gloss(&["run", "two.toml", "--output", "b"]).code,
        Some(0)
    );
    assert_eq!(indexes(), 3);
    place
        .gloss(&["run", "two.toml", "--output", "a"])
        .fails(2, &["holds another run"]);
}

#[test]
fn only_what_was_named_is_loaded() {
    let place = place("examples/library", |_| ());
    let has = |ran: Ran| ran.stdout.contains("trigrams");
    assert!(!has(place.gloss(&["list"])));
    let of_environment = |folder: &str| {
        let mut command = place.command(&["list"]);
        Ran::from(command.env("GLOSS_PLUGINS", folder).output().unwrap())
    };
    fs::create_dir(place.path("plugins")).unwrap();
    fs::copy(place.path("plugin.so"), place.path("plugins/a.so")).unwrap();
    assert!(!has(place.gloss(&["list"])));
    assert!(!has(of_environment("")));
    assert!(has(of_environment("plugins")));
    assert!(has(place.gloss(&["list", "--plugin-folder", "plugins"])));
    of_environment("nowhere").fails(2, &["cannot read the plugin folder nowhere"]);
    place
        .gloss(&["list", "--plugin", "nowhere.so"])
        .fails(2, &["nowhere.so"]);
}

#[test]
fn one_name_twice_is_refused_and_one_file_twice_is_one() {
    let place = place("examples/library", |_| ());
    fs::copy(place.path("plugin.so"), place.path("copy.so")).unwrap();
    with_plugin(&place, &["list", "--plugin", "copy.so"]).fails(
        2,
        &[
            "two components are named retriever `trigrams`",
            "plugin.so",
            "copy.so",
        ],
    );
    let twice = with_plugin(&place, &["list", "--plugin", "./plugin.so"]);
    assert_eq!(twice.code, Some(0), "{}", twice.stderr);
}

#[test]
fn a_library_of_another_build_is_refused_with_both_sides() {
    let version = env!("CARGO_PKG_VERSION");
    let examples = [
        (
            "gloss plugin   1",
            "gloss plugin   2",
            "of another version of gloss",
        ),
        ("rustc 1.", "rustc 0.", "compiler: rustc 1."),
        (
            ", panic unwind",
            ", panic abort ",
            "build of gloss-core: source ",
        ),
    ];
    for (from, to, told) in examples {
        let place = place("examples/library", |bytes| replace(bytes, from, to));
        with_plugin(&place, &["list"]).fails(2, &["plugin.so", told, "build"]);
    }
    // The version alone is too short a text to look for; it follows the magic bytes.
    let other = version.replace('0', "7");
    let magic = "gloss plugin   1";
    let place = place("examples/library", |bytes| {
        replace(
            bytes,
            &format!("{magic}{version}"),
            &format!("{magic}{other}"),
        );
    });
    let told = format!("gloss-core: {version} here, {other} there");
    with_plugin(&place, &["list"]).fails(2, &[&told, "build the plugin again"]);
}

#[test]
fn what_is_no_plugin_is_refused() {
    let place = place("examples/library", |bytes| {
        replace(bytes, "GLOSS_PLUGIN", "GLOSS_PLUGON");
    });
    with_plugin(&place, &["list"]).fails(2, &["plugin.so", "no symbol GLOSS_PLUGIN"]);
    place.write("plugin.so", "a text\n");
    with_plugin(&place, &["list"]).fails(2, &["plugin.so", "not a library"]);
    place.write("plugin.so", "");
    with_plugin(&place, &["list"]).fails(2, &["plugin.so", "not a library"]);
}

#[test]
fn a_panic_anywhere_is_an_error_that_names_the_plugin() {
    let place = place("tests/fixtures/troublemaker", |_| ());
    let run = |panics: &str| {
        let mut experiment = TWO_METHODS.replace("trigrams", "troublemaker");
        experiment = experiment.replace("threshold = 0.0", &format!("place = \"{panics}\""));
        place.write("trouble.toml", experiment);
        place.gloss(&["run", "trouble.toml", "--output", panics])
    };
    for (panics, code) in [
        ("accepts", 2),
        ("check", 2),
        ("build", 70),
        ("open", 70),
        ("search", 70),
    ] {
        run(panics).fails(
            code,
            &[
                "retriever `troublemaker` of",
                "plugin.so: panicked (trouble in",
            ],
        );
    }
    assert_eq!(run("drop").code, Some(0));
    assert_eq!(run("nowhere").code, Some(0));
    let log = place.read("nowhere/run.log");
    assert!(
        log.contains("no trouble here place=\"build\" module=\"troublemaker\""),
        "{log}"
    );
    let mut command = place.command(&["list", "--plugin", "plugin.so"]);
    command.env("TROUBLE_IN_REGISTRATION", "1");
    Ran::from(command.output().unwrap()).fails(
        70,
        &[
            "the plugin",
            "plugin.so: panicked (trouble in registration)",
        ],
    );
}
