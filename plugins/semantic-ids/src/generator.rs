//! TIGER as a generator of ranked items.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{
    Context, Data, Diagnostic, Error, Generator, History, Identity, Query, QueryGenerator,
    QueryKind, Result, Trainer, Validate, find_model,
};
use gloss_torch::{device_kind, machine, torch_error};
use gloss_training::{
    Builder, CONFIG, ITEMS, Leaves, WEIGHTS, check_config, check_items, load_weights,
};
use serde_json::Value;

use crate::beam::Searcher;
use crate::codes::Codes;
use crate::config::Tiger;
use crate::network::T5;
use crate::sequence::Vocabulary;
use crate::train::{self, CODES, MODEL};
use crate::trie::Trie;

/// Options that change nothing about a trained network.
const OF_USE: [&str; 6] = [
    "model",
    "device",
    "num_beams",
    "exclude_seen",
    "batch_size",
    "training",
];

impl Tiger {
    /// The same with the weights in a folder in place of a training.
    pub(crate) fn with_weights(&self, folder: PathBuf) -> Self {
        Tiger {
            model: Some(folder),
            ..self.clone()
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let Some(folder) = &self.model else {
            return Ok(Vec::new());
        };
        let folder = find_model(&folder.display().to_string())?;
        let files = [CONFIG, ITEMS, CODES, WEIGHTS].map(|name| folder.join(name));
        match files.iter().find(|file| !file.is_file()) {
            Some(missing) => Err(Error::input(
                missing,
                "this file of a trained model is missing",
            )),
            None => Ok(files.into()),
        }
    }

    /// The identity with the device as it is opened; the files of models are inputs, wherever they lie.
    fn own_identity(&self) -> Result<Identity> {
        let device = self.device.open()?;
        Identity::of(self)?
            .with_option("model", Value::Null)?
            .with_option("device", device_kind(device).into())
            .map(|identity| identity.with_machine(machine(device)))
    }

    /// The trained network and its codes.
    fn searcher(&self, folder: &Path, data: &Data) -> Result<Searcher> {
        let options = serde_json::to_value(self)
            .map_err(|error| Error::Internal(format!("options of a model: {error}")))?;
        check_config(folder, "tiger", &options, &OF_USE)?;
        check_items(folder, &data.catalogue)?;
        let codes = Codes::read(&folder.join(CODES), sizes(folder)?)?;
        let vocabulary = Vocabulary::new(&codes, self);
        let device = self.device.open()?;
        let mut builder = Builder::default();
        let network = T5::new(&mut builder, &self.network, vocabulary.len());
        let failed = || torch_error("load the model");
        let parameters = builder.draw(0, device).map_err(failed())?;
        load_weights(folder, &parameters, device)?.warn_of_unread();
        Ok(Searcher {
            network,
            leaves: Leaves::fixed(&parameters).map_err(failed())?,
            vocabulary,
            trie: Trie::new(codes),
            device,
            num_beams: self.num_beams,
        })
    }
}

/// The numbers of codes of each level.
fn sizes(folder: &Path) -> Result<Vec<usize>> {
    let path = folder.join(CONFIG);
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    let config: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(&path, format!("this is not JSON: {error}")))?;
    serde_json::from_value(config["sizes"].clone()).map_err(|error| {
        Error::input(
            &path,
            format!("`sizes`, those of the levels of codes: {error}"),
        )
    })
}

impl QueryGenerator for Tiger {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics()
    }

    fn produces(&self) -> QueryKind {
        QueryKind::Items
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.files()
    }

    fn identity(&self) -> Result<Identity> {
        self.own_identity()
    }

    fn trainer(&self) -> Option<&dyn Trainer> {
        self.model.is_none().then_some(self)
    }

    fn export(&self, folder: &Path, _: &Context) -> Result<()> {
        for file in self.files()? {
            let to = folder.join(file.file_name().unwrap_or_default());
            fs::copy(&file, &to).map_err(Error::io("write", &to))?;
        }
        Ok(())
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let Some(folder) = &self.model else {
            let message = "it has to be trained before it is opened";
            return Err(Error::component("generator `tiger`", message));
        };
        let folder = find_model(&folder.display().to_string())?;
        Ok(Box::new(Writer {
            options: self,
            searcher: self.searcher(&folder, data)?,
            context,
        }))
    }
}

impl Trainer for Tiger {
    fn identity(&self) -> Result<Identity> {
        self.own_identity()?
            .with_option("num_beams", Value::Null)?
            .with_option("exclude_seen", Value::Null)?
            .with_option("batch_size", Value::Null)
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.tokenizer.inputs()
    }

    fn metric(&self) -> Option<&str> {
        self.training.metric()
    }

    fn train(
        &self,
        data: &Data,
        folder: &Path,
        validate: &Validate<'_>,
        context: &Context,
    ) -> Result<()> {
        train::train(self, data, folder, validate, context)
    }

    fn trained(&self, folder: &Path) -> Arc<dyn QueryGenerator> {
        Arc::new(self.with_weights(folder.join(MODEL)))
    }
}

/// The generator at work.
struct Writer<'a> {
    options: &'a Tiger,
    searcher: Searcher,
    context: &'a Context,
}

impl Generator for Writer<'_> {
    fn batch_size(&self) -> usize {
        8 * self.options.batch_size
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let mut queries: Vec<Vec<Query>> = histories.iter().map(|_| Vec::new()).collect();
        // Similar lengths together, so that little is filled up.
        let mut order: Vec<usize> = (0..histories.len()).collect();
        order.retain(|at| !histories[*at].items.is_empty());
        order.sort_by_key(|at| histories[*at].items.len());
        for group in order.chunks(self.options.batch_size) {
            self.context.check()?;
            let (inputs, hidden): (Vec<_>, Vec<_>) = group
                .iter()
                .map(|at| self.prepared(&histories[*at]))
                .unzip();
            let ranked = tch::no_grad(|| self.searcher.search(&inputs, &hidden))?;
            for (at, ranking) in group.iter().zip(ranked) {
                if ranking.iter().any(|(_, score)| !score.is_finite()) {
                    let user = histories[*at].user;
                    return Err(Error::component(
                        "generator tiger",
                        format!(
                            "the scores for user {user} are not finite; are the weights damaged?"
                        ),
                    ));
                }
                if !ranking.is_empty() {
                    queries[*at] = vec![Query::items(ranking)];
                }
            }
        }
        Ok(queries)
    }
}

impl Writer<'_> {
    /// The tokens of a history, and the places of items that are not to be written.
    fn prepared(&self, history: &History<'_>) -> (Vec<i64>, Vec<usize>) {
        let searcher = &self.searcher;
        let codes = searcher.trie.codes();
        let tokens = searcher
            .vocabulary
            .input(codes, history.user, history.items);
        let hidden = match self.options.exclude_seen {
            true => searcher.trie.places(history.items),
            false => Vec::new(),
        };
        (tokens, hidden)
    }
}
