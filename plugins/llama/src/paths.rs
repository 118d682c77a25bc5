//! The items of a catalogue as sequences of tokens that follow a prompt.

use gloss_core::{Catalogue, Error, Result};
use rayon::prelude::*;

use crate::prompt::Prompts;

/// The tokens of all items as next ones: their codes, or their texts with the token that ends one.
///
/// # Errors
/// If an item's text is empty, holds the token that ends one, or is not what the tokenizer makes of its tokens.
pub(crate) fn paths_of_items(prompts: &Prompts<'_>) -> Result<Vec<Vec<i64>>> {
    match (prompts.codes(), prompts.ends_of_items().as_slice()) {
        (None, [end, ..]) => paths_of_texts(prompts, prompts.catalogue(), *end),
        (codes, _) => Ok(codes.unwrap_or_default().to_vec()),
    }
}

/// The tokens of all items' texts as they follow a prompt, each with `eos`.
pub(crate) fn paths_of_texts(
    prompts: &Prompts<'_>,
    catalogue: &Catalogue,
    eos: i64,
) -> Result<Vec<Vec<i64>>> {
    (0..catalogue.len() as u32)
        .into_par_iter()
        .map(|item| path_of(prompts, catalogue, item, eos))
        .collect()
}

/// The tokens of an item's text, and EOS.
fn path_of(prompts: &Prompts<'_>, catalogue: &Catalogue, item: u32, eos: i64) -> Result<Vec<i64>> {
    let item = catalogue.item(item);
    let refused = |reason: String| {
        Err(Error::Usage(format!(
            "item {} cannot be written token by token: {reason}",
            item.id
        )))
    };
    let mut tokens = match prompts.continuation(&item.text) {
        Ok(tokens) => tokens,
        Err(error) => return refused(error.to_string()),
    };
    if tokens.is_empty() {
        return refused("its text is empty".to_string());
    }
    if tokens.contains(&eos) {
        return refused(format!(
            "its text `{}` holds the token that ends a text",
            item.text
        ));
    }
    let text = prompts.tokenizer().decode(&tokens)?;
    if text != item.text {
        return refused(format!(
            "its text `{}` comes back from the tokenizer as `{text}`",
            item.text
        ));
    }
    tokens.push(eos);
    Ok(tokens)
}
