//! The Hugging Face hub: which files a model has, and what its refusals mean.

use std::path::PathBuf;

use gloss_core::{Context, Error, Result};
use gloss_http::{Attempts, agent, is_safe, is_temporary, reason, retry_after};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::content::Expected;
use super::token::Token;
use super::transfer;

/// The default address of the hub, which `HF_ENDPOINT` overrides.
const ENDPOINT: &str = "https://huggingface.co";

/// A hub, and who asks it.
pub(crate) struct Hub {
    endpoint: String,
    token: Option<Token>,
}

/// A model as it was at one commit.
pub(crate) struct HubModel {
    endpoint: String,
    repository: Repo,
    /// The commit.
    pub(crate) commit: String,
    /// Those of its files that gloss reads.
    pub(crate) files: Vec<HubFile>,
    /// True if its files are for those alone who accepted its licence.
    pub(crate) gated: bool,
}

/// A file of a model.
pub(crate) struct HubFile {
    /// Its path in the model's folder.
    pub(crate) path: String,
    /// The facts that the hub states about it.
    pub(crate) expected: Expected,
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
    size: Option<u64>,
    /// For large files.
    lfs: Option<Lfs>,
}

/// A file or a folder of a dataset.
#[derive(Deserialize)]
struct Entry {
    r#type: String,
    path: String,
    size: Option<u64>,
    /// For large files.
    lfs: Option<Large>,
}

/// The record of a large file among those of a dataset.
#[derive(Deserialize)]
struct Large {
    /// The SHA-256.
    oid: Option<String>,
    size: Option<u64>,
}

impl From<Entry> for HubFile {
    fn from(file: Entry) -> Self {
        let lfs = file.lfs.as_ref();
        HubFile {
            expected: Expected {
                size: lfs.and_then(|lfs| lfs.size).or(file.size),
                sha256: lfs.and_then(|lfs| lfs.oid.clone()),
                of_model: false,
            },
            path: file.path,
        }
    }
}

/// The hub's record of a large file.
#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

impl From<Sibling> for HubFile {
    fn from(file: Sibling) -> Self {
        let lfs = file.lfs.as_ref();
        HubFile {
            expected: Expected {
                size: lfs.and_then(|lfs| lfs.size).or(file.size),
                sha256: lfs.and_then(|lfs| lfs.sha256.clone()),
                of_model: true,
            },
            path: file.rfilename,
        }
    }
}

impl Hub {
    /// The hub at `endpoint`, else that of `HF_ENDPOINT`, asked in the name of the token of
    /// `HF_TOKEN` or of `hf auth login`.
    ///
    /// # Errors
    /// If the token is none.
    pub(crate) fn new(endpoint: Option<&str>) -> Result<Self> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = endpoint.map(str::to_string).or_else(|| set("HF_ENDPOINT"));
        let endpoint = endpoint.unwrap_or_else(|| ENDPOINT.to_string());
        let endpoint = endpoint.trim_end_matches('/').to_string();
        let mut token = Token::find()?;
        if let Some(unsafe_token) = token.take_if(|_| !is_safe(&endpoint)) {
            tracing::warn!(
                "the token in {} is not sent to {endpoint}, since that is not https",
                unsafe_token.source
            );
        }
        Ok(Hub { endpoint, token })
    }

    /// The token that requests carry.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.value.as_str())
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
    pub(crate) fn model(&self, name: &str, revision: &str, context: &Context) -> Result<HubModel> {
        let asked = repository(name, revision);
        let url = format!("{}/api/{}?blobs=true", self.endpoint, asked.api_url());
        let response = self.ask(&url, context)?;
        let information = self.read(name, revision, response)?;
        if !is_commit(&information.sha) {
            return Err(self.silent(format!(
                "it calls the commit {:?}, which is none; expected 40 hexadecimal digits",
                information.sha
            )));
        }
        let siblings = information.siblings.into_iter().map(HubFile::from);
        let mut files: Vec<HubFile> = siblings.filter(|file| is_needed(&file.path)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        if !files.iter().any(|file| file.path.ends_with(".safetensors")) {
            return Err(Error::Usage(format!(
                "the model {name} has no weights in the format safetensors, which is the one that \
                 gloss reads; see {}",
                self.page(name)
            )));
        }
        Ok(HubModel {
            endpoint: self.endpoint.clone(),
            repository: repository(name, &information.sha),
            commit: information.sha,
            files,
            gated: information.gated.is_string(),
        })
    }

    /// Asks which files a revision of a dataset has.
    ///
    /// # Errors
    /// As [`model`](Hub::model); if they are more than the hub lists at once.
    pub(crate) fn dataset_files(
        &self,
        name: &str,
        revision: &str,
        context: &Context,
    ) -> Result<Vec<HubFile>> {
        let endpoint = &self.endpoint;
        let url = format!("{endpoint}/api/datasets/{name}/tree/{revision}?recursive=true");
        let mut response = self.ask(&url, context)?;
        let status = response.status();
        if status != 200 {
            return Err(Error::Usage(format!(
                "{endpoint} shows no dataset {name} with a revision {revision} (it answers {status}): the \
                 name is wrong, or it is private or gated. {}",
                self.how_to_be_let_in(&format!("datasets/{name}"))
            )));
        }
        if response.headers().contains_key("link") {
            return Err(Error::Usage(format!(
                "the dataset {name} has more files than the hub lists at once; download them, and name the \
                 folder"
            )));
        }
        let entries: Vec<Entry> = response
            .body_mut()
            .read_json()
            .map_err(|error| self.silent(format!("it does not answer as a hub does: {error}")))?;
        let files = entries.into_iter().filter(|entry| entry.r#type == "file");
        let mut files: Vec<HubFile> = files.map(HubFile::from).collect();
        if let Some(wrong) = files.iter().find(|file| {
            file.path
                .split('/')
                .any(|part| matches!(part, "" | "." | ".."))
        }) {
            return Err(self.silent(format!("it names the file {:?}", wrong.path)));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The address of a file of a dataset.
    pub(crate) fn dataset_url(&self, name: &str, revision: &str, path: &str) -> String {
        format!(
            "{}/datasets/{name}/resolve/{revision}/{path}",
            self.endpoint
        )
    }

    /// Asks until there is an answer other than to try again.
    fn ask(&self, url: &str, context: &Context) -> Result<Response<Body>> {
        let agent = agent();
        let mut attempts = Attempts::default();
        loop {
            let mut request = agent.get(url);
            if let Some(token) = self.token() {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let response = request.call();
            let response = response.map_err(|error| self.silent(reason(error, url)))?;
            if !is_temporary(response.status().as_u16()) {
                return Ok(response);
            }
            let reason = format!("it answers {}", response.status());
            let check = || context.check();
            attempts.wait(&reason, retry_after(&response), check, |attempts| {
                self.silent(format!("{reason}, {attempts} times"))
            })?;
        }
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
                match &self.token {
                    Some(token) => format!("to the owner of the token in {}", token.source),
                    None => "without a token".to_string(),
                },
                self.how_to_be_let_in(name)
            ))),
            404 => Err(Error::Usage(format!(
                "{} has no model {name} with a revision {revision}; a model is named as \
                 organisation/name, or organisation/name@revision",
                self.endpoint
            ))),
            407 => Err(self.silent(transfer::refusal(&response))),
            _ => Err(self.silent(format!("it answers {status}"))),
        }
    }

    /// Advice after the hub refused a model.
    pub(crate) fn how_to_be_let_in(&self, name: &str) -> String {
        format!(
            "If it asks for it, accept the model's licence at {}, and run `hf auth login`, or set \
             HF_TOKEN to a token of an account that may read it (made at {}/settings/tokens)",
            self.page(name),
            self.endpoint
        )
    }
}

impl HubModel {
    /// The address of a file.
    pub(crate) fn url(&self, path: &str) -> String {
        let (id, commit) = (self.repository.url(), self.repository.url_revision());
        format!("{}/{id}/resolve/{commit}/{path}", self.endpoint)
    }

    /// The file in the cache that Hugging Face's libraries share, if it is there.
    pub(crate) fn cached(&self, path: &str) -> Option<PathBuf> {
        let cache = match std::env::var_os("HF_HUB_CACHE") {
            Some(folder) => Cache::new(folder.into()),
            None => Cache::from_env(),
        };
        let snapshot = cache.repo(self.repository.clone());
        let file = snapshot.pointer_path(&self.commit).join(path);
        file.is_file().then_some(file)
    }
}

fn repository(name: &str, revision: &str) -> Repo {
    Repo::with_revision(name.into(), RepoType::Model, revision.into())
}

/// Returns `true` for the hash of a commit of git, in SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
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
                    | "config_sentence_transformers.json"
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
            "config_sentence_transformers.json",
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

    #[test]
    fn a_commit_is_a_hash() {
        assert!(is_commit(&"0123456789abcdef".repeat(4)));
        assert!(is_commit(&"a".repeat(40)));
        for wrong in ["", "main", "../../../etc", &"g".repeat(40), &"a".repeat(39)] {
            assert!(!is_commit(wrong), "{wrong}");
        }
    }
}
