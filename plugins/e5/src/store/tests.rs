//! Indexes of vectors that a hash of the text makes up.

mod approximate;
mod killed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gloss_core::{ArtefactRequest, ArtefactStore, BuildArtefact, Catalogue, Context, Item, Result};
use gloss_encoder::{Embed, Role, Similarity};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::build::build_with_room;
use super::*;
use crate::config::{Approximate, Ivf, Trees};

/// A folder for an index.
struct Folder {
    path: PathBuf,
    _parent: TempDir,
}

impl Folder {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("store/index");
        fs::create_dir_all(&path).unwrap();
        Folder {
            path,
            _parent: parent,
        }
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes vectors up, and counts the texts.
struct Hashing {
    dimensions: usize,
    name: &'static str,
    encoded: AtomicUsize,
}

impl Hashing {
    fn new(dimensions: usize) -> Self {
        Hashing {
            dimensions,
            name: "hashing",
            encoded: AtomicUsize::new(0),
        }
    }
}

impl Embed for Hashing {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn identity(&self) -> Value {
        json!({ "model": self.name, "prefix": { "query": "", "passage": "" } })
    }

    fn embed(
        &self,
        texts: &[&str],
        _: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        self.encoded.fetch_add(texts.len(), Ordering::Relaxed);
        let mut values = Vec::new();
        for text in texts {
            let mut bytes = vec![0; self.dimensions];
            let mut reader = blake3::Hasher::new().update(text.as_bytes()).finalize_xof();
            reader.fill(&mut bytes);
            values.extend(bytes.iter().map(|byte| f32::from(*byte) - 127.5));
            progress(1)?;
        }
        Ok(values)
    }
}

fn catalogue(texts: impl IntoIterator<Item = usize>) -> Catalogue {
    let item = |(at, text)| Item {
        id: format!("id {at}"),
        text: format!("text {text}"),
        fields: Vec::new(),
    };
    Catalogue::new(
        texts.into_iter().enumerate().map(item).collect(),
        Vec::new(),
    )
    .unwrap()
}

fn source<'a>(catalogue: &'a Catalogue, embed: &'a Hashing) -> Source<'a> {
    Source {
        catalogue,
        embed,
        similarity: Similarity::Cosine,
        approximate: None,
    }
}

fn build_in(folder: &Path, source: &Source<'_>) -> Result<()> {
    fs::create_dir_all(folder).unwrap();
    build(source, folder, &Context::default())
}

fn open_message(folder: &Path, source: &Source<'_>) -> String {
    let error = open(folder, &source.identity()).err().unwrap().to_string();
    error.replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new();
    let (items, embed) = (catalogue([3, 1, 3, 2]), Hashing::new(5));
    let source = source(&items, &embed);
    build_in(folder.path(), &source).unwrap();
    assert_eq!(
        embed.encoded.load(Ordering::Relaxed),
        3,
        "equal texts are encoded once"
    );
    let stored = open(folder.path(), &source.identity()).unwrap();
    let vectors = stored.vectors().unwrap();
    assert_eq!(vectors.len(), 4);
    assert_eq!(vectors.row(0), vectors.row(2));
    assert_ne!(vectors.row(0), vectors.row(1));
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(
        files.len(),
        1,
        "nothing is left beside the index: {files:?}"
    );
}

#[test]
fn an_empty_catalogue_has_an_index() {
    let folder = Folder::new();
    let (items, embed) = (catalogue([]), Hashing::new(5));
    let searches = [
        None,
        Some(Approximate::Arroy(Trees::default())),
        Some(Approximate::Ivf(Ivf::default())),
    ];
    for approximate in searches {
        let source = Source {
            approximate,
            ..source(&items, &embed)
        };
        build_in(folder.path(), &source).unwrap();
        let stored = open(folder.path(), &source.identity()).unwrap();
        assert!(stored.vectors().unwrap().is_empty());
    }
}

#[test]
fn the_file_grows_from_almost_nothing() {
    let (items, embed) = (catalogue(0..5000), Hashing::new(64));
    let trees = Trees {
        trees: 5,
        minimum_recall: 0.0,
        ..Trees::default()
    };
    let lists = Ivf {
        minimum_recall: 0.0,
        ..Ivf::default()
    };
    let searches = [Approximate::Arroy(trees), Approximate::Ivf(lists)];
    for approximate in [None].into_iter().chain(searches.map(Some)) {
        let source = Source {
            approximate,
            ..source(&items, &embed)
        };
        let (small, large) = (Folder::new(), Folder::new());
        build_with_room(&source, small.path(), &Context::default(), 1 << 16).unwrap();
        build_in(large.path(), &source).unwrap();
        let vectors = |folder: &Path| {
            let stored = open(folder, &source.identity()).unwrap();
            stored.vectors().unwrap()
        };
        assert_eq!(vectors(small.path()), vectors(large.path()));
    }
}

/// A cache that keeps the last artefact alone.
#[derive(Default)]
struct LastArtefact(Mutex<Vec<TempDir>>);

impl ArtefactStore for LastArtefact {
    fn get_or_build(
        &self,
        request: &ArtefactRequest<'_>,
        build: &mut BuildArtefact<'_>,
    ) -> Result<PathBuf> {
        assert_eq!((request.stage, request.changing.0), ("encode", "texts"));
        let folder = tempfile::tempdir().unwrap();
        let mut artefacts = self.0.lock().unwrap();
        build(folder.path(), artefacts.last().map(TempDir::path))?;
        artefacts.push(folder);
        Ok(artefacts.last().unwrap().path().to_path_buf())
    }
}

#[test]
fn only_new_texts_are_encoded_when_a_catalogue_changes() {
    let store = tempfile::tempdir().unwrap();
    let (old, new, embed) = (catalogue(0..100), catalogue(5..110), Hashing::new(8));
    let cached = Context::default().with_artefacts(Arc::new(LastArtefact::default()));
    for (name, catalogue) in [("old", &old), ("new", &new)] {
        let folder = store.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        build(&source(catalogue, &embed), &folder, &cached).unwrap();
    }
    assert_eq!(embed.encoded.load(Ordering::Relaxed), 110);
    // The same as without the old vectors.
    build_in(&store.path().join("alone"), &source(&new, &Hashing::new(8))).unwrap();
    let vectors = |name: &str| {
        let stored = open(&store.path().join(name), &source(&new, &embed).identity());
        stored.unwrap().vectors().unwrap()
    };
    assert_eq!(vectors("new"), vectors("alone"));
}

#[test]
fn an_index_of_something_else_is_refused() {
    let folder = Folder::new();
    let (items, embed) = (catalogue(0..10), Hashing::new(8));
    build_in(folder.path(), &source(&items, &embed)).unwrap();
    let refusal = |what: &str| {
        format!(
            "FOLDER: not the index of vectors that is needed here: {what}; delete the folder and \
             run again"
        )
    };
    let message = |source: &Source<'_>| open_message(folder.path(), source);
    let other = catalogue(1..11);
    assert_eq!(
        message(&source(&other, &embed)),
        refusal("it was made of other items or texts")
    );
    let other = Hashing {
        name: "other",
        ..Hashing::new(8)
    };
    assert_eq!(
        message(&source(&items, &other)),
        refusal("its encoder.model is \"hashing\" where \"other\" is needed")
    );
    let other = Hashing::new(9);
    assert_eq!(
        message(&source(&items, &other)),
        refusal("its dimensions is 8 where 9 is needed")
    );
    let other = Source {
        similarity: Similarity::InnerProduct,
        ..source(&items, &embed)
    };
    assert_eq!(
        message(&other),
        refusal("its similarity is \"cosine\" where \"inner-product\" is needed")
    );
    for (name, approximate) in [
        ("approximate.arroy", Approximate::Arroy(Trees::default())),
        ("approximate.ivf", Approximate::Ivf(Ivf::default())),
    ] {
        let other = Source {
            approximate: Some(approximate),
            ..source(&items, &embed)
        };
        assert!(message(&other).contains(name), "{}", message(&other));
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = Folder::new();
    let (items, embed) = (catalogue(0..3000), Hashing::new(64));
    let source = source(&items, &embed);
    build_in(folder.path(), &source).unwrap();
    let path = folder.path().join("data.mdb");
    let whole = fs::read(&path).unwrap();
    for length in [
        0,
        1,
        100,
        4096,
        5000,
        8192,
        20_000,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = open_message(folder.path(), &source);
        assert!(
            message.contains("is not a complete index of vectors"),
            "{length}: {message}"
        );
    }
    fs::write(&path, vec![7; whole.len()]).unwrap();
    let message = open_message(folder.path(), &source);
    assert!(
        message.contains("is not a complete index of vectors"),
        "{message}"
    );
    let mut changed = whole.clone();
    let at = changed.len() - 100_000;
    changed[at] ^= 1;
    fs::write(&path, &changed).unwrap();
    let stored = open(folder.path(), &source.identity()).unwrap();
    let message = stored.vectors().unwrap_err().to_string();
    assert!(message.contains("its vectors are not whole"), "{message}");
    drop(stored);
    fs::write(&path, &whole).unwrap();
    assert!(open(folder.path(), &source.identity()).is_ok());
    fs::remove_file(&path).unwrap();
    assert!(open_message(folder.path(), &source).contains("cannot read FOLDER/data.mdb"));
}

#[test]
fn readers_keep_what_they_opened_and_share_it() {
    let folder = Folder::new();
    let (items, embed) = (catalogue(0..50), Hashing::new(8));
    let source = source(&items, &embed);
    build_in(folder.path(), &source).unwrap();
    let first = open(folder.path(), &source.identity()).unwrap();
    let second = open(folder.path(), &source.identity()).unwrap();
    assert_eq!(first.vectors().unwrap(), second.vectors().unwrap());
    build_in(folder.path(), &source).unwrap();
    assert_eq!(first.vectors().unwrap().len(), 50);
    assert!(open_message(folder.path(), &source).contains("was replaced"));
    drop((first, second));
    assert!(open(folder.path(), &source.identity()).is_ok());
}

#[cfg(unix)]
#[test]
#[ignore = "needs a user other than root"]
fn unprivileged_a_folder_that_may_not_be_written_is_read_and_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (items, embed) = (catalogue(0..50), Hashing::new(8));
    let source = source(&items, &embed);
    build_in(folder.path(), &source).unwrap();
    let allow = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode));
    allow(0o555).unwrap();
    let read = open(folder.path(), &source.identity()).map(|_| ());
    let written = build_in(folder.path(), &source);
    allow(0o755).unwrap();
    read.unwrap();
    let message = written.unwrap_err().to_string();
    let expected = format!(
        "cannot write {}",
        folder.path().join("data.mdb.partial").display()
    );
    assert!(message.starts_with(&expected), "{message}");
}
