//! SmolLM2-135M and Amazon Beauty.

use std::path::{Path, PathBuf};
use std::process::Command;

use gloss_core::{AnyComponent, Catalogue, Context, Data, Kind, Registry};
use gloss_llama::{Model, Prompts, Tokenizer, Truncation};
use serde_json::json;

use super::F32;

/// The model's folder and the data.
pub struct Beauty {
    folder: PathBuf,
    data: Data,
    tokenizer: Tokenizer,
}

impl Beauty {
    pub fn open() -> Self {
        let _ = gloss_amazon::register;
        let data = shared("GLOSS_TEST_DATA", "data");
        let folder = model("smollm2-135m");
        let registry = Registry::compiled_in().unwrap();
        let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
        let options = json!({"category": "Beauty", "folder": data.join("amazon2014")});
        let AnyComponent::Dataset(dataset) = entry.parse(options).unwrap() else {
            unreachable!("amazon is a dataset");
        };
        Beauty {
            tokenizer: Tokenizer::open(&folder, 49152).unwrap(),
            data: dataset.load(&Context::default()).unwrap(),
            folder,
        }
    }

    pub fn model(&self) -> Model {
        Model::load(&self.folder, None, F32).unwrap()
    }

    /// The paper's: the prompt leaves room for 50 tokens of 1,024.
    pub fn prompts(&self) -> Prompts<'_> {
        Prompts::new(&self.tokenizer, &self.data.catalogue, Truncation::Left, 974).unwrap()
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.data.catalogue
    }

    pub fn users(&self) -> usize {
        self.data.splits.test.len()
    }

    /// The history of the test user with this number.
    pub fn history(&self, user: usize) -> &[u32] {
        self.data
            .histories
            .context(self.data.splits.test[user])
            .items
    }
}

/// The folder that a variable names, or one beside the checkout.
fn shared(variable: &str, beside: &str) -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(beside);
    let named = std::env::var_os(variable).map(PathBuf::from);
    let folder = named.unwrap_or(default);
    assert!(
        folder.is_dir(),
        "no folder {}; set {variable}",
        folder.display()
    );
    folder
}

/// A real model: from GLOSS_TEST_MODELS, or made by the tool beside the data, once.
fn model(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("GLOSS_TEST_MODELS") {
        return PathBuf::from(folder).join(name);
    }
    let tool = shared("GLOSS_TEST_TOOLS", "tools").join("get_models.py");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join(name).join("COMPLETE").exists() {
        let mut command = Command::new("python3");
        command.arg(tool).arg(&folder).args(["--only", name]);
        assert!(command.env_remove("PYTHONPATH").status().unwrap().success());
    }
    folder.join(name)
}
