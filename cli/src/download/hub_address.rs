//! Addresses of the Hugging Face hub: `hf://organisation/model`, and the files of datasets,
//! `hf://datasets/organisation/name/path`; both with a revision after the name, as `name@revision`.

use std::path::{Path, PathBuf};

use gloss_core::{Context, Download, Error, Result, model_folder};

use super::Downloader;
use super::hub::Hub;
use super::model::{MAIN, fetch_model, parse};

const SCHEME: &str = "hf://";

/// Returns `true` for an address of the hub.
pub(crate) fn is_hub_address(text: &str) -> bool {
    text.starts_with(SCHEME)
}

/// Brings a model to where models are fetched to, or a file or folder of a dataset to a place below
/// `root`, and returns its path. What is here already is verified.
///
/// # Errors
/// If the address is none; if the hub cannot be reached, refuses, or has other files now.
pub(crate) fn fetch_address(address: &str, root: &Path, context: &Context) -> Result<PathBuf> {
    let named = address.trim_start_matches(SCHEME).trim_end_matches('/');
    let Some(named) = named.strip_prefix("datasets/") else {
        fetch_model(named, None, context)?;
        return Ok(model_folder(parse(named)?.0));
    };
    let mut parts = named.splitn(3, '/');
    let name = [parts.next(), parts.next()]
        .map(Option::unwrap_or_default)
        .join("/");
    let (name, revision) = parse(&name)?;
    let revision = revision.unwrap_or(MAIN);
    let path = parts.next().unwrap_or_default();
    let hub = Hub::new(None)?;
    let files = hub.dataset_files(name, revision, context)?;
    let folder = root.join("hf/datasets").join(format!("{name}@{revision}"));
    let below = |file: &str| {
        let rest = file.strip_prefix(path);
        rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
    };
    let downloader = Downloader::new(context).with_token(hub.token());
    let mut found = false;
    for file in files.iter().filter(|file| below(&file.path)) {
        let source = Download {
            url: hub.dataset_url(name, revision, &file.path),
            path: folder.join(&file.path),
        };
        downloader.fetch(&source, &file.expected)?;
        found = true;
    }
    match found {
        true => Ok(folder.join(path)),
        false => Err(Error::Usage(format!(
            "the dataset {name} has no file or folder `{path}` at revision {revision}; see {}",
            hub.page(&format!("datasets/{name}"))
        ))),
    }
}
