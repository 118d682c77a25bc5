//! The files of a dataset.

use std::fmt::Write;

use gloss_core::{Download, Error, Result};

use crate::args::Fetch;
use crate::config;
use crate::download::{Downloader, Expected, Fetched};
use crate::session::Session;

pub(super) fn fetch(args: &Fetch, session: &Session) -> Result<Vec<Fetched>> {
    let dataset = config::dataset("fetch", &args.name, &args.set, session)?;
    let mut sources = dataset.sources();
    if sources.is_empty() {
        return Err(no_download(&args.name));
    }
    if let Some(prefix) = &args.from {
        redirect(&mut sources, prefix);
    }
    let downloader = Downloader::new(&session.context);
    let mut files = Vec::new();
    for source in &sources {
        let file = downloader
            .fetch(source, &Expected::default())
            .map_err(|error| match error {
                Error::Network(message) => Error::Network(message + &by_hand(&dataset.sources())),
                other => other,
            })?;
        files.push(file);
    }
    Ok(files)
}

fn no_download(name: &str) -> Error {
    Error::Usage(format!(
        "the dataset {name} names no files to download; `gloss describe {name}` says where it \
         reads its files from"
    ))
}

/// Replaces what the addresses of all files have in common, up to a `/`.
fn redirect(sources: &mut [Download], prefix: &str) {
    let Some(first) = sources.first().map(|source| source.url.clone()) else {
        return;
    };
    let common = sources.iter().fold(first.as_str(), |common, source| {
        let same = common.char_indices().zip(source.url.chars());
        let end = same.take_while(|((_, a), b)| a == b).last();
        &common[..end.map_or(0, |((at, character), _)| at + character.len_utf8())]
    });
    let start = common.rfind('/').map_or(0, |slash| slash + 1);
    for source in sources {
        source.url = format!("{}/{}", prefix.trim_end_matches('/'), &source.url[start..]);
    }
}

/// Advice for manual downloads: the missing files with source and destination.
fn by_hand(sources: &[Download]) -> String {
    let mut text =
        "\nThe files can come from elsewhere too; put them where they belong, or name a \
                    mirror with --from:"
            .to_string();
    for source in sources.iter().filter(|source| !source.path.exists()) {
        let _ = write!(text, "\n  {}\n    -> {}", source.url, source.path.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(urls: &[&str], prefix: &str) -> Vec<String> {
        let mut sources: Vec<Download> = urls
            .iter()
            .map(|url| Download {
                url: url.to_string(),
                path: "x".into(),
            })
            .collect();
        redirect(&mut sources, prefix);
        sources.into_iter().map(|source| source.url).collect()
    }

    #[test]
    fn a_mirror_has_the_same_folders_below_what_is_common() {
        assert_eq!(
            redirected(&["https://a.org/b/c.gz"], "http://m"),
            ["http://m/c.gz"]
        );
        assert_eq!(
            redirected(
                &["https://a.org/x/meta_a.gz", "https://a.org/x/meta_b.gz"],
                "http://m/"
            ),
            ["http://m/meta_a.gz", "http://m/meta_b.gz"]
        );
        assert_eq!(
            redirected(
                &["https://a.org/x/raw/é.gz", "https://a.org/x/raw_é/é.gz"],
                "http://m"
            ),
            ["http://m/raw/é.gz", "http://m/raw_é/é.gz"]
        );
    }
}
