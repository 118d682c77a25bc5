//! From histories to prompts, from prompts to texts or items, as queries.

use std::path::{Path, PathBuf};

use gloss_core::{
    Context, Data, Diagnostic, Error, Generator, History, Identity, Query, QueryGenerator,
    QueryKind, Result, ScorePart, Trainer,
};
use gloss_decoding::{BeamSearch, Constraint, Decoding, Sampler, Sequence, Trie};
use gloss_torch::{Adapter, Precision, device_kind, machine, torch_error_with};
use serde_json::{Value, json};

use crate::architecture::Architecture;
use crate::codes::Vocabulary;
use crate::config::{EarlyStopping, Llama, Never, Quantize};
use crate::engine::{Engine, Limits};
use crate::generation_config;
use crate::model::{LoadOptions, Model};
use crate::paths::paths_of_items;
use crate::prompt::{Format, Prompts};
use crate::resolve::longest;
use crate::tokenizer::Tokenizer;

/// Batches that are sorted by length together.
const BATCHES_AT_ONCE: usize = 8;

impl QueryGenerator for Llama {
    fn check(&self) -> Vec<Diagnostic> {
        self.check_options()
    }

    fn trainer(&self) -> Option<&dyn Trainer> {
        self.training.is_some().then_some(self)
    }

    fn produces(&self) -> QueryKind {
        match self.writes_items() {
            true => QueryKind::Items,
            false => QueryKind::Text,
        }
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.files()
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
        generation_config::warn_of_ignored(&folder)?;
        let architecture = Architecture::read(&folder)?;
        let tokenizer = Tokenizer::open(&folder, architecture.vocabulary as usize)?;
        let codes = options.trained_codes(&data.catalogue)?;
        let Vocabulary { tokenizer, codes } = Vocabulary::new(codes, tokenizer)?;
        let codes = codes.as_ref();
        let prompts = |room| options.prompts(&tokenizer, codes, &data.catalogue, room);
        let paths = match options.writes_items() {
            true => Some(paths_of_items(&prompts(options.max_length)?)?),
            false => None,
        };
        let new_tokens = options.new_tokens(paths.as_deref().and_then(longest))?;
        let trie = paths.as_deref().map(Trie::new);
        let prompts = prompts(options.max_length - new_tokens)?;
        let model = load(options, &folder)?;
        let mode = mode(options, new_tokens, &prompts, trie, &model)?;
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
        if sequences.iter().any(|s| !s.log_probability.is_finite()) {
            return Err(Error::component(
                "generator llama",
                format!(
                    "the model's logits for user {} are not finite; are the weights damaged, or is \
                     `dtype` = \"f16\" too narrow for this model?",
                    history.user
                ),
            ));
        }
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
        // A text is written for the first item that has it; codes stand for all of their items.
        let most = match self.options.format {
            Format::SemanticIds => usize::MAX,
            Format::Paper | Format::List => 1,
        };
        let ranking = sequences.iter().flat_map(|sequence| {
            let items = constraint.items(&sequence.tokens, seen).take(most);
            items.map(|item| (item, sequence.log_probability))
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
            Format::List | Format::SemanticIds => text.trim_end_matches('\n'),
        };
        Ok(Query {
            log_probability: sequence.log_probability,
            ..Query::text(text)
        })
    }
}

fn load(llama: &Llama, folder: &Path) -> Result<Model> {
    let device = llama.device.open()?;
    let options = LoadOptions {
        device,
        kind: llama.kind(device),
        quantize: llama.quantize == Quantize::Nf4,
        merge: llama.merge_adapter.unwrap_or(true),
    };
    llama.check_checkpoint(&Architecture::read(folder)?, folder)?;
    compare_base(llama)?;
    let mut model = Model::load(folder, llama.adapter.as_deref(), options)?;
    if llama.dequantize {
        let advice = "Without `dequantize` less is needed";
        let failed = torch_error_with("dequantise the weights", advice);
        model.dequantize().map_err(failed)?;
    }
    Ok(model)
}

/// Warns of an adapter that says to be for another model than the one that is given.
fn compare_base(options: &Llama) -> Result<()> {
    let (Some(model), Some(adapter)) = (&options.model, &options.adapter) else {
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

fn mode(
    options: &Llama,
    new_tokens: usize,
    prompts: &Prompts<'_>,
    trie: Option<Trie>,
    model: &Model,
) -> Result<DecodingMode> {
    let max_new_tokens = new_tokens as i64;
    if let Some(sampling) = &options.sampling {
        return Ok(DecodingMode::Drawn(Sampler {
            sequences: options.num_beams as i64,
            temperature: sampling.temperature,
            top_k: sampling.top_k as i64,
            top_p: sampling.top_p,
            seed: sampling.seed,
            max_new_tokens,
            eos: prompts.ends(),
        }));
    }
    let search = BeamSearch {
        beams: options.num_beams as i64,
        length_penalty: options
            .length_penalty
            .unwrap_or(match options.writes_items() {
                true => 0.0,
                false => 1.0,
            }),
        early_stopping: rule(options.early_stopping),
        max_new_tokens,
        eos: match options.writes_items() {
            true => prompts.ends_of_items(),
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

/// The rule by which a search ends, from the option.
fn rule(option: EarlyStopping) -> gloss_decoding::EarlyStopping {
    match option {
        EarlyStopping::Flag(false) => gloss_decoding::EarlyStopping::Heuristic,
        EarlyStopping::Flag(true) => gloss_decoding::EarlyStopping::Full,
        EarlyStopping::Word(Never::Never) => gloss_decoding::EarlyStopping::Never,
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

    /// Returns a part for each token that the tokenizer makes of the text, and one for its end.
    fn explain(&mut self, history: &History<'_>, text: &str) -> Result<Vec<ScorePart>> {
        let prompt = self.prompts.tokens(history.items)?;
        let tokens = self.tokens_of(text)?;
        let scores = self.engine.model().log_probabilities(&prompt, &tokens)?;
        let parts = tokens.iter().zip(scores).map(|(token, score)| {
            let of = self.token(*token)?;
            Ok(ScorePart { of, score })
        });
        parts.collect()
    }
}

impl Writer<'_> {
    /// The tokens of a text with its end, or the codes of the first item that has it.
    fn tokens_of(&self, text: &str) -> Result<Vec<i64>> {
        if self.options.format != Format::SemanticIds {
            let tokens = self.prompts.continuation(text)?;
            return Ok([tokens, self.prompts.ends_of_items()].concat());
        }
        let items = self.prompts.catalogue().items();
        match (0..).zip(items).find(|(_, item)| item.text == text) {
            Some((item, _)) => self.prompts.next(item),
            None => Err(Error::Usage(format!("no item has the text `{text}`"))),
        }
    }

    /// A token as it reads in a text; one that has no text of its own, such as that of the end, by its
    /// name in the vocabulary.
    fn token(&self, token: i64) -> Result<String> {
        let tokenizer = self.prompts.tokenizer();
        let text = tokenizer.decode(&[token])?;
        Ok(match text.is_empty() {
            true => tokenizer.name(token).unwrap_or_else(|| token.to_string()),
            false => text,
        })
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
