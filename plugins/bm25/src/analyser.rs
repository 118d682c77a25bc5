//! From text to tokens.

use std::borrow::Cow;

use gloss_core::{Diagnostic, Diagnostics, Error, Result};
use hashbrown::HashSet;
use regex::Regex;
use tantivy::tokenizer::MAX_TOKEN_LEN;

use crate::config::{self, DEFAULT_PATTERN};

/// The options at work.
pub(crate) struct Analyser {
    pattern: Regex,
    /// True if the pattern is the default one, for which there is a faster way through ASCII.
    is_default: bool,
    lowercase: bool,
    stop_words: HashSet<Box<str>>,
    stemmer: Option<rust_stemmers::Stemmer>,
}

/// The pattern, or the fault that it is.
pub(crate) fn compile(options: &config::Analyser) -> Result<Regex, Box<Diagnostic>> {
    Regex::new(&options.pattern).map_err(|error| {
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        Box::new(Diagnostic::new(
            "analyser.pattern",
            format!(
                "`{}` is not a regular expression: {}",
                options.pattern,
                reason.trim_start_matches("error: ")
            ),
        ))
    })
}

impl Analyser {
    /// Makes it.
    ///
    /// # Errors
    /// If the pattern is no regular expression.
    pub(crate) fn new(options: &config::Analyser) -> Result<Self> {
        Ok(Analyser {
            pattern: compile(options)
                .map_err(|diagnostic| Error::Config(Diagnostics(vec![*diagnostic])))?,
            is_default: options.pattern == DEFAULT_PATTERN,
            lowercase: options.lowercase,
            stop_words: options.stop_words.words().map(Box::from).collect(),
            stemmer: options
                .stemmer
                .map(|language| rust_stemmers::Stemmer::create(language.into())),
        })
    }

    /// Hands the tokens of `text` to `emit`, in order. `buffer` is for the lower-cased text.
    pub(crate) fn tokens(&self, text: &str, buffer: &mut String, mut emit: impl FnMut(&str)) {
        let ascii = text.is_ascii();
        let text = if self.lowercase {
            buffer.clear();
            if ascii {
                buffer.push_str(text);
                buffer.make_ascii_lowercase();
            } else {
                *buffer = text.to_lowercase();
            }
            buffer.as_str()
        } else {
            text
        };
        let keep = |token: &str| self.keep(token, &mut emit);
        if ascii && self.is_default {
            ascii_words(text, keep);
        } else {
            self.pattern
                .find_iter(text)
                .map(|m| m.as_str())
                .for_each(keep);
        }
    }

    fn keep(&self, token: &str, emit: &mut impl FnMut(&str)) {
        if self.stop_words.contains(token) {
            return;
        }
        let token = match &self.stemmer {
            Some(stemmer) => stemmer.stem(token),
            None => Cow::Borrowed(token),
        };
        if !token.is_empty() && token.len() <= MAX_TOKEN_LEN {
            emit(&token);
        }
    }
}

/// The matches of [`DEFAULT_PATTERN`] in an ASCII text.
fn ascii_words(text: &str, mut emit: impl FnMut(&str)) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut rest = text;
    while let Some(start) = rest.as_bytes().iter().position(is_word) {
        rest = &rest[start..];
        let end = rest
            .bytes()
            .position(|byte| !is_word(&byte))
            .unwrap_or(rest.len());
        if end >= 2 {
            emit(&rest[..end]);
        }
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Stemmer, StopWordList, StopWords};

    fn tokens(options: &config::Analyser, text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        Analyser::new(options)
            .unwrap()
            .tokens(text, &mut String::new(), |token| tokens.push(token.into()));
        tokens
    }

    #[test]
    fn words_are_letters_numbers_and_underscores_of_two_or_more() {
        let found = tokens(
            &config::Analyser::default(),
            "The L'Oréal&amp;Co. x_1 ½½ №5 e\u{301}e\u{301} ÀÉ Ⅷ² 日本 a1",
        );
        let expected = ["oréal", "amp", "co", "x_1", "½½", "àé", "ⅷ²", "日本", "a1"];
        assert_eq!(found, expected);
    }

    #[test]
    fn lower_casing_sees_the_whole_text() {
        let found = tokens(&config::Analyser::default(), "ΟΔΟΣ ΣΑΣ İSTANBUL");
        assert_eq!(found, ["οδος", "σας", "stanbul"]);
    }

    #[test]
    fn stop_words_go_before_stemming() {
        let mut options = config::Analyser {
            stemmer: Some(Stemmer::English),
            ..config::Analyser::default()
        };
        assert_eq!(tokens(&options, "This is: lotions"), ["lotion"]);
        options.stop_words = StopWords::List(StopWordList::None);
        assert_eq!(tokens(&options, "This is"), ["this", "is"]);
        options.stop_words = StopWords::Words(vec!["lotion".into()]);
        assert_eq!(tokens(&options, "lotions lotion"), ["lotion"]);
    }

    #[test]
    fn a_pattern_of_ones_own_and_case_kept() {
        let options = config::Analyser {
            pattern: r"[A-Z]+|\d*".into(),
            lowercase: false,
            ..config::Analyser::default()
        };
        assert_eq!(tokens(&options, "ABc 12"), ["AB", "12"]);
    }

    #[test]
    fn a_token_beyond_measure_is_left_out() {
        let text = format!("{} {} soap", "x".repeat(65_531), "y".repeat(65_530));
        let found = tokens(&config::Analyser::default(), &text);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with('y'));
    }

    proptest! {
        #[test]
        fn the_fast_way_finds_what_the_pattern_finds(text in r"[ -~\t\n\x00]{0,60}") {
            let pattern = Regex::new(DEFAULT_PATTERN).unwrap();
            let mut found = Vec::new();
            ascii_words(&text, |word| found.push(word.to_string()));
            let expected: Vec<_> = pattern.find_iter(&text).map(|m| m.as_str()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
