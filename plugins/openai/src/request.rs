//! The request for a history.

use gloss_core::{Catalogue, Diagnostic};
use serde_json::{Map, Value, json};

use crate::config::OpenAi;

/// The most texts that `guided_choice` is offered: they are a part of every request.
pub(crate) const MOST_CHOICES: usize = 1000;

/// Fields that have options of their own.
const OWN: [&str; 12] = [
    "model",
    "prompt",
    "n",
    "max_tokens",
    "use_beam_search",
    "temperature",
    "top_p",
    "seed",
    "logprobs",
    "guided_choice",
    "stop",
    "stream",
];

/// Faults of the options.
pub(crate) fn check(options: &OpenAi) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    if options.model.is_empty() {
        faults.push(Diagnostic::new(
            "model",
            "the name of the server's model is missing",
        ));
    }
    let url = options.base_url.as_str();
    if !url.starts_with("http://") && !url.starts_with("https://") {
        let message =
            format!("expected an address such as http://127.0.0.1:8000/v1, found `{url}`");
        faults.push(Diagnostic::new("base_url", message));
    }
    for field in options
        .extra_body
        .keys()
        .filter(|field| OWN.contains(&field.as_str()))
    {
        let message = match field.as_str() {
            "prompt" | "stop" | "stream" => "gloss sets this field itself",
            _ => "this field has an option of its own",
        };
        faults.push(Diagnostic::new(format!("extra_body.{field}"), message));
    }
    let draws = OpenAi::default();
    if options.use_beam_search && options.top_p != draws.top_p {
        faults.push(Diagnostic::new(
            "top_p",
            "is for draws, and beam search makes none",
        ));
    }
    if !options.use_beam_search && options.temperature == 0.0 && options.n > 1 {
        let message = "0 gives one text `n` times; use 1, `use_beam_search` or `n = 1`";
        faults.push(Diagnostic::new("temperature", message));
    }
    faults
}

/// The body of the request for a history of catalogue positions, oldest first.
pub(crate) fn body(options: &OpenAi, catalogue: &Catalogue, history: &[u32]) -> Value {
    let kept = options
        .max_items
        .unwrap_or(history.len())
        .min(history.len());
    let prompt = options
        .format
        .text(catalogue, &history[history.len() - kept..]);
    let mut body: Map<String, Value> = options.extra_body.clone();
    let mut set = |field: &str, value: Value| drop(body.insert(field.to_string(), value));
    set("model", json!(options.model));
    set("prompt", json!(prompt));
    set("n", json!(options.n));
    set("max_tokens", json!(options.max_tokens));
    set("stop", json!(["\n"]));
    match options.use_beam_search {
        true => {
            set("use_beam_search", json!(true));
            set("temperature", json!(0.0));
        }
        false => {
            set("temperature", json!(options.temperature));
            set("top_p", json!(options.top_p));
            set("seed", json!(options.seed));
        }
    }
    if options.logprobs {
        set("logprobs", json!(1));
    }
    if options.guided_choice {
        let texts = catalogue.items().iter().map(|item| item.text.as_str());
        set("guided_choice", json!(texts.collect::<Vec<_>>()));
    }
    Value::Object(body)
}
