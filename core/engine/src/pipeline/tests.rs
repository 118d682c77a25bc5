use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gloss_core::{
    Catalogue, Code, Component, Context, Data, Dataset, Generator, History, Hit, Index, InputFile,
    Item, Query, QueryGenerator, Request, Retriever, Trainer, Validate,
};

use super::*;
use crate::cache::Cache;
use crate::ranking::{Fusion, RankingOptions, Seen};

/// A component of every kind, whose code and machine a test changes. Its generator is trained.
#[derive(Debug, Clone, Default)]
struct Part {
    code: u32,
    training_code: u32,
    machine: u32,
    options: u32,
    /// The folder of the training's result.
    trained: Option<PathBuf>,
}

impl Component for Part {
    fn name(&self) -> &str {
        "part"
    }

    fn options(&self) -> gloss_core::Result<String> {
        Ok(json!({ "number": self.options }).to_string())
    }

    fn package(&self) -> (&str, &str) {
        ("part", "0.1.0")
    }

    fn code(&self) -> gloss_core::Result<Code> {
        Ok(Code::of_crate("part", Some(&self.code.to_string())))
    }
}

impl Part {
    fn machine(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("libtorch".to_string(), self.machine.to_string())])
    }
}

impl Dataset for Part {
    fn inputs(&self) -> gloss_core::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn load(&self, _: &Context) -> gloss_core::Result<Data> {
        let mut data = Data::of_histories(0, &[])?;
        let item = |id: &str| Item {
            id: id.into(),
            text: format!("Title: {id}"),
            fields: Vec::new(),
        };
        let items = vec![item("a"), item("b"), item(&format!("c{}", self.options))];
        data.catalogue = Catalogue::new(items, Vec::new())?;
        let events = [(0, 1, 1.0), (1, 2, 1.0), (0, 3, 1.0)];
        data.histories.push("u".into(), events);
        let example = |history| gloss_core::Example {
            user: 0,
            history,
            targets: 1,
        };
        data.splits.train.push(example(1));
        data.splits.test.push(example(2));
        Ok(data)
    }
}

impl QueryGenerator for Part {
    fn identity(&self) -> gloss_core::Result<Identity> {
        Ok(Identity::of(self)?.with_machine(self.machine()))
    }

    fn inputs(&self) -> gloss_core::Result<Vec<PathBuf>> {
        let trained = self.trained.iter();
        Ok(trained.map(|folder| folder.join("adapter")).collect())
    }

    fn trainer(&self) -> Option<&dyn Trainer> {
        self.trained.is_none().then_some(self)
    }

    fn open<'a>(
        &'a self,
        data: &'a Data,
        _: &'a Context,
    ) -> gloss_core::Result<Box<dyn Generator + 'a>> {
        Ok(Box::new(|histories: &[History<'_>]| {
            let query = |history: &History<'_>| {
                let last = history.items.last().copied().unwrap_or_default();
                vec![Query::text(data.catalogue.item(last).text.as_str())]
            };
            Ok(histories.iter().map(query).collect())
        }))
    }
}

impl Trainer for Part {
    fn identity(&self) -> gloss_core::Result<Identity> {
        Ok(Identity {
            options: "{}".into(),
            code: Code::of_crate("part", Some(&self.training_code.to_string())),
            machine: self.machine(),
        })
    }

    fn train(
        &self,
        _: &Data,
        folder: &Path,
        _: &Validate<'_>,
        _: &Context,
    ) -> gloss_core::Result<()> {
        std::fs::write(folder.join("adapter"), "weights").unwrap();
        Ok(())
    }

    fn trained(&self, folder: &Path) -> Arc<dyn QueryGenerator> {
        Arc::new(Part {
            trained: Some(folder.to_path_buf()),
            ..self.clone()
        })
    }
}

impl Retriever for Part {
    fn identity(&self) -> gloss_core::Result<Identity> {
        Ok(Identity::of(self)?.with_machine(self.machine()))
    }

    fn build(&self, _: &Catalogue, folder: &Path, _: &Context) -> gloss_core::Result<()> {
        std::fs::write(folder.join("index"), self.options.to_string()).unwrap();
        Ok(())
    }

    fn open<'a>(
        &'a self,
        _: &'a Catalogue,
        _: &Path,
        _: &Context,
    ) -> gloss_core::Result<Box<dyn Index + 'a>> {
        Ok(Box::new(|requests: &[Request<'_>]| {
            let hit = Hit {
                item: 0,
                score: 1.0,
            };
            Ok(vec![vec![hit]; requests.len()])
        }))
    }
}

/// The parts of an experiment.
#[derive(Clone, Default)]
struct Parts {
    dataset: Part,
    generator: Part,
    retriever: Part,
    depth: usize,
}

/// Runs all stages and returns the names of those that were built.
fn built(root: &Path, parts: &Parts) -> Vec<String> {
    let cache = Cache::new(root);
    let driver = Driver::new(&cache, &Context::default());
    let context = driver.context();
    let data = driver
        .run(&Prepare {
            dataset: &parts.dataset,
            context: &context,
        })
        .unwrap();
    let method = Method {
        name: "method".into(),
        generator: Arc::new(parts.generator.clone()),
        retriever: Some(Arc::new(parts.retriever.clone())),
        ranking: RankingOptions {
            depth: parts.depth + 1,
            cutoff: 1,
            fusion: Fusion::Max,
            reciprocal_rank_constant: 60.0,
            seen: Seen::Keep,
        },
        validation: None,
    };
    let (generator, _) = train(&method, &data, &driver).unwrap();
    run_method(
        &method,
        generator.as_ref(),
        (Split::Test, Users::All),
        &data,
        &driver,
    )
    .unwrap();
    let rows = driver.rows().into_iter();
    rows.filter(|row| !row.reused)
        .map(|row| row.stage)
        .collect()
}

/// Asserts which stages are built after a change.
#[track_caller]
fn rebuilds(change: impl FnOnce(&mut Parts), expected: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let mut parts = Parts::default();
    let all = ["prepare", "train", "generate", "index", "retrieve"];
    assert_eq!(built(root.path(), &parts), all);
    assert_eq!(built(root.path(), &parts), [""; 0]);
    change(&mut parts);
    assert_eq!(built(root.path(), &parts), expected);
}

#[test]
fn an_edit_in_the_retriever_keeps_adapters_and_texts() {
    rebuilds(|parts| parts.retriever.code = 1, &["index", "retrieve"]);
    rebuilds(|parts| parts.retriever.options = 1, &["index", "retrieve"]);
}

#[test]
fn an_edit_in_generation_keeps_the_training() {
    // The texts are the same bytes, so that nothing after them is computed again.
    rebuilds(|parts| parts.generator.code = 1, &["generate"]);
}

#[test]
fn an_edit_in_training_that_gives_the_same_weights_keeps_the_texts() {
    rebuilds(|parts| parts.generator.training_code = 1, &["train"]);
}

#[test]
fn an_edit_in_the_loader_that_gives_the_same_data_keeps_everything_after() {
    rebuilds(|parts| parts.dataset.code = 1, &["prepare"]);
}

#[test]
fn other_items_recompute_everything() {
    let all = ["prepare", "train", "generate", "index", "retrieve"];
    rebuilds(|parts| parts.dataset.options = 1, &all);
}

#[test]
fn another_libtorch_or_device_recomputes_what_depends_on_it() {
    rebuilds(|parts| parts.generator.machine = 1, &["train", "generate"]);
    rebuilds(|parts| parts.retriever.machine = 1, &["index", "retrieve"]);
}

#[test]
fn other_ranking_options_recompute_the_rankings_alone() {
    rebuilds(|parts| parts.depth = 1, &["retrieve"]);
}

#[test]
fn code_without_a_fingerprint_is_identified_by_the_program() {
    let code = Code::of_crate("part", None);
    let identity = Identity {
        code,
        ..Identity::default()
    };
    let provenance = Provenance::default().with_identity("x", &identity);
    let described = &provenance.parts()["x code"]["part"];
    assert_eq!(*described, json!(crate::program::program_hash()));
    let file = InputFile {
        path: "libmine.so".into(),
        bytes: 1,
        blake3: "ab".into(),
    };
    let code = Code {
        crates: BTreeMap::new(),
        files: vec![file],
    };
    let identity = Identity {
        code,
        ..Identity::default()
    };
    let provenance = Provenance::default().with_identity("x", &identity);
    let described = &provenance.parts()["x code"]["files"];
    assert_eq!(*described, json!([["libmine.so", "ab"]]));
}
