//! The architecture in a checkpoint's `config.json`.

use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, read_model_file};
use gloss_torch::Activation;
use serde::Deserialize;
use serde_json::Value;

/// The shape of an encoder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Architecture {
    /// Features of a token between layers.
    pub(crate) hidden: i64,
    /// Features inside a layer's perceptron.
    pub(crate) intermediate: i64,
    /// Layers.
    pub(crate) layers: usize,
    /// Heads of attention.
    pub(crate) heads: i64,
    /// Rows of the embedding of tokens.
    pub(crate) vocabulary: i64,
    /// Rows of the embedding of positions.
    pub(crate) positions: i64,
    /// Rows of the embedding of token types.
    pub(crate) types: i64,
    /// Added to the variance in a norm.
    pub(crate) norm_epsilon: f64,
    /// Between the two projections of a perceptron.
    pub(crate) activation: Activation,
    /// The numbering of positions.
    pub(crate) counting: Counting,
}

/// The numbering of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// From 0: BERT.
    FromZero,
    /// From the number of the padding token plus one; padding tokens themselves, which a text may
    /// contain, are not counted and have that number as position: RoBERTa and XLM-R.
    AfterPadding(u32),
}

#[derive(Deserialize)]
struct Config {
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    vocab_size: i64,
    max_position_embeddings: i64,
    #[serde(default = "default_types")]
    type_vocab_size: i64,
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f64,
    #[serde(default = "default_activation")]
    hidden_act: String,
    position_embedding_type: Option<String>,
    pad_token_id: Option<u32>,
}

fn default_types() -> i64 {
    2
}

fn default_epsilon() -> f64 {
    1e-12
}

fn default_activation() -> String {
    "gelu".to_string()
}

impl Architecture {
    /// The file that it is read from.
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("config.json")
    }

    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = Self::file(folder);
        let text = read_model_file(&path)?;
        let text = String::from_utf8_lossy(&text);
        Self::parse(&text).map_err(|message| Error::input(path, message))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let model_type = config.get("model_type").and_then(Value::as_str);
        let after_padding = match model_type {
            Some("bert") => false,
            Some("roberta" | "xlm-roberta") => true,
            other => {
                return Err(format!(
                    "the model is of type `{}`; only `bert`, `roberta` and `xlm-roberta` are \
                     supported",
                    other.unwrap_or("unknown")
                ));
            }
        };
        let config: Config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(Architecture {
            hidden: config.hidden_size,
            intermediate: config.intermediate_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            vocabulary: config.vocab_size,
            positions: config.max_position_embeddings,
            types: config.type_vocab_size,
            norm_epsilon: config.layer_norm_eps,
            activation: config.activation()?,
            counting: match after_padding {
                true => Counting::AfterPadding(config.pad_token_id.unwrap_or(1)),
                false => Counting::FromZero,
            },
        })
    }

    /// The most tokens that a text can have.
    pub(crate) fn longest(&self) -> usize {
        let before = match self.counting {
            Counting::FromZero => 0,
            Counting::AfterPadding(padding) => i64::from(padding) + 1,
        };
        usize::try_from(self.positions - before).unwrap_or(0)
    }
}

impl Counting {
    /// The positions of the tokens of a text.
    pub(crate) fn positions(self, tokens: &[u32]) -> impl Iterator<Item = i64> {
        let mut next = match self {
            Counting::FromZero => 0,
            Counting::AfterPadding(padding) => i64::from(padding) + 1,
        };
        tokens.iter().map(move |&token| match self {
            Counting::AfterPadding(padding) if token == padding => i64::from(padding),
            _ => {
                next += 1;
                next - 1
            }
        })
    }
}

impl Config {
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers as i64),
            ("num_attention_heads", self.num_attention_heads),
            ("vocab_size", self.vocab_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ];
        if let Some((name, size)) = sizes.iter().find(|(_, size)| !(1..1 << 24).contains(size)) {
            return Err(format!("`{name}` is {size}, which no model has"));
        }
        if self.hidden_size % self.num_attention_heads != 0 {
            return Err(format!(
                "`hidden_size` ({}) is not a multiple of `num_attention_heads` ({})",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.layer_norm_eps.is_nan() || self.layer_norm_eps <= 0.0 {
            return Err(format!("`layer_norm_eps` is {}", self.layer_norm_eps));
        }
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => Err(format!(
                "`position_embedding_type` is `{other}`; only `absolute` is supported"
            )),
        }
    }

    fn activation(&self) -> Result<Activation, String> {
        match self.hidden_act.as_str() {
            "gelu" => Ok(Activation::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
            "relu" => Ok(Activation::Relu),
            other => Err(format!(
                "`hidden_act` is `{other}`; only `gelu`, `gelu_new`, `gelu_pytorch_tanh` and \
                 `relu` are supported"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(change: &[(&str, Value)]) -> Result<Architecture, String> {
        let mut config = json!({
            "model_type": "bert", "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
            "max_position_embeddings": 40,
        });
        for (key, value) in change {
            config[*key] = value.clone();
        }
        Architecture::parse(&config.to_string())
    }

    #[test]
    fn what_is_not_written_has_the_value_that_transformers_gives_it() {
        let read = parse(&[]).unwrap();
        assert_eq!((read.types, read.norm_epsilon), (2, 1e-12));
        assert_eq!(read.activation, Activation::Gelu);
        assert_eq!((read.counting, read.longest()), (Counting::FromZero, 40));
    }

    #[test]
    fn xlm_r_counts_after_its_padding_token() {
        let read = parse(&[("model_type", json!("xlm-roberta"))]).unwrap();
        assert_eq!(read.counting, Counting::AfterPadding(1));
        assert_eq!(read.longest(), 38);
        let positions = |tokens: &[u32]| read.counting.positions(tokens).collect::<Vec<_>>();
        assert_eq!(positions(&[0, 7, 1, 8, 2]), [2, 3, 1, 4, 5]);
        let from_zero = Counting::FromZero.positions(&[0, 7, 1]);
        assert_eq!(from_zero.collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn what_is_not_supported_is_told() {
        for (key, value, told) in [
            ("model_type", json!("mpnet"), "type `mpnet`; only `bert`"),
            ("model_type", json!(null), "type `unknown`"),
            ("hidden_act", json!("silu"), "`hidden_act` is `silu`"),
            ("hidden_size", json!(66), "not a multiple"),
            ("num_attention_heads", json!(0), "which no model has"),
            ("layer_norm_eps", json!(0.0), "`layer_norm_eps` is 0"),
            (
                "position_embedding_type",
                json!("relative_key"),
                "only `absolute`",
            ),
            ("vocab_size", json!("x"), "invalid type"),
        ] {
            let message = parse(&[(key, value)]).unwrap_err();
            assert!(message.contains(told), "{key}: {message}");
        }
    }
}
