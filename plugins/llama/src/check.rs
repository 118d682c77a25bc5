//! Faults of the options that can be seen before anything is read.

use gloss_core::Diagnostic;
use gloss_torch::Precision;

use crate::config::{Batching, EarlyStopping, Llama, Method, Quantize, RANDOM};
use crate::prompt::Format;
use crate::resolve::MAX_NEW_TOKENS;

impl Llama {
    /// Faults of the options.
    pub(crate) fn check_options(&self) -> Vec<Diagnostic> {
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
            self.exclude_seen && !self.writes_items(),
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
            self.max_new_tokens.is_none()
                && !self.writes_items()
                && self.max_length <= MAX_NEW_TOKENS,
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
        diagnostics.extend(self.check_search());
        diagnostics.extend(self.check_codes());
        diagnostics.extend(self.check_training());
        diagnostics
    }

    /// Options of a search that have no effect beside others.
    fn check_search(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let mut diagnostic = |wrong: bool, key: &str, message: &str| {
            if wrong {
                diagnostics.push(Diagnostic::new(key, message));
            }
        };
        let searches = self.writes_items()
            || self.length_penalty.is_some()
            || self.early_stopping != EarlyStopping::Flag(false)
            || self.num_return_sequences.is_some();
        diagnostic(
            self.sampling.is_some() && searches,
            "sampling",
            "texts are drawn, not searched for; leave out `constrained`, `format = \"semantic-ids\"`, \
             `num_return_sequences`, `length_penalty` and `early_stopping`",
        );
        diagnostic(
            self.max_new_tokens.is_some() && self.format == Format::SemanticIds,
            "max_new_tokens",
            "is for texts; an item has as many tokens as codes",
        );
        let of_codes = self.format == Format::SemanticIds;
        let ended = "is for texts; all items have as many codes, after which their search ends";
        diagnostic(
            of_codes && self.length_penalty.is_some(),
            "length_penalty",
            ended,
        );
        let stops = self.early_stopping != EarlyStopping::Flag(false);
        diagnostic(of_codes && stops, "early_stopping", ended);
        diagnostics
    }

    /// Faults of the options of training.
    fn check_training(&self) -> Vec<Diagnostic> {
        let random = self.model.as_deref() == Some(RANDOM);
        let mut diagnostics = Vec::new();
        let mut diagnostic = |wrong: bool, key: &str, message: &str| {
            if wrong {
                diagnostics.push(Diagnostic::new(key, message));
            }
        };
        diagnostic(
            self.random.is_some() && !random,
            "random",
            "is what `model = \"random\"` is made by, and the model is another",
        );
        let Some(training) = &self.training else {
            diagnostic(
                random,
                "model",
                "a random model knows nothing; train it: `training = { method = \"full\" }`",
            );
            return diagnostics;
        };
        let full = training.method == Method::Full;
        diagnostic(
            random && !full,
            "training.method",
            "a random model has to be trained in full: `full`",
        );
        diagnostic(
            full && self.adapter.is_some(),
            "adapter",
            "cannot be trained in full; `gloss export` adds it to the weights first",
        );
        diagnostic(
            full && self.quantize != Quantize::None,
            "quantize",
            "quantised weights cannot be trained in full",
        );
        diagnostic(
            full && training.lora_dropout > 0.0,
            "training.lora_dropout",
            "is for low-rank matrices, and there are none",
        );
        diagnostic(
            self.dtype == Some(Precision::F16),
            "dtype",
            "has too small a range for training; use `bf16` or `f32`",
        );
        diagnostic(
            training.batching == Batching::Padded && training.packed_tokens.is_some(),
            "training.packed_tokens",
            "is for packed texts, and these are padded",
        );
        diagnostics
    }
}
