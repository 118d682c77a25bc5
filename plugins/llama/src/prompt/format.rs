//! The options of prompts.

use gloss_core::PromptFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format of a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The paper's: an instruction, the purchases, and a heading for the next item, which the end
    /// of the text follows.
    #[default]
    Paper,
    /// The purchases alone, one a line; the next item is the next line. Every item of a text that is
    /// trained on stands in the place of a next item, so that one text teaches all its prefixes.
    List,
    /// As `list`, with the codes that `item_tokenizer` gives an item in place of its text, each of which is a token. Only
    /// items of the catalogue are written.
    SemanticIds,
}

impl Format {
    pub(super) fn texts(self) -> PromptFormat {
        match self {
            Format::Paper => PromptFormat::Paper,
            Format::List | Format::SemanticIds => PromptFormat::List,
        }
    }

    pub(super) fn before(self) -> &'static str {
        self.texts().before()
    }

    pub(super) fn after(self) -> &'static str {
        self.texts().after()
    }
}

/// The part that is cut from a prompt that is too long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Truncation {
    /// The first tokens of the prompt, whatever they are: the instruction goes before the oldest
    /// purchase does. What the paper does.
    #[default]
    Left,
    /// The oldest purchases, each as a whole; the instruction stays.
    OldestItems,
}
