//! The texts of a catalogue as a trie, so that a search writes nothing but items.

use gloss_core::{Catalogue, Result};
use gloss_decoding::Trie;

use crate::paths::paths_of_texts;
use crate::prompt::Prompts;

/// The trie of the items' texts as they follow a prompt, ended by the token `eos`.
///
/// # Errors
/// If an item's text is empty, holds `eos`, or is not what the tokenizer makes of its tokens.
pub fn trie_of_texts(prompts: &Prompts<'_>, catalogue: &Catalogue, eos: i64) -> Result<Trie> {
    Ok(Trie::new(&paths_of_texts(prompts, catalogue, eos)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Truncation;
    use crate::tokenizer::Tokenizer;
    use gloss_core::Item;
    use std::path::Path;

    const EOS: i64 = 2;

    fn tokenizer() -> Tokenizer {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer");
        Tokenizer::open(&folder, 768).unwrap()
    }

    fn trie(texts: &[String]) -> Result<(Trie, Vec<Vec<i64>>)> {
        let item = |(index, text): (usize, &String)| Item {
            id: format!("id{index}"),
            text: text.clone(),
            fields: Vec::new(),
        };
        let items = texts.iter().enumerate().map(item).collect();
        let catalogue = Catalogue::new(items, Vec::new())?;
        let prompts = Prompts::new(&tokenizer(), &catalogue, Truncation::Left, 974)?;
        let with_end = |text: &String| Ok([prompts.continuation(text)?, vec![EOS]].concat());
        let trie = trie_of_texts(&prompts, &catalogue, EOS)?;
        Ok((trie, texts.iter().map(with_end).collect::<Result<_>>()?))
    }

    #[test]
    fn an_item_that_cannot_be_written_is_named() {
        let told = |text: &str| {
            let texts = ["Title: a".to_string(), text.to_string()];
            trie(&texts).unwrap_err().to_string()
        };
        let named = "item id1 cannot be written token by token: ";
        assert_eq!(told(""), format!("{named}its text is empty"));
        assert_eq!(
            told("Title: <end>"),
            format!("{named}its text `Title: <end>` holds the token that ends a text")
        );
        assert_eq!(
            told("Title: <begin>b"),
            format!(
                "{named}its text `Title: <begin>b` comes back from the tokenizer as `Title: b`"
            )
        );
        assert!(told("\nTitle: a").starts_with(named));
    }

    #[test]
    fn the_paths_are_the_tokens_of_texts_with_their_end() {
        let texts = ["Title: Rose Soap", "Title: Rose", "Title: Rose"].map(String::from);
        let (trie, paths) = trie(&texts).unwrap();
        let leaf = |path: &Vec<i64>| {
            let child = |node, token: &i64| trie.child(node, *token);
            path.iter().try_fold(0, child).unwrap()
        };
        assert_eq!(trie.items(leaf(&paths[0])), [0]);
        assert_eq!(trie.items(leaf(&paths[1])), [1, 2]);
        assert_eq!(trie.depth(), paths[0].len());
    }
}
