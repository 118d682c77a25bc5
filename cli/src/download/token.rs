//! The token by which the hub knows who asks.

use std::fs;
use std::path::PathBuf;

use gloss_core::{Error, Result};
use hf_hub::Cache;

/// Variables that hold a token, in the order in which they count.
const VARIABLES: [&str; 2] = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"];

/// A token, and where it is from.
#[derive(Debug)]
pub(crate) struct Token {
    pub(super) value: String,
    pub(super) source: String,
}

impl Token {
    /// The token of `HF_TOKEN`, else that of `hf auth login`, without white space around it.
    ///
    /// # Errors
    /// If it has characters that no token has.
    pub(super) fn find() -> Result<Option<Self>> {
        let variables = VARIABLES.iter().filter_map(|name| {
            let value = std::env::var(name).ok()?;
            Some((value, name.to_string()))
        });
        let file = std::env::var_os("HF_TOKEN_PATH").map(PathBuf::from);
        let file = file.unwrap_or_else(|| Cache::from_env().token_path());
        let stored = fs::read_to_string(&file).ok();
        let stored = stored.map(|value| (value, file.display().to_string()));
        let found = variables
            .chain(stored)
            .map(|(value, source)| (value.trim().to_string(), source))
            .find(|(value, _)| !value.is_empty());
        let Some((value, source)) = found else {
            return Ok(None);
        };
        match value.chars().find(|c| !c.is_ascii_graphic()) {
            None => Ok(Some(Token { value, source })),
            Some(c) => Err(Error::Usage(format!(
                "the token in {source} holds {c:?}; expected letters, digits and `_` alone, as in \
                 hf_..."
            ))),
        }
    }
}
