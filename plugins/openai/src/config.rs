//! The options.

use std::path::PathBuf;

use gloss_core::PromptFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Asks a server that speaks OpenAI's completions API for the texts of next items: `vllm serve`,
/// llama.cpp and others.
///
/// The prompt is that of GLoSS (arXiv 2506.01910), and the first line of each completion is a query.
/// Equal texts of a user are one query. The log-probability of a text is that of its tokens, as the
/// server gives it.
///
/// Queries are cached under these options. Give `revision` another value when the server serves
/// another model by the same name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpenAi {
    /// The address of the server, up to `/v1`.
    pub base_url: String,
    /// The model's name at the server; vLLM serves each LoRA adapter under a name of its own.
    pub model: String,
    /// Any text that tells models of one name from each other.
    pub revision: Option<String>,
    /// The environment variable that holds the key, which is sent to https and to this machine alone.
    pub api_key_env: String,
    /// The format of a prompt.
    pub format: PromptFormat,
    /// The newest items of a history that a prompt has; all by default. A server refuses a prompt that
    /// is longer than its model allows.
    #[schemars(range(min = 1))]
    pub max_items: Option<usize>,
    /// The completions of a prompt.
    #[schemars(range(min = 1))]
    pub n: usize,
    /// The most tokens of a completion.
    #[schemars(range(min = 1))]
    pub max_tokens: usize,
    /// Asks for the `n` best beams in place of `n` draws, as vLLM offers it.
    pub use_beam_search: bool,
    /// The temperature of draws.
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// The share of probability that draws are made from.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: f64,
    /// The seed of draws. Servers that batch requests need not give the same texts twice.
    pub seed: u64,
    /// Asks for the log-probabilities of tokens. Without them a text's is the logarithm of its share
    /// among a user's completions.
    pub logprobs: bool,
    /// Allows the texts of the catalogue alone, by the `guided_choice` of vLLM; for small catalogues.
    pub guided_choice: bool,
    /// Further fields of each request, such as `{ truncate_prompt_tokens = 974 }` for vLLM.
    pub extra_body: Map<String, Value>,
    /// Requests in flight.
    #[schemars(range(min = 1, max = 4096))]
    pub concurrency: usize,
    /// Seconds until an unanswered request is made again.
    #[schemars(range(min = 1.0))]
    pub timeout: f64,
    /// The number of times that a request is made again after a lost connection or an answer of 408, 425,
    /// 429, 500 or 502 to 504, with longer and longer pauses.
    pub max_retries: u32,
    /// Files for an offline server, in place of requests.
    pub batch: Option<BatchFiles>,
}

/// The files of `vllm run-batch`, or of any server that takes OpenAI's batch files. A first run writes
/// the requests and ends; once the responses are there, the same command goes on with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchFiles {
    /// The file that the requests are written to.
    pub requests: PathBuf,
    /// The file that the server writes its responses to.
    pub responses: PathBuf,
}

impl Default for OpenAi {
    fn default() -> Self {
        OpenAi {
            base_url: "http://127.0.0.1:8000/v1".to_string(),
            model: String::new(),
            revision: None,
            api_key_env: "OPENAI_API_KEY".to_string(),
            format: PromptFormat::Paper,
            max_items: None,
            n: 5,
            max_tokens: 50,
            use_beam_search: false,
            temperature: 1.0,
            top_p: 1.0,
            seed: 42,
            logprobs: true,
            guided_choice: false,
            extra_body: Map::new(),
            concurrency: 32,
            timeout: 120.0,
            max_retries: 8,
            batch: None,
        }
    }
}
