//! The Hugging Face hub: which files a model has, and what its refusals mean.

use gloss_core::{Error, Result};
use hf_hub::api::sync::{ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::transfer;

/// The default address of the hub, which `HF_ENDPOINT` overrides.
const ENDPOINT: &str = "https://huggingface.co";

/// A hub, and who asks it.
pub(crate) struct Hub {
    endpoint: String,
    token: Option<String>,
}

/// A model as it was at one commit.
pub(crate) struct HubModel {
    repository: ApiRepo,
    /// The commit.
    pub(crate) commit: String,
    /// The paths of those of its files that gloss reads.
    pub(crate) files: Vec<String>,
    /// True if its files are for those alone who accepted its licence.
    pub(crate) gated: bool,
}

/// The hub's description of a model.
#[derive(Deserialize)]
struct Information {
    sha: String,
    siblings: Vec<Sibling>,
    /// The access control: `"auto"`, `"manual"`, or `false` for public models.
    #[serde(default)]
    gated: Value,
}

/// A file of a model.
#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Hub {
    /// The hub at `endpoint`, else that of `HF_ENDPOINT`, asked in the name of `HF_TOKEN`.
    pub(crate) fn new(endpoint: Option<&str>) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = endpoint.map(str::to_string).or_else(|| set("HF_ENDPOINT"));
        let endpoint = endpoint.unwrap_or_else(|| ENDPOINT.to_string());
        Hub {
            endpoint: endpoint.trim_end_matches('/').to_string(),
            token: set("HF_TOKEN"),
        }
    }

    /// The token that requests carry.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The page of a model, for a person.
    pub(crate) fn page(&self, name: &str) -> String {
        format!("{}/{name}", self.endpoint)
    }

    /// Asks which commit a revision of a model is, and which files it has.
    ///
    /// # Errors
    /// [`Error::Network`] if the hub does not answer or refuses; [`Error::Usage`] if it has no
    /// such model, or the model has no file of weights that gloss reads.
    pub(crate) fn model(&self, name: &str, revision: &str) -> Result<HubModel> {
        let response = self
            .repository(name, revision)?
            .info_request()
            .config()
            .http_status_as_error(false)
            .build()
            .call()
            .map_err(|error| self.silent(transfer::reason(error)))?;
        let information = self.read(name, revision, response)?;
        let siblings = information.siblings.into_iter();
        let mut files: Vec<String> = siblings
            .map(|file| file.rfilename)
            .filter(|path| is_needed(path))
            .collect();
        files.sort();
        if !files.iter().any(|path| path.ends_with(".safetensors")) {
            return Err(Error::Usage(format!(
                "the model {name} has no weights in the format safetensors, which is the one that \
                 gloss reads; see {}",
                self.page(name)
            )));
        }
        Ok(HubModel {
            repository: self.repository(name, &information.sha)?,
            commit: information.sha,
            files,
            gated: information.gated.is_string(),
        })
    }

    fn repository(&self, name: &str, revision: &str) -> Result<ApiRepo> {
        let repository = Repo::with_revision(name.into(), RepoType::Model, revision.into());
        // The cache is not used: files go to where gloss looks for them.
        let api = ApiBuilder::from_cache(Cache::new(std::env::temp_dir()))
            .with_endpoint(self.endpoint.clone())
            .with_token(self.token.clone())
            .build();
        let api = api.map_err(|error| self.silent(error.to_string()))?;
        Ok(api.repo(repository))
    }

    fn silent(&self, reason: String) -> Error {
        Error::Network(format!("cannot ask {}: {reason}", self.endpoint))
    }

    fn read(
        &self,
        name: &str,
        revision: &str,
        mut response: Response<Body>,
    ) -> Result<Information> {
        let status = response.status();
        match status.as_u16() {
            200 => response
                .body_mut()
                .read_json()
                .map_err(|error| self.silent(format!("it does not answer as a hub does: {error}"))),
            401 | 403 => Err(Error::Network(format!(
                "{} shows no model {name} {} (it answers {status}): the name is wrong, or the \
                 model is private or gated. {}",
                self.endpoint,
                match self.token {
                    Some(_) => "to the owner of HF_TOKEN",
                    None => "to just anybody",
                },
                self.how_to_be_let_in(name)
            ))),
            404 => Err(Error::Usage(format!(
                "{} has no model {name} with a revision {revision}; a model is named as \
                 organisation/name, or organisation/name@revision",
                self.endpoint
            ))),
            _ => Err(self.silent(format!("it answers {status}"))),
        }
    }

    /// Advice after the hub refused a model.
    pub(crate) fn how_to_be_let_in(&self, name: &str) -> String {
        format!(
            "If it asks for it, accept the model's licence at {}, and set HF_TOKEN to a token of \
             an account that may read it (made at {}/settings/tokens)",
            self.page(name),
            self.endpoint
        )
    }
}

impl HubModel {
    /// The address of a file.
    pub(crate) fn url(&self, path: &str) -> String {
        self.repository.url(path)
    }
}

/// Returns `true` if gloss reads such a file. Nothing that is needed lies deeper than one folder.
fn is_needed(path: &str) -> bool {
    let json = |prefix: &str| path.starts_with(prefix) && path.ends_with(".json");
    match path.split_once('/') {
        Some(("1_Pooling", name)) => !name.contains('/') && name.ends_with(".json"),
        Some(_) => false,
        None => {
            matches!(
                path,
                "config.json"
                    | "generation_config.json"
                    | "special_tokens_map.json"
                    | "modules.json"
                    | "sentence_bert_config.json"
                    | "model.safetensors.index.json"
            ) || json("tokenizer")
                || json("adapter_")
                // Files of some repositories in their authors' own layout.
                || path.ends_with(".safetensors") && !path.starts_with("consolidated")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_gloss_reads_are_told_from_all_others() {
        for path in [
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "model-00001-of-00002.safetensors",
            "model.safetensors.index.json",
            "adapter_config.json",
            "adapter_model.safetensors",
            "1_Pooling/config.json",
        ] {
            assert!(is_needed(path), "{path}");
        }
        for path in [
            "README.md",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "onnx/model.safetensors",
            "original/consolidated.00.pth",
            "consolidated.safetensors",
            "1_Pooling/../../config.json",
            "../config.json",
            "/tokenizer.json",
            "tokenizer.model",
        ] {
            assert!(!is_needed(path), "{path}");
        }
    }
}
