//! Prompts of language models: a history as text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Catalogue;

/// Everything before the purchases. Two of its lines end with a space.
const INSTRUCTION: &str = "\
Below is a customer's purchase history on Amazon, listed in chronological order (earliest to latest). \n\
Each item is represented by the following format: Title: <item title> \n\
Based on this history, predict **only one** item the customer is most likely to purchase next in the same format.\n\
\n\
### Purchase history:\n";

/// Everything between the purchases and the next item.
const NEXT_ITEM: &str = "\n\n### Next item:\n";

/// The beginning of a bare list.
const HEADING: &str = "Purchases:\n";

/// The format of a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PromptFormat {
    /// The paper's: an instruction, the purchases, and a heading for the next item, which the end
    /// of the text follows.
    #[default]
    Paper,
    /// The purchases alone, one a line; the next item is the next line. Every item of a text that is
    /// trained on stands in the place of a next item, so that one text teaches all its prefixes.
    List,
}

impl PromptFormat {
    /// Everything before the purchases.
    pub fn before(self) -> &'static str {
        match self {
            PromptFormat::Paper => INSTRUCTION,
            PromptFormat::List => HEADING,
        }
    }

    /// Everything between the purchases and the next item.
    pub fn after(self) -> &'static str {
        match self {
            PromptFormat::Paper => NEXT_ITEM,
            PromptFormat::List => "\n",
        }
    }

    /// The prompt of a history of catalogue positions, oldest first; the next item's text is to follow.
    pub fn text(self, catalogue: &Catalogue, history: &[u32]) -> String {
        let items = history.iter().map(|&item| catalogue.item(item));
        let items: Vec<&str> = items.map(|item| item.text.as_str()).collect();
        let after = match (self, history) {
            (PromptFormat::List, []) => "",
            _ => self.after(),
        };
        [self.before(), &items.join("\n"), after].concat()
    }
}
