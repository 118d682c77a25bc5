//! Source files: which there are, and digests that ignore comments and tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Returns the folder of a crate's sources: `src`, unless the manifest has another path of the
/// library.
pub(crate) fn folder(of_crate: &Path) -> PathBuf {
    let manifest = fs::read_to_string(of_crate.join("Cargo.toml")).ok();
    let manifest: Option<toml::Table> = manifest.and_then(|text| text.parse().ok());
    let library = manifest.as_ref().and_then(|manifest| {
        let path = manifest.get("lib")?.get("path")?.as_str()?;
        Path::new(path).parent()
    });
    of_crate.join(library.unwrap_or(Path::new("src")))
}

/// Returns the files of a crate that decide its code: its sources, without modules of tests, and
/// its build script. `None` if a file cannot be read.
pub(crate) fn files(folder: &Path) -> Option<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    collect(&self::folder(folder), &mut all)?;
    let build = folder.join("build.rs");
    all.extend(build.is_file().then_some(build));
    let mut tests = BTreeSet::new();
    for file in all.iter().filter(|file| is_rust(file)) {
        tests.extend(test_modules(file)?);
    }
    all.retain(|file| {
        let mut above = file.ancestors();
        !above.any(|path| tests.contains(path))
    });
    Some(all)
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Option<()> {
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => drop(files.insert(path)),
        }
    }
    Some(())
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// Returns the folder in which a source file's child modules lie.
pub(crate) fn children_folder(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default();
    match ["lib", "main", "mod"].iter().any(|name| stem == *name) {
        true => file.parent().unwrap_or(file).to_path_buf(),
        false => file.with_extension(""),
    }
}

/// Returns the paths of the modules that a file declares for tests alone.
fn test_modules(file: &Path) -> Option<Vec<PathBuf>> {
    let Some(tokens) = tokens(file)? else {
        return Some(Vec::new());
    };
    let folder = children_folder(file);
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut paths = Vec::new();
    for at in 0..tokens.len() {
        if let Some((Some(name), _)) = test_module(&tokens[at..]) {
            paths.extend([folder.join(format!("{name}.rs")), folder.join(name)]);
        }
    }
    Some(paths)
}

/// Returns the name of the module in a file of its own, and the number of tokens, if these begin
/// with `#[cfg(test)] mod`.
pub(crate) fn test_module(tokens: &[TokenTree]) -> Option<(Option<String>, usize)> {
    let attribute = attribute(tokens)?;
    if attribute != "cfg(test)" {
        return None;
    }
    let mut at = 2;
    while self::attribute(&tokens[at..]).is_some() {
        at += 2;
    }
    let is_mod = matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "mod");
    match (is_mod, tokens.get(at + 1)?, tokens.get(at + 2)?) {
        (true, TokenTree::Ident(name), TokenTree::Punct(_)) => {
            Some((Some(name.to_string()), at + 3))
        }
        (true, TokenTree::Ident(_), TokenTree::Group(_)) => Some((None, at + 3)),
        _ => None,
    }
}

/// Returns the text of the attribute that these tokens begin with, without spaces.
fn attribute(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(group), ..]
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            let text = group.stream().to_string();
            Some(text.split_whitespace().collect())
        }
        _ => None,
    }
}

/// Returns the tokens of a Rust file; the inner `None` if it is not Rust.
pub(crate) fn tokens(file: &Path) -> Option<Option<TokenStream>> {
    let bytes = fs::read(file).ok()?;
    let text = String::from_utf8(bytes).ok();
    Some(text.and_then(|text| text.parse().ok()))
}

/// Returns the words of the code in files of Rust, without comments and tests. `None` if one cannot be read.
pub(crate) fn words(files: &BTreeSet<PathBuf>) -> Option<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    for file in files.iter().filter(|file| is_rust(file)) {
        let mut text = String::new();
        write(tokens(file)?.unwrap_or_default(), &mut text);
        let parts = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.extend(parts.map(str::to_string));
    }
    Some(words)
}

/// Returns a digest of a file: of Rust without comments, documentation, spaces and tests, of all
/// else byte for byte. `None` if it cannot be read.
pub(crate) fn digest(file: &Path) -> Option<String> {
    if is_rust(file)
        && let Some(tokens) = tokens(file)?
    {
        let mut text = String::new();
        write(tokens, &mut text);
        return Some(blake3::hash(text.as_bytes()).to_hex().to_string());
    }
    let bytes = fs::read(file).ok()?;
    Some(blake3::hash(&bytes).to_hex().to_string())
}

/// Appends the tokens that decide what is compiled.
fn write(tokens: TokenStream, text: &mut String) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((_, length)) = test_module(&tokens[at..]) {
            at += length;
            continue;
        }
        if let Some(length) = documentation(&tokens[at..]) {
            at += length;
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            other => {
                text.push_str(&other.to_string());
                text.push(' ');
            }
        }
        at += 1;
    }
}

/// Returns the number of tokens of a `#[doc = "..."]` or `#![doc = "..."]` at the beginning.
fn documentation(tokens: &[TokenTree]) -> Option<usize> {
    let is_doc = |tokens: &[TokenTree]| {
        let text = attribute(tokens);
        text.is_some_and(|text| text.starts_with("doc="))
    };
    if is_doc(tokens) {
        return Some(2);
    }
    match tokens {
        [hash @ TokenTree::Punct(_), TokenTree::Punct(not), group, ..] if not.as_char() == '!' => {
            is_doc(&[hash.clone(), group.clone()]).then_some(3)
        }
        _ => None,
    }
}
