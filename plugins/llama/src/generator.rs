//! From histories to prompts, from prompts to texts or items, as queries.

use std::path::{Path, PathBuf};

use gloss_core::{
    Catalogue, Context, Data, Diagnostic, Error, Generator, History, Identity, Query,
    QueryGenerator, QueryKind, Result, Trainer, find_model,
};
use gloss_torch::{Adapter, Checkpoint, Precision, device_kind, machine, torch_error_with};
use serde_json::{Value, json};
use tch::{Device, Kind};

use crate::architecture::Architecture;
use crate::beam::{BeamSearch, Sequence};
use crate::config::{EarlyStopping, Llama, Quantize};
use crate::constraint::Constraint;
use crate::engine::{Decoding, Engine, Limits};
use crate::model::{LoadOptions, Model};
use crate::prompt::{Format, Prompts};
use crate::sample::Sampler;
use crate::tokenizer::Tokenizer;
use crate::train::RANDOM;
use crate::trie::Trie;

/// The paper's.
const MAX_NEW_TOKENS: usize = 50;

/// Batches that are sorted by length together.
const BATCHES_AT_ONCE: usize = 8;

impl QueryGenerator for Llama {
    fn check(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let mut diagnostic = |wrong: bool, key: &str, message: &str| {
            if wrong {
                diagnostics.push(Diagnostic::new(key, message));
            }
        };
        diagnostic(
            self.model.is_none() && self.adapter.is_none(),
            "model",
            "neither a model nor an adapter is given; give the folder or the name of a checkpoint",
        );
        diagnostic(
            self.num_return_sequences
                .is_some_and(|sequences| sequences > self.num_beams),
            "num_return_sequences",
            "there are fewer beams than that",
        );
        diagnostic(
            self.exclude_seen && !self.constrained,
            "exclude_seen",
            "needs `constrained = true`; `ranking.seen = \"exclude\"` leaves seen items out of the \
             ranking of any generator",
        );
        diagnostic(
            self.max_new_tokens
                .is_some_and(|new| new >= self.max_length),
            "max_new_tokens",
            "leaves no room for a prompt in `max_length`",
        );
        diagnostic(
            self.max_new_tokens.is_none() && !self.constrained && self.max_length <= MAX_NEW_TOKENS,
            "max_length",
            "leaves no room for a prompt before a new text; raise it, or give fewer \
             `max_new_tokens`",
        );
        diagnostic(
            self.merge_adapter.is_some() && self.adapter.is_none() && self.training.is_none(),
            "merge_adapter",
            "there is no `adapter`",
        );
        diagnostic(
            self.merge_adapter == Some(true) && self.quantize != Quantize::None,
            "merge_adapter",
            "an adapter cannot be added to quantised weights; leave it out, or do not quantize",
        );
        let searches = self.constrained
            || self.length_penalty.is_some()
            || self.early_stopping != EarlyStopping::Flag(false)
            || self.num_return_sequences.is_some();
        diagnostic(
            self.sampling.is_some() && searches,
            "sampling",
            "texts are drawn, not searched for; leave out `constrained`, `num_return_sequences`, \
             `length_penalty` and `early_stopping`",
        );
        diagnostics.extend(self.check_training());
        diagnostics
    }

    fn trainer(&self) -> Option<&dyn Trainer> {
        self.training.is_some().then_some(self)
    }

    fn produces(&self) -> QueryKind {
        match self.constrained {
            true => QueryKind::Items,
            false => QueryKind::Text,
        }
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        if self.model.as_deref() == Some(RANDOM) {
            return Ok(Vec::new());
        }
        let folder = self.folder()?;
        let mut files = vec![Architecture::file(&folder)];
        let described = [
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ];
        let described = described.iter().map(|name| folder.join(name));
        files.extend(described.filter(|path| path.is_file()));
        files.extend(Checkpoint::open(&folder)?.files().map(Path::to_path_buf));
        if let Some(adapter) = &self.adapter {
            files.push(adapter.join("adapter_config.json"));
            files.push(adapter.join("adapter_model.safetensors"));
        }
        Ok(files)
    }

    fn identity(&self) -> Result<Identity> {
        let device = self.device.open()?;
        let dtype = Precision::of(self.kind(device));
        // The files of model and adapter are inputs, wherever they lie.
        Identity::of(self)?
            .with_option("model", Value::Null)?
            .with_option("adapter", Value::Null)?
            .with_option("device", device_kind(device).into())?
            .with_option("dtype", json!(dtype))
            .map(|identity| identity.with_machine(machine(device)))
    }

    fn export(&self, folder: &Path, context: &Context) -> Result<()> {
        crate::export::export(self, folder, context)
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        if self.training.is_some() {
            let message = "it has to be trained before it is opened";
            return Err(Error::component("generator `llama`", message));
        }
        Ok(Box::new(Writer::new(self, data, context)?))
    }
}

impl Llama {
    /// The folder of the checkpoint.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        if let Some(model) = &self.model {
            return find_model(model);
        }
        let Some(folder) = &self.adapter else {
            return Err(Error::Usage("no model is given".to_string()));
        };
        match Adapter::open(folder)?.base() {
            Some(base) => find_model(base),
            None => Err(Error::input(
                folder.join("adapter_config.json"),
                "it does not name the model that the adapter is for; give `model`",
            )),
        }
    }

    /// Warns of an adapter that says to be for another model than the one that is given.
    fn compare_base(&self) -> Result<()> {
        let (Some(model), Some(adapter)) = (&self.model, &self.adapter) else {
            return Ok(());
        };
        let adapter = Adapter::open(adapter)?;
        let name = |path: &str| {
            Path::new(path)
                .file_name()
                .map(|name| name.to_ascii_lowercase())
        };
        if let Some(base) = adapter.base().filter(|base| name(base) != name(model)) {
            tracing::warn!(
                base,
                model,
                "the adapter says to be for another model than is given"
            );
        }
        Ok(())
    }

    pub(crate) fn kind(&self, device: Device) -> Kind {
        match self.dtype {
            Some(precision) => precision.kind(),
            None if device.is_cuda() => Kind::BFloat16,
            None => Kind::Float,
        }
    }

    fn load(&self, folder: &Path) -> Result<Model> {
        let device = self.device.open()?;
        let options = LoadOptions {
            device,
            kind: self.kind(device),
            quantize: self.quantize == Quantize::Nf4,
            merge: self.merge_adapter.unwrap_or(true),
        };
        self.check_quantised(&Architecture::read(folder)?, folder)?;
        self.compare_base()?;
        let mut model = Model::load(folder, self.adapter.as_deref(), options)?;
        if self.dequantize {
            let advice = "Without `dequantize` less is needed";
            let failed = torch_error_with("dequantise the weights", advice);
            model.dequantize().map_err(failed)?;
        }
        Ok(model)
    }

    /// Checks options that would otherwise fail only at generation, after the training.
    pub(crate) fn check_writing(
        &self,
        (prompts, catalogue): (&Prompts<'_>, &Catalogue),
        (architecture, folder): (&Architecture, &Path),
    ) -> Result<()> {
        self.check_quantised(architecture, folder)?;
        if self.constrained {
            self.new_tokens(Some(&Trie::new(prompts, catalogue, prompts.end())?))?;
        }
        Ok(())
    }

    /// Holds the options against a checkpoint that is quantised, or is not.
    fn check_quantised(&self, architecture: &Architecture, folder: &Path) -> Result<()> {
        let refused = |message: &str| Err(Error::input(Architecture::file(folder), message));
        if self.dequantize && self.quantize == Quantize::None && !architecture.nf4 {
            return refused(
                "the checkpoint is not quantised; leave out `dequantize`, or give `quantize`",
            );
        }
        if self.merge_adapter == Some(true) && architecture.nf4 {
            return refused(
                "the checkpoint is quantised, and an adapter cannot be added to quantised weights; \
                 leave out `merge_adapter`",
            );
        }
        Ok(())
    }
}

/// The generator at work.
struct Writer<'a> {
    options: &'a Llama,
    context: &'a Context,
    prompts: Prompts<'a>,
    engine: Engine,
    mode: DecodingMode,
}

/// The decoding mode.
enum DecodingMode {
    Free(BeamSearch),
    Catalogue(BeamSearch, Box<Constraint>),
    Drawn(Sampler),
}

impl<'a> Writer<'a> {
    fn new(options: &'a Llama, data: &'a Data, context: &'a Context) -> Result<Self> {
        let folder = options.folder()?;
        let architecture = Architecture::read(&folder)?;
        let tokenizer = Tokenizer::open(&folder, architecture.vocabulary as usize)?;
        let catalogue = &data.catalogue;
        let (format, truncation) = (options.format, options.truncation);
        let prompts = |room| Prompts::of_format(format, &tokenizer, catalogue, truncation, room);
        let trie = match options.constrained {
            true => {
                let all = prompts(options.max_length)?;
                Some(Trie::new(&all, catalogue, all.end())?)
            }
            false => None,
        };
        let new_tokens = options.new_tokens(trie.as_ref())?;
        let prompts = prompts(options.max_length - new_tokens)?;
        let model = options.load(&folder)?;
        let mode = options.mode(new_tokens, &prompts, trie, &model)?;
        let limits = Limits {
            users: options.batch_size.unwrap_or(match model.device.is_cuda() {
                true => 256,
                false => 16,
            }),
            cache_bytes: (options.cache_memory * f64::from(1 << 30)) as i64,
        };
        let engine = Engine::new(model, &prompts.shared(), options.max_length, limits)?;
        Ok(Writer {
            options,
            context,
            prompts,
            engine,
            mode,
        })
    }

    /// A user's queries: one of items, or one for each text.
    fn queries(&self, sequences: &[Sequence], history: &History<'_>) -> Result<Vec<Query>> {
        let DecodingMode::Catalogue(_, constraint) = &self.mode else {
            return sequences
                .iter()
                .map(|sequence| self.text(sequence))
                .collect();
        };
        let seen = match self.options.exclude_seen {
            true => history.items,
            false => &[],
        };
        let ranking = sequences.iter().filter_map(|sequence| {
            let item = constraint.item(&sequence.tokens, seen)?;
            Some((item, sequence.log_probability))
        });
        let ranking: Vec<(u32, f32)> = ranking.collect();
        Ok(match ranking.is_empty() {
            true => Vec::new(),
            false => vec![Query::items(ranking)],
        })
    }

    fn text(&self, sequence: &Sequence) -> Result<Query> {
        let text = self.prompts.tokenizer().decode(&sequence.tokens)?;
        let text = match self.options.format {
            Format::Paper => text.as_str(),
            Format::List => text.trim_end_matches('\n'),
        };
        Ok(Query {
            log_probability: sequence.log_probability,
            ..Query::text(text)
        })
    }
}

impl Llama {
    /// The most tokens of a text: with a trie at least as many as its longest path.
    fn new_tokens(&self, trie: Option<&Trie>) -> Result<usize> {
        let Some(trie) = trie else {
            return Ok(self.max_new_tokens.unwrap_or(MAX_NEW_TOKENS));
        };
        let longest = trie.depth();
        let tokens = self.max_new_tokens.unwrap_or(longest);
        match tokens >= longest && longest < self.max_length {
            true => Ok(tokens),
            false => Err(Error::Usage(format!(
                "the longest item has {longest} tokens, and could never be written: \
                 `max_new_tokens` is {tokens}, and `max_length` is {}; raise them",
                self.max_length
            ))),
        }
    }

    fn mode(
        &self,
        new_tokens: usize,
        prompts: &Prompts<'_>,
        trie: Option<Trie>,
        model: &Model,
    ) -> Result<DecodingMode> {
        let max_new_tokens = new_tokens as i64;
        if let Some(sampling) = &self.sampling {
            return Ok(DecodingMode::Drawn(Sampler {
                sequences: self.num_beams as i64,
                temperature: sampling.temperature,
                top_k: sampling.top_k as i64,
                top_p: sampling.top_p,
                seed: sampling.seed,
                max_new_tokens,
                eos: prompts.ends(),
            }));
        }
        let search = BeamSearch {
            beams: self.num_beams as i64,
            length_penalty: self.length_penalty.unwrap_or(match self.constrained {
                true => 0.0,
                false => 1.0,
            }),
            early_stopping: self.early_stopping.into(),
            max_new_tokens,
            eos: match self.constrained {
                true => vec![prompts.end()],
                false => prompts.ends(),
            },
        };
        Ok(match trie {
            None => DecodingMode::Free(search),
            Some(trie) => {
                DecodingMode::Catalogue(search, Box::new(Constraint::new(trie, model.device)?))
            }
        })
    }
}

impl Generator for Writer<'_> {
    fn batch_size(&self) -> usize {
        BATCHES_AT_ONCE * self.engine.limits().users
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let items: Vec<&[u32]> = histories.iter().map(|history| history.items).collect();
        let prompts = self.prompts.tokens_batch(&items)?;
        let blocked: Vec<Vec<i64>>;
        let decoding = match &self.mode {
            DecodingMode::Free(search) => Decoding::BeamSearch(search),
            DecodingMode::Drawn(sampler) => Decoding::Sample(sampler),
            DecodingMode::Catalogue(search, constraint) => {
                let exclude = self.options.exclude_seen;
                let blocks = |items: &&[u32]| match exclude {
                    true => constraint.trie().blocked(items),
                    false => Vec::new(),
                };
                blocked = items.iter().map(blocks).collect();
                Decoding::Catalogue(search, constraint, &blocked)
            }
        };
        let texts = self.engine.generate(&prompts, &decoding, self.context)?;
        let most = self
            .options
            .num_return_sequences
            .unwrap_or(self.options.num_beams);
        let pairs = histories.iter().zip(&texts);
        let queries =
            pairs.map(|(history, texts)| self.queries(&texts[..texts.len().min(most)], history));
        queries.collect()
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        let truncated = self.prompts.truncated();
        if truncated > 0 {
            tracing::warn!(
                truncated,
                policy = ?self.options.truncation,
                "prompts were longer than `max_length` allows and were truncated"
            );
        }
    }
}
