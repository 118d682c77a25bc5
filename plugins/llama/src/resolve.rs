//! The options that training and generation both follow: folder, files, numbers and lengths.

use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Error, Result, find_model};
use gloss_torch::{Adapter, Checkpoint};
use tch::{Device, Kind};

use crate::architecture::Architecture;
use crate::codes::CodeTokens;
use crate::config::{Llama, Quantize, RANDOM};
use crate::paths::paths_of_items;
use crate::prompt::{Format, Prompts};
use crate::tokenizer::Tokenizer;

/// The default of `max_new_tokens`, as in the paper.
pub(crate) const MAX_NEW_TOKENS: usize = 50;

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

    pub(crate) fn kind(&self, device: Device) -> Kind {
        match self.dtype {
            Some(precision) => precision.kind(),
            None if device.is_cuda() => Kind::BFloat16,
            None => Kind::Float,
        }
    }

    /// Checks options that would otherwise fail only at generation, after the training.
    pub(crate) fn check_writing(
        &self,
        prompts: &Prompts<'_>,
        (architecture, folder): (&Architecture, &Path),
    ) -> Result<()> {
        self.check_checkpoint(architecture, folder)?;
        if self.writes_items() {
            self.new_tokens(longest(&paths_of_items(prompts)?))?;
        }
        Ok(())
    }

    /// The prompts of at most `room` tokens, of codes or of texts.
    pub(crate) fn prompts<'a>(
        &self,
        tokenizer: &Tokenizer,
        codes: Option<&CodeTokens>,
        catalogue: &'a Catalogue,
        room: usize,
    ) -> Result<Prompts<'a>> {
        let truncation = self.truncation;
        match codes {
            Some(codes) => Prompts::of_codes(codes, tokenizer, catalogue, truncation, room),
            None => Prompts::of_format(self.format, tokenizer, catalogue, truncation, room),
        }
    }

    /// Returns `true` if nothing but items of the catalogue is written.
    pub(crate) fn writes_items(&self) -> bool {
        self.constrained || self.format == Format::SemanticIds
    }

    /// All files that the model is read from.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
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
            files.extend(Adapter::open(adapter)?.files().map(Path::to_path_buf));
        }
        files.extend(self.codes_file()?);
        Ok(files)
    }

    /// The most tokens of a text: if items are written, at least as many as the `longest` has.
    pub(crate) fn new_tokens(&self, longest: Option<usize>) -> Result<usize> {
        let Some(longest) = longest else {
            return Ok(self.max_new_tokens.unwrap_or(MAX_NEW_TOKENS));
        };
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

    /// Checks the options against the checkpoint's quantisation and positions.
    pub(crate) fn check_checkpoint(
        &self,
        architecture: &Architecture,
        folder: &Path,
    ) -> Result<()> {
        let refused = |message: &str| Err(Error::input(Architecture::file(folder), message));
        if let Err(message) = architecture.rope.check(self.max_length) {
            return refused(&message);
        }
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

/// The number of tokens of the longest item; 0 if there is none.
pub(crate) fn longest(paths: &[Vec<i64>]) -> Option<usize> {
    Some(paths.iter().map(Vec::len).max().unwrap_or(0))
}
