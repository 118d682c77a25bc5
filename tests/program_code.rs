//! Programs whose code or files change: what was made by other code is not taken for theirs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Place;

const EXPERIMENT: &str = r#"
plugins = ["picks.py"]
metrics = ["recall@1"]
generator = "lis"
retriever = "picks"
dataset = { type = "amazon", category = "Tiny" }
"#;

/// A retriever that finds one item, which a module beside it names.
fn picks(import: &str) -> String {
    format!(
        r#"#!/usr/bin/env python3
import gloss
{import}

class Picks(gloss.Retriever):
    """One item."""
    name = "picks"

    def search(self, queries, ks):
        for query in queries:
            yield [(pick(), 1.0)]

gloss.serve(Picks)
"#
    )
}

/// Each of another length: Python tells changes of a module by its size and the second.
fn module(item: u32) -> String {
    let comment = "#".repeat(item as usize);
    format!("def pick():\n    return {item}\n{comment}")
}

/// Runs the experiment; the item that the first user is given.
#[track_caller]
fn first(place: &Place, output: &str) -> String {
    let ran = place.gloss(&["run", "e.toml", "--output", output, "--overwrite"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run = place.read(&format!("{output}/run.trec"));
    run.split_whitespace().nth(2).unwrap().to_string()
}

#[test]
fn modules_below_the_program_are_its_code() {
    let programs = [("picks.py", picks("from helpers.inner import pick"))];
    let place = Place::with_programs(&programs);
    place.write("e.toml", EXPERIMENT);
    place.write("helpers/inner.py", module(0));
    let before = first(&place, "out");
    place.write("helpers/inner.py", module(1));
    assert_ne!(first(&place, "out"), before);
}

#[test]
fn a_module_that_is_imported_late_is_refused() {
    let late = "def pick():\n    import later\n    return later.pick()";
    let place = Place::with_programs(&[("picks.py", picks(late))]);
    place.write("e.toml", EXPERIMENT);
    place.write("later.py", module(0));
    let told = ["later.py was imported late", "at the top of the program"];
    place.gloss(&["run", "e.toml"]).fails(2, &told);
}

#[test]
fn a_program_that_is_changed_while_it_runs_answers_for_the_code_that_it_runs() {
    let editor = r#"#!/usr/bin/env python3
import gloss, pathlib

class Editor(gloss.Generator):
    """Changes the retriever."""
    name = "editor"

    def generate(self, histories):
        pathlib.Path("beside.py").write_text("def pick():\n    return 1\n# changed\n")
        for history in histories:
            yield [("soap", 0.0)]

gloss.serve(Editor)
"#;
    let programs = [
        ("picks.py", picks("from beside import pick")),
        ("editor.py", editor.to_string()),
    ];
    let place = Place::with_programs(&programs);
    let experiment = EXPERIMENT.replace("\"picks.py\"", "\"picks.py\", \"editor.py\"");
    place.write("e.toml", experiment.replace("lis", "editor"));
    place.write("beside.py", module(0));
    let before = first(&place, "out");
    assert_ne!(first(&place, "out"), before);
}

#[test]
fn an_item_that_is_found_twice_is_refused() {
    let twice = picks("").replace("[(pick(), 1.0)]", "[(1, 2.0), (1, 1.0)]");
    let place = Place::with_programs(&[("picks.py", twice)]);
    place.write("e.toml", EXPERIMENT);
    let run = ["run", "e.toml", "--set", "ranking.depth=2"];
    place
        .gloss(&run)
        .fails(70, &["returned item 1 twice for one query"]);
}

#[test]
fn a_metric_that_reads_another_file_is_computed_again() {
    let metric = r#"#!/usr/bin/env python3
import gloss, pathlib

class Weighted(gloss.Metric):
    """A number from a file."""
    name = "weighted"

    def inputs(self):
        return [pathlib.Path("weight.txt")]

    def value(self, ranking, gains, ideal):
        return float(pathlib.Path("weight.txt").read_text())

gloss.serve(Weighted)
"#;
    let place = Place::with_programs(&[("weighted.py", metric.to_string())]);
    let experiment = EXPERIMENT
        .replace("picks.py", "weighted.py")
        .replace("recall@1", "weighted")
        .replace("\"picks\"", "\"bm25\"");
    place.write("e.toml", experiment);
    let value = |weight: &str| {
        place.write("weight.txt", weight);
        let ran = place.gloss(&["run", "e.toml", "--json"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.json()["results"]["methods"][0]["metrics"][0]["value"].as_f64()
    };
    assert_eq!((value("1"), value("0.5")), (Some(1.0), Some(0.5)));
}
