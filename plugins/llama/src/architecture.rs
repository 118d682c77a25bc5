//! The architecture in a checkpoint's `config.json`.

use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, read_model_file};
use gloss_torch::{Checkpoint, Nf4, torch_error};
use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind};

use crate::rope::Rope;

/// The tensor of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";
/// The tensor of the output's weight.
pub(crate) const HEAD: &str = "lm_head.weight";

/// The shape of a Llama.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// Features of a token between layers.
    pub hidden: i64,
    /// Features inside a layer's perceptron.
    pub intermediate: i64,
    /// Layers.
    pub layers: usize,
    /// Heads of queries.
    pub heads: i64,
    /// Heads of keys and values; each serves `heads / key_value_heads` heads of queries.
    pub key_value_heads: i64,
    /// Features of a head.
    pub head_size: i64,
    /// Rows of the embedding: one more than the largest token.
    pub vocabulary: i64,
    /// Added to the mean square in a norm.
    pub norm_epsilon: f64,
    /// The rotary embedding.
    pub rope: Rope,
    /// True if the embedding is the output's weight too.
    pub tied: bool,
    /// True if the attention's projections have biases.
    pub attention_bias: bool,
    /// True if the perceptron's projections have biases.
    pub perceptron_bias: bool,
    /// True if the projections are stored in bitsandbytes's NF4.
    pub nf4: bool,
    /// The modules that are not quantised even so: their names, or beginnings or ends of them.
    pub(crate) skipped: Vec<String>,
}

/// `config.json`, as far as it matters here; what else is in it is about training or generation.
#[derive(Deserialize)]
struct Config {
    model_type: Option<String>,
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
    num_attention_heads: i64,
    num_key_value_heads: Option<i64>,
    head_dim: Option<i64>,
    vocab_size: i64,
    #[serde(default = "default_epsilon")]
    rms_norm_eps: f64,
    #[serde(default = "default_activation")]
    hidden_act: String,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    max_position_embeddings: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Value>,
    rope_parameters: Option<Value>,
    quantization_config: Option<Quantization>,
}

#[derive(Deserialize)]
struct Quantization {
    quant_method: Option<String>,
    #[serde(default)]
    load_in_4bit: bool,
    bnb_4bit_quant_type: Option<String>,
    llm_int8_skip_modules: Option<Vec<String>>,
}

fn default_epsilon() -> f64 {
    1e-6
}

fn default_activation() -> String {
    "silu".to_string()
}

impl Architecture {
    /// The file that it is read from.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("config.json")
    }

    /// Reads `config.json` of transformers 4 or 5.
    ///
    /// # Errors
    /// If it cannot be read, is not that of a Llama, or asks for something that is not here.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = Self::file(folder);
        let text = read_model_file(&path)?;
        Self::parse(&text).map_err(|message| Error::input(path, message))
    }

    /// Reads `config.json` and opens the weights. A head of its own among them counts more than
    /// `tie_word_embeddings`, as in transformers.
    ///
    /// # Errors
    /// As [`Architecture::read`] and [`Checkpoint::open`].
    pub fn open(folder: &Path) -> Result<(Self, Checkpoint)> {
        let mut architecture = Self::read(folder)?;
        let checkpoint = Checkpoint::open(folder)?;
        if architecture.tied && checkpoint.contains(HEAD) {
            architecture.tied = architecture.is_same_table(&checkpoint)?;
        }
        Ok((architecture, checkpoint))
    }

    /// Returns `true` if the head among the weights holds the numbers of the embedding.
    fn is_same_table(&self, checkpoint: &Checkpoint) -> Result<bool> {
        if Nf4::is_in(checkpoint, HEAD) {
            return Ok(false);
        }
        let table = [self.vocabulary, self.hidden];
        let read = |name| {
            let tensor = checkpoint.tensor(name, &table, Device::Cpu)?;
            let wide = tensor.f_to_kind(Kind::Float);
            wide.map_err(torch_error("compare the head with the embedding"))
        };
        let same = read(HEAD)?.f_equal(&read(EMBEDDING)?);
        same.map_err(torch_error("compare the head with the embedding"))
    }

    /// Returns `true` if the matrix of a module, such as `model.layers.0.mlp.up_proj`, is stored in
    /// NF4: all are but those that `llm_int8_skip_modules` names, by the rule of transformers.
    pub(crate) fn is_nf4(&self, module: &str) -> bool {
        let named = |name: &String| module.starts_with(name) || module.ends_with(name);
        self.nf4 && !self.skipped.iter().any(named)
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let config: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let model_type = config.get("model_type").and_then(Value::as_str);
        if model_type != Some("llama") {
            return Err(format!(
                "the model is of type `{}`; only `llama` (LlamaForCausalLM) is supported",
                model_type.unwrap_or("unknown")
            ));
        }
        let config: Config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(Architecture {
            hidden: config.hidden_size,
            intermediate: config.intermediate_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            key_value_heads: config.key_value_heads(),
            head_size: config.head_size(),
            vocabulary: config.vocab_size,
            norm_epsilon: config.rms_norm_eps,
            rope: config.rope()?,
            tied: config.tie_word_embeddings,
            attention_bias: config.attention_bias,
            perceptron_bias: config.mlp_bias,
            nf4: config.nf4()?,
            skipped: config.skipped(),
        })
    }
}

impl Config {
    fn key_value_heads(&self) -> i64 {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    fn head_size(&self) -> i64 {
        let derived = self.hidden_size.checked_div(self.num_attention_heads);
        self.head_dim.or(derived).unwrap_or(0)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers as i64),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.key_value_heads()),
            ("head_dim", self.head_size()),
            ("vocab_size", self.vocab_size),
        ];
        if let Some((name, size)) = sizes.iter().find(|(_, size)| !(1..1 << 24).contains(size)) {
            return Err(format!("`{name}` is {size}, which no model has"));
        }
        if self.num_attention_heads % self.key_value_heads() != 0 {
            return Err(format!(
                "`num_attention_heads` ({}) is not a multiple of `num_key_value_heads` ({})",
                self.num_attention_heads,
                self.key_value_heads()
            ));
        }
        if self.head_size() % 2 != 0 {
            return Err(format!("`head_dim` is {}, an odd number", self.head_size()));
        }
        if self.hidden_act != "silu" {
            return Err(format!(
                "`hidden_act` is `{}`; only `silu` is supported",
                self.hidden_act
            ));
        }
        match self.model_type.is_some() && self.rms_norm_eps > 0.0 {
            true => Ok(()),
            false => Err(format!("`rms_norm_eps` is {}", self.rms_norm_eps)),
        }
    }

    /// transformers 5 puts everything into `rope_parameters`; 4 has `rope_theta` beside
    /// `rope_scaling`, which is the one that counts where both are.
    fn rope(&self) -> Result<Rope, String> {
        let written = |value: &&Value| match value {
            Value::Object(values) => !values.is_empty(),
            other => !other.is_null(),
        };
        let scaling = self.rope_scaling.as_ref().filter(written);
        let scaling = scaling.or(self.rope_parameters.as_ref().filter(written));
        Rope::parse(self.rope_theta, scaling, self.max_position_embeddings)
    }

    fn skipped(&self) -> Vec<String> {
        let quantization = self.quantization_config.as_ref();
        let skipped = quantization.and_then(|q| q.llm_int8_skip_modules.clone());
        skipped.unwrap_or_default()
    }

    fn nf4(&self) -> Result<bool, String> {
        let Some(quantization) = &self.quantization_config else {
            return Ok(false);
        };
        let nf4 = quantization.quant_method.as_deref() == Some("bitsandbytes")
            && quantization.load_in_4bit
            && quantization.bnb_4bit_quant_type.as_deref() == Some("nf4");
        match nf4 {
            true => Ok(true),
            false => Err(
                "`quantization_config` is not that of bitsandbytes in 4 bits of type nf4, the only \
                 quantisation that is supported; use the 16-bit checkpoint, with `quantize = \
                 \"nf4\"` if memory is short"
                    .to_string(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rope::Scaling;
    use serde_json::json;

    fn config() -> Value {
        json!({
            "model_type": "llama", "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
        })
    }

    fn parse(change: &[(&str, Value)]) -> Result<Architecture, String> {
        let mut config = config();
        for (key, value) in change {
            config[*key] = value.clone();
        }
        Architecture::parse(config.to_string().as_bytes())
    }

    #[test]
    fn what_is_not_written_has_the_value_that_transformers_gives_it() {
        let read = parse(&[]).unwrap();
        assert_eq!((read.key_value_heads, read.head_size), (4, 16));
        assert_eq!((read.norm_epsilon, read.rope.theta), (1e-6, 10000.0));
        assert!(!read.tied && !read.attention_bias && !read.perceptron_bias && !read.nf4);
    }

    #[test]
    fn both_layouts_of_rope_read_the_same() {
        let scaling = json!({
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        });
        let mut parameters = scaling.clone();
        parameters["rope_theta"] = json!(500000.0);
        let four = parse(&[("rope_theta", json!(500000.0)), ("rope_scaling", scaling)]).unwrap();
        assert_eq!(four, parse(&[("rope_parameters", parameters)]).unwrap());
        assert_eq!(four.rope.theta, 500000.0);
        assert_ne!(four.rope.scaling, Scaling::None);
    }

    #[test]
    fn a_scaling_counts_more_than_the_parameters_beside_it() {
        let both = parse(&[
            (
                "rope_parameters",
                json!({"rope_type": "default", "rope_theta": 5.0}),
            ),
            ("rope_scaling", json!({"type": "linear", "factor": 4.0})),
        ]);
        let alone = parse(&[("rope_scaling", json!({"type": "linear", "factor": 4.0}))]);
        assert_eq!(both.unwrap(), alone.unwrap());
        let empty = parse(&[
            (
                "rope_parameters",
                json!({"rope_type": "default", "rope_theta": 5.0}),
            ),
            ("rope_scaling", json!(null)),
        ]);
        assert_eq!(empty.unwrap().rope.theta, 5.0);
    }

    #[test]
    fn modules_that_are_not_quantised_are_named_by_their_beginnings_and_ends() {
        let read = parse(&[(
            "quantization_config",
            json!({
                "quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4",
                "llm_int8_skip_modules": ["lm_head", "model.layers.1.mlp", "v_proj"],
            }),
        )])
        .unwrap();
        assert!(read.is_nf4("model.layers.0.mlp.up_proj"));
        assert!(!read.is_nf4("model.layers.1.mlp.up_proj"));
        assert!(!read.is_nf4("model.layers.0.self_attn.v_proj"));
        assert!(!parse(&[]).unwrap().is_nf4("model.layers.0.mlp.up_proj"));
    }

    #[test]
    fn what_is_not_supported_is_told() {
        let examples = [
            ("model_type", json!("mamba"), "type `mamba`"),
            ("hidden_act", json!("gelu"), "`gelu`"),
            ("num_key_value_heads", json!(3), "not a multiple"),
            (
                "num_attention_heads",
                json!(0),
                "`num_attention_heads` is 0",
            ),
            (
                "rope_scaling",
                json!({"type": "longrope"}),
                "`longrope`; only",
            ),
            ("rope_scaling", json!({"factor": 4.0}), "has no `rope_type`"),
            ("rope_scaling", json!({"type": "yarn"}), "`factor`"),
            (
                "quantization_config",
                json!({"quant_method": "gptq"}),
                "bitsandbytes",
            ),
            ("head_dim", json!(7), "odd"),
        ];
        for (key, value, expected) in examples {
            let error = parse(&[(key, value)]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
