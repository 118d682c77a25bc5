//! A model of the Hugging Face hub.
//!
//! The files arrive in a folder beside the model's, which is named after the commit. It takes the
//! model's name once all are there, so that half a model is never taken for a whole one, and
//! files of two commits never come together.

use std::path::{Path, PathBuf};

use gloss_core::{
    Context, Download, Error, FetchedModel, ModelFile, Result, is_hub_name, model_folder,
    move_into_place,
};

use super::content::Expected;
use super::hub::{Hub, HubFile, HubModel};
use super::{Downloader, Fetched};

/// The revision that a name without one means.
pub(super) const MAIN: &str = "main";

/// Fetches the model `typed`, which may have a revision, from the hub at `from` or the usual one; or
/// verifies that it is here.
///
/// # Errors
/// If it is here and is another, or the hub cannot be reached or refuses.
pub(crate) fn fetch_model(
    typed: &str,
    from: Option<&str>,
    context: &Context,
) -> Result<Vec<Fetched>> {
    let (name, revision) = parse(typed)?;
    let folder = model_folder(name);
    if folder.exists() {
        return verify(&folder, name, revision, context);
    }
    let hub = Hub::new(from)?;
    let revision = revision.unwrap_or(MAIN);
    let with_help = |error| match error {
        Error::Network(message) => {
            Error::Network(message + &by_hand(&hub, name, revision, &folder))
        }
        other => other,
    };
    let model = hub.model(name, revision, context);
    let model = model.map_err(with_help)?;
    let arriving = arriving(&folder, &model);
    let downloader = Downloader::new(context).with_token(hub.token());
    let mut files = Vec::new();
    for HubFile { path, expected } in &model.files {
        let source = Download {
            url: model.url(path),
            path: arriving.join(path),
        };
        if let Some(cached) = model.cached(path).filter(|_| !source.path.exists()) {
            files.push(downloader.copy(&cached, &source.path, expected)?);
            continue;
        }
        let file = downloader
            .fetch(&source, expected)
            .map_err(|error| match error {
                Error::Network(message) if model.gated => {
                    let hint = hub.how_to_be_let_in(name);
                    with_help(Error::Network(format!("{message}. {hint}")))
                }
                other => with_help(other),
            })?;
        files.push(file);
    }
    record(&files, name, revision, &model).write(&arriving)?;
    move_into_place(&arriving, &folder)?;
    for (file, HubFile { path, .. }) in files.iter_mut().zip(&model.files) {
        file.path = folder.join(path);
    }
    Ok(files)
}

/// Splits `organisation/name@revision`.
pub(super) fn parse(typed: &str) -> Result<(&str, Option<&str>)> {
    let (name, revision) = match typed.split_once('@') {
        Some((name, revision)) => (name, Some(revision)),
        None => (typed, None),
    };
    if is_hub_name(name) && revision.is_none_or(|revision| !revision.is_empty()) {
        return Ok((name, revision));
    }
    Err(Error::Usage(format!(
        "`{typed}` is not the name of a model: expected organisation/name, or \
         organisation/name@revision, where a revision is a branch, a tag or a commit"
    )))
}

/// Compares a model that is here with what was fetched, without asking the hub.
fn verify(
    folder: &Path,
    name: &str,
    revision: Option<&str>,
    context: &Context,
) -> Result<Vec<Fetched>> {
    let stale = |message: String| Error::Stale {
        path: folder.to_path_buf(),
        message,
    };
    let Some(model) = FetchedModel::of(folder)? else {
        return Err(stale(
            "this folder is not one that was fetched; it is left as it is, and used where the \
             model is named. Move it away to fetch the model"
                .to_string(),
        ));
    };
    if let Some(asked) = revision
        && asked != model.revision
        && asked != model.commit
    {
        return Err(stale(format!(
            "this is {name} at revision {}, commit {}; move it away to fetch revision {asked}",
            model.revision, model.commit
        )));
    }
    let downloader = Downloader::new(context);
    let files = model.files.iter();
    files
        .map(|file| downloader.verify(&folder.join(&file.path), &Expected::of_model()))
        .collect()
}

/// The folder where the files arrive.
fn arriving(folder: &Path, model: &HubModel) -> PathBuf {
    let mut name = folder.as_os_str().to_os_string();
    name.push(format!(".{:.12}.part", model.commit));
    PathBuf::from(name)
}

fn record(files: &[Fetched], name: &str, revision: &str, model: &HubModel) -> FetchedModel {
    FetchedModel {
        name: name.to_string(),
        revision: revision.to_string(),
        commit: model.commit.clone(),
        files: files
            .iter()
            .zip(&model.files)
            .map(|(file, HubFile { path, .. })| ModelFile {
                path: path.clone(),
                bytes: file.bytes,
            })
            .collect(),
    }
}

/// Advice for manual downloads.
fn by_hand(hub: &Hub, name: &str, revision: &str, folder: &Path) -> String {
    format!(
        "\nThe files can come from elsewhere too; put config.json, tokenizer.json, all other \
         .json files and all .safetensors files where they belong, or name a mirror with --from:\
         \n  {}/tree/{revision}\n    -> {}",
        hub.page(name),
        folder.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_a_revision() {
        assert_eq!(parse("o/m").unwrap(), ("o/m", None));
        assert_eq!(parse("o/m@v1").unwrap(), ("o/m", Some("v1")));
        assert_eq!(parse("o/m@refs/pr/1").unwrap(), ("o/m", Some("refs/pr/1")));
        for wrong in ["o/m@", "../m", "o/m/x", "o/@v1", "/"] {
            let message = parse(wrong).unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{wrong}` is not the name of a model")));
        }
    }
}
