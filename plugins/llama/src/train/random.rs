//! A small Llama with random weights, and a tokenizer trained on the catalogue: a starting point
//! where nothing can be downloaded.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use gloss_core::{Catalogue, Error, Result};
use gloss_torch::{torch_error, write_safetensors};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tch::Tensor;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, ModelWrapper};

use super::weights::write_json;
use crate::architecture::Architecture;
use crate::config::{Random, Shape};
use crate::prompt::Prompts;

const END: &str = "<|endoftext|>";
/// The standard deviation of weights before training.
const DEVIATION: f32 = 0.02;

impl Random {
    /// Writes the model's folder.
    pub(crate) fn write(&self, folder: &Path, catalogue: &Catalogue) -> Result<()> {
        fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
        let vocabulary = self.write_tokenizer(folder, catalogue)?;
        write_json(&folder.join("config.json"), &self.config(vocabulary))?;
        self.write_weights(folder)
    }

    /// Byte pairs of the catalogue's texts and of the prompt; gives how many tokens there are.
    fn write_tokenizer(&self, folder: &Path, catalogue: &Catalogue) -> Result<usize> {
        let failed = |error| Error::component("tokenizer", error);
        let mut tokenizer = tokenizers::Tokenizer::new(ModelWrapper::BPE(BPE::default()));
        tokenizer
            .with_pre_tokenizer(Some(ByteLevel::new(false, true, true)))
            .with_decoder(Some(ByteLevel::default()));
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(self.vocabulary)
            .special_tokens(vec![AddedToken::from(END, true)])
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        let texts = catalogue.items().iter().map(|item| item.text.as_str());
        let prompt = Prompts::template();
        tokenizer
            .train(
                &mut TrainerWrapper::BpeTrainer(trainer),
                // Twice, so that its words become tokens.
                texts.chain([prompt.as_str(); 2]),
            )
            .map_err(failed)?;
        let path = folder.join("tokenizer.json");
        tokenizer.save(&path, true).map_err(failed)?;
        let described = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": END,
            "clean_up_tokenization_spaces": false,
        });
        write_json(&folder.join("tokenizer_config.json"), &described)?;
        Ok(tokenizer.get_vocab_size(true))
    }

    fn config(&self, vocabulary: usize) -> Value {
        let (hidden, layers, heads) = match self.shape {
            Shape::Tiny => (128, 2, 4),
            Shape::Small => (256, 4, 4),
        };
        json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": hidden,
            "intermediate_size": hidden * 3,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "vocab_size": vocabulary,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "max_position_embeddings": 2048,
            "tie_word_embeddings": true,
            "eos_token_id": 0,
            "torch_dtype": "float32",
        })
    }

    fn write_weights(&self, folder: &Path) -> Result<()> {
        let architecture = Architecture::read(folder)?;
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let bound = DEVIATION * 3_f32.sqrt();
        let mut tensors = Vec::new();
        for parameter in super::parameters_of(&architecture) {
            let mut values = vec![1_f32; parameter.numel() as usize];
            if parameter.decays {
                values.fill_with(|| random.random_range(-bound..bound));
            }
            let tensor = Tensor::f_from_slice(&values);
            let tensor = tensor.and_then(|tensor| tensor.f_view(&*parameter.shape));
            tensors.push((parameter.name, tensor.map_err(torch_error("draw weights"))?));
        }
        let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
        write_safetensors(&folder.join("model.safetensors"), &tensors, metadata)
    }
}
