use std::cell::Cell;
use std::fs;
use std::time::Duration;

use gloss_core::{Context, Error, Identity};
use serde_json::json;

use super::*;
use crate::stage::{OnPartial, Provenance, Stage};

/// A stage that writes a text into a file.
struct Write<'a> {
    text: &'a str,
    on_partial: OnPartial,
    /// Fails after half of the work.
    fails: bool,
    made: Cell<usize>,
    read: Cell<usize>,
}

impl<'a> Write<'a> {
    fn new(text: &'a str) -> Self {
        Write {
            text,
            on_partial: OnPartial::Restart,
            fails: false,
            made: Cell::new(0),
            read: Cell::new(0),
        }
    }
}

impl Stage for Write<'_> {
    type Output = String;

    fn name(&self) -> &'static str {
        "write"
    }

    fn on_partial(&self) -> OnPartial {
        self.on_partial
    }

    fn provenance(&self) -> gloss_core::Result<Provenance> {
        Ok(Provenance::of_stage(Some("1")).with("text", json!(self.text)))
    }

    fn make(&self, folder: &Path) -> gloss_core::Result<Option<String>> {
        self.made.set(self.made.get() + 1);
        let path = folder.join("x");
        let before = fs::read_to_string(&path).unwrap_or_default();
        let text = if self.fails { "half " } else { self.text };
        fs::write(&path, before + text).unwrap();
        match self.fails {
            true => Err(Error::Interrupted),
            false => Ok(Some(self.text.to_string())),
        }
    }

    fn read(&self, folder: &Path) -> gloss_core::Result<String> {
        self.read.set(self.read.get() + 1);
        Ok(fs::read_to_string(folder.join("x")).unwrap())
    }
}

fn driver(root: &Path) -> Driver {
    Driver::new(&Cache::new(root), &Context::default())
}

#[test]
fn an_artefact_is_made_once_and_what_was_just_made_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    let (first, other) = (Write::new("a"), Write::new("b"));
    let driver = driver(root.path());
    let (one, two) = (driver.run(&first).unwrap(), driver.run(&other).unwrap());
    assert_ne!(one.artefact.folder, two.artefact.folder);
    assert_eq!((first.made.get(), first.read.get()), (1, 0));
    assert_eq!(driver.run(&first).unwrap().value, "a");
    assert_eq!((first.made.get(), first.read.get()), (1, 1));
    let reused: Vec<bool> = driver.rows().iter().map(|row| row.reused).collect();
    assert_eq!(reused, [false, false, true]);
}

#[test]
fn an_interrupted_attempt_is_removed_or_resumed() {
    let root = tempfile::tempdir().unwrap();
    for (on_partial, expected) in [
        (OnPartial::Restart, "whole"),
        (OnPartial::Resume, "half whole"),
    ] {
        let stage = |fails| Write {
            on_partial,
            fails,
            ..Write::new("whole")
        };
        let driver = driver(root.path());
        assert!(driver.run(&stage(true)).is_err());
        let made = driver.run(&stage(false)).unwrap();
        let text = fs::read_to_string(made.artefact.folder.join("x")).unwrap();
        assert_eq!(text, expected);
        drop(driver);
        Cache::new(root.path())
            .prune(&PruneFilter::default())
            .unwrap();
    }
}

#[test]
fn a_flipped_bit_and_a_lost_file_are_noticed() {
    let root = tempfile::tempdir().unwrap();
    let made = driver(root.path()).run(&Write::new("text")).unwrap();
    let path = made.artefact.folder.join("x");
    let damages: [&dyn Fn(); 3] = [
        &|| fs::write(&path, "texu").unwrap(),
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(made.artefact.folder.join("artefact.json"), "{").unwrap(),
    ];
    for damage in damages {
        damage();
        let stage = Write::new("text");
        assert_eq!(driver(root.path()).run(&stage).unwrap().value, "text");
        assert_eq!(stage.made.get(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }
}

#[test]
fn the_reason_for_building_names_what_differs() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path());
    driver.run(&Write::new("a")).unwrap();
    driver.run(&Write::new("b")).unwrap();
    let reasons: Vec<_> = driver.rows().into_iter().map(|row| row.reason).collect();
    let expected = [
        "nothing like it in the cache",
        "text changed (\"a\" → \"b\")",
    ];
    assert_eq!(reasons, expected.map(|reason| Some(reason.to_string())));
}

#[test]
fn content_is_the_same_for_equal_bytes() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path());
    let content = |text| driver.run(&Write::new(text)).unwrap().artefact.content();
    assert_ne!(content("a"), content("b"));
    assert_eq!(content("a"), content("a"));
}

#[test]
fn pruning_keeps_what_a_run_uses() {
    let root = tempfile::tempdir().unwrap();
    let cache = Cache::new(root.path());
    let running = driver(root.path());
    running.run(&Write::new("used")).unwrap();
    driver(root.path())
        .run(&Write::new("unused, and longer"))
        .unwrap();
    assert_eq!(cache.list().unwrap().len(), 2);
    let keep = |filter: PruneFilter| cache.prune(&filter).unwrap().len();
    assert_eq!(
        keep(PruneFilter {
            stage: Some("other".into()),
            ..PruneFilter::default()
        }),
        0
    );
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(
        keep(PruneFilter {
            unused_for: hour,
            ..PruneFilter::default()
        }),
        0
    );
    assert_eq!(
        keep(PruneFilter {
            keep_bytes: Some(1 << 20),
            ..PruneFilter::default()
        }),
        0
    );
    assert_eq!(keep(PruneFilter::default()), 1);
    assert!(cache.list().unwrap()[0].in_use);
    drop(running);
    assert_eq!(keep(PruneFilter::default()), 1);
    assert_eq!(cache.list().unwrap(), []);
}

#[test]
fn a_component_builds_on_the_artefact_that_differs_in_the_changing_part() {
    let root = tempfile::tempdir().unwrap();
    let context = driver(root.path()).context();
    let build = |catalogue: &str, options: &str| {
        let identity = Identity {
            options: options.into(),
            ..Identity::default()
        };
        let request = gloss_core::ArtefactRequest {
            stage: "encode",
            identity,
            inputs: Vec::new(),
            changing: ("catalogue", catalogue.into()),
        };
        let mut earlier = None;
        let read = context.get_or_build(
            &request,
            Path::new("unused"),
            |folder, similar| {
                earlier = similar.map(|path| fs::read_to_string(path.join("x")).unwrap());
                fs::write(folder.join("x"), catalogue).unwrap();
                Ok(())
            },
            |folder| Ok(fs::read_to_string(folder.join("x")).unwrap()),
        );
        assert_eq!(read.unwrap(), catalogue);
        earlier
    };
    assert_eq!(build("one", "{}"), None);
    assert_eq!(build("two", "{}"), Some("one".into()));
    assert_eq!(build("three", "{\"other\": 1}"), None);
}
