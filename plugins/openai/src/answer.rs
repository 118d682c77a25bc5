//! The answer of the server.

use gloss_core::{Query, QueryContent};
use hashbrown::HashMap;
use serde::Deserialize;

/// `CompletionResponse`, as far as it is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Completions {
    choices: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    text: String,
    #[serde(default)]
    logprobs: Option<Logprobs>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Logprobs {
    token_logprobs: Vec<Option<f64>>,
}

impl Completions {
    /// The different texts as queries, best first; ties in the order of the answer. A text that was cut
    /// off at the most tokens counts like any other, as it does in beam search of transformers.
    ///
    /// # Errors
    /// If there are not `n` completions, or log-probabilities are missing that were asked for.
    pub(crate) fn queries(&self, n: usize, with_logprobs: bool) -> Result<Vec<Query>, String> {
        if self.choices.len() != n {
            let found = self.choices.len();
            return Err(format!(
                "{found} completions where {n} were asked for; some servers ignore `n`, set it to {found} then"
            ));
        }
        let mut texts: Vec<(String, f64)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for choice in &self.choices {
            let own = match with_logprobs {
                true => choice.log_probability()?,
                false => 1.0, // Counted first.
            };
            let text = first_line(&choice.text);
            if text.is_empty() {
                continue;
            }
            match known.get(text) {
                // One text by several ways of writing it in tokens: the best counts.
                Some(&at) if with_logprobs => texts[at].1 = texts[at].1.max(own),
                Some(&at) => texts[at].1 += own,
                None => {
                    known.insert(text.to_string(), texts.len());
                    texts.push((text.to_string(), own));
                }
            }
        }
        if !with_logprobs {
            let count = |(_, number): &mut (String, f64)| *number = (*number / n as f64).ln();
            texts.iter_mut().for_each(count);
        }
        texts.sort_by(|a, b| b.1.total_cmp(&a.1));
        let query = |(text, log_probability): (String, f64)| Query {
            content: QueryContent::Text(text),
            log_probability: log_probability as f32,
        };
        Ok(texts.into_iter().map(query).collect())
    }
}

impl Choice {
    fn log_probability(&self) -> Result<f64, String> {
        let Some(logprobs) = &self.logprobs else {
            return Err(
                "no `logprobs`, which were asked for; set `logprobs = false` if the server \
                        cannot give them"
                    .to_string(),
            );
        };
        let tokens = logprobs.token_logprobs.iter().flatten();
        if let Some(wrong) = tokens.clone().find(|value| !value.is_finite()) {
            return Err(format!("the log-probability {wrong} of a token"));
        }
        if self.finish_reason.as_deref() == Some("abort") {
            return Err("a completion that the server aborted".to_string());
        }
        Ok(tokens.sum())
    }
}

fn first_line(text: &str) -> &str {
    let text = text.trim_start_matches(['\n', '\r']);
    text.lines().next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn completions(choices: Value) -> Completions {
        serde_json::from_value(json!({ "choices": choices, "id": "x" })).unwrap()
    }

    fn pairs(queries: Vec<Query>) -> Vec<(String, f32)> {
        let pair = |query: Query| match query.content {
            QueryContent::Text(text) => (text, query.log_probability),
            other => panic!("{other:?}"),
        };
        queries.into_iter().map(pair).collect()
    }

    #[test]
    fn equal_texts_are_one_query_with_the_best_log_probability() {
        let answer = completions(json!([
            {"text": "Title: a", "logprobs": {"token_logprobs": [null, -2.0]}},
            {"text": "Title: b\nmore", "logprobs": {"token_logprobs": [-0.5, -1.0]}},
            {"text": " Title: a ", "logprobs": {"token_logprobs": [-0.25, -0.25]}},
            {"text": "\n", "logprobs": {"token_logprobs": []}},
        ]));
        let expected = [
            ("Title: a".to_string(), -0.5),
            ("Title: b".to_string(), -1.5),
        ];
        assert_eq!(pairs(answer.queries(4, true).unwrap()), expected);
        let shares = pairs(answer.queries(4, false).unwrap());
        assert_eq!(shares[0], ("Title: a".to_string(), 0.5_f32.ln()));
        assert_eq!(shares[1], ("Title: b".to_string(), 0.25_f32.ln()));
    }

    #[test]
    fn an_answer_without_what_was_asked_for_is_refused() {
        let one = completions(json!([{"text": "a"}]));
        assert!(
            one.queries(2, false)
                .unwrap_err()
                .contains("1 completions where 2")
        );
        assert!(
            one.queries(1, true)
                .unwrap_err()
                .contains("logprobs = false")
        );
    }
}
