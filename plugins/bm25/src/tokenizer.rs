//! The analyser as tantivy knows one.

use std::sync::Arc;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::analyser::Analyser;

/// Lets tantivy index exactly the analyser's tokens.
#[derive(Clone)]
pub(crate) struct AnalyserTokenizer(pub(crate) Arc<Analyser>);

impl Tokenizer for AnalyserTokenizer {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let mut texts = Vec::new();
        self.0.tokens(text, &mut String::new(), |token| {
            texts.push(token.to_string())
        });
        Tokens {
            texts: texts.into_iter(),
            token: Token::default(),
        }
    }
}

/// One text's tokens. Their offsets in the text are not known and stay 0: the index does not hold them.
pub(crate) struct Tokens {
    texts: std::vec::IntoIter<String>,
    token: Token,
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        let Some(text) = self.texts.next() else {
            return false;
        };
        self.token.text = text;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
