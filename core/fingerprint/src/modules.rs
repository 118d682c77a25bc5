//! The graph of a crate's modules: which files a module's code depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use crate::source;

/// A path of modules below the crate's root, or of an item in them.
type Names = Vec<String>;

/// A source file as a module.
struct Module {
    file: PathBuf,
    /// The paths that it refers to, from the root.
    references: Vec<Names>,
    /// The names that it imports, with their full paths.
    imports: BTreeMap<String, Names>,
    /// Types of other modules that it adds methods to.
    extends: BTreeSet<String>,
}

/// All modules of a crate, by path.
pub(crate) struct Modules(BTreeMap<Names, Module>);

impl Modules {
    /// Reads the crate whose sources lie in `folder`. `None` if a file is not Rust.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let all = source::files(folder.parent()?)?;
        let is_module = |file: &&PathBuf| {
            file.starts_with(folder) && file.extension().is_some_and(|e| e == "rs")
        };
        let files: BTreeMap<Names, PathBuf> = all
            .iter()
            .filter(is_module)
            .map(|file| (names(folder, file), file.clone()))
            .collect();
        let mut modules = BTreeMap::new();
        for (names, file) in &files {
            let tokens = source::tokens(file)??;
            let is_child = |child: &str| files.contains_key(&extend(names, child));
            let mut reader = Reader::new(names, &is_child);
            reader.read(tokens);
            let module = Module {
                file: file.clone(),
                extends: reader
                    .extended
                    .difference(&reader.defined)
                    .cloned()
                    .collect(),
                references: reader.references,
                imports: reader.imports,
            };
            modules.insert(names.clone(), module);
        }
        Some(Modules(modules))
    }

    /// The files that the code of `module`, such as `train` or `stages::index`, depends on: the
    /// module and its children, all modules that they refer to, and modules that add methods to
    /// types of these. `None` if there is no such module.
    pub(crate) fn closure(&self, module: &str) -> Option<BTreeSet<PathBuf>> {
        let start: Names = module.split("::").map(str::to_string).collect();
        let mut open: Vec<&Names> = self.0.keys().filter(|n| n.starts_with(&start)).collect();
        if open.is_empty() {
            return None;
        }
        let mut reached: BTreeSet<&Names> = BTreeSet::new();
        loop {
            while let Some(names) = open.pop() {
                if reached.insert(names) {
                    let references = &self.0[names].references;
                    open.extend(references.iter().flat_map(|path| self.resolve(path, 0)));
                }
            }
            open = self.extensions(&reached);
            if open.is_empty() {
                break;
            }
        }
        Some(
            reached
                .iter()
                .map(|names| self.0[*names].file.clone())
                .collect(),
        )
    }

    /// Circles among the modules of each folder, as paths such as `cache -> config -> cache`.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut edges: BTreeMap<Names, BTreeSet<Names>> = BTreeMap::new();
        for (names, module) in &self.0 {
            for path in &module.references {
                for target in self.resolve(path, 0) {
                    let shared = names.iter().zip(target).take_while(|(a, b)| a == b).count();
                    if names.len() > shared && target.len() > shared {
                        let from = names[..=shared].to_vec();
                        edges
                            .entry(from)
                            .or_default()
                            .insert(target[..=shared].to_vec());
                    }
                }
            }
        }
        let mut circles = Vec::new();
        for start in edges.keys() {
            let mut paths = vec![vec![start]];
            let mut reached = BTreeSet::from([start]);
            while let Some(path) = paths.pop() {
                let last = path[path.len() - 1];
                for next in edges.get(last).into_iter().flatten() {
                    let longer = [path.as_slice(), &[next]].concat();
                    if next == start {
                        let names: Vec<String> = longer.iter().map(|n| n.join("::")).collect();
                        circles.push(names.join(" -> "));
                    } else if reached.insert(next) {
                        paths.push(longer);
                    }
                }
            }
        }
        circles
    }

    /// The modules that a path leads to: where the item is defined, as far as re-exports tell.
    fn resolve<'a>(&'a self, path: &Names, depth: usize) -> Vec<&'a Names> {
        let known = (0..=path.len()).rev();
        let found = known
            .filter_map(|length| self.0.get_key_value(&path[..length]))
            .next();
        let Some((names, module)) = found else {
            return self.0.keys().collect();
        };
        let rest = &path[names.len()..];
        match rest.split_first() {
            // The module as a whole.
            None => self
                .0
                .keys()
                .filter(|other| other.starts_with(names))
                .collect(),
            Some((item, after)) => match module.imports.get(item) {
                Some(target) if depth < 16 => {
                    self.resolve(&[target.as_slice(), after].concat(), depth + 1)
                }
                // A root that defines an item is all that depends on it, too.
                _ => vec![names],
            },
        }
    }

    /// Modules that are not reached but add methods to types of those that are.
    fn extensions<'a>(&'a self, reached: &BTreeSet<&'a Names>) -> Vec<&'a Names> {
        let adds = |(names, module): &(&'a Names, &'a Module)| {
            let mut types = module.extends.iter();
            !reached.contains(names)
                && types.any(|name| {
                    let path = module.imports.get(name);
                    path.is_some_and(|path| {
                        let targets = self.resolve(path, 0);
                        targets.iter().any(|target| reached.contains(target))
                    })
                })
        };
        self.0.iter().filter(adds).map(|(names, _)| names).collect()
    }
}

/// The module path of a file.
fn names(folder: &Path, file: &Path) -> Names {
    let below = source::children_folder(file);
    let below = below.strip_prefix(folder).unwrap_or(&below);
    let parts = below.components();
    parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect()
}

fn extend(names: &[String], name: &str) -> Names {
    [names, &[name.to_string()]].concat()
}

/// Reads the tokens of one file.
struct Reader<'a> {
    names: &'a Names,
    is_child: &'a dyn Fn(&str) -> bool,
    references: Vec<Names>,
    imports: BTreeMap<String, Names>,
    extended: BTreeSet<String>,
    defined: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(names: &'a Names, is_child: &'a dyn Fn(&str) -> bool) -> Self {
        Reader {
            names,
            is_child,
            references: Vec::new(),
            imports: BTreeMap::new(),
            extended: BTreeSet::new(),
            defined: BTreeSet::new(),
        }
    }

    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut importing = false;
        let mut at = 0;
        while at < tokens.len() {
            if let Some((_, length)) = source::test_module(&tokens[at..]) {
                at += length;
                continue;
            }
            match &tokens[at] {
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Punct(punct) if punct.as_char() == ';' => importing = false,
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "use" => importing = true,
                    "struct" | "enum" | "trait" | "type" | "union" => {
                        self.defined
                            .extend(tokens.get(at + 1).map(ToString::to_string));
                    }
                    "impl" => self.extended.extend(inherent(&tokens[at + 1..])),
                    first => {
                        if let Some(start) = self.start(first, &tokens, &mut at) {
                            self.path(start, &tokens, &mut at, importing);
                            continue;
                        }
                    }
                },
                _ => {}
            }
            at += 1;
        }
    }

    /// The module in which a path begins, if it begins with this word inside the crate. Moves to
    /// the token after the word or words.
    fn start(&self, first: &str, tokens: &[TokenTree], at: &mut usize) -> Option<Names> {
        if !is_colons(tokens, *at + 1) || (*at >= 2 && is_colons(tokens, *at - 2)) {
            return None;
        }
        let mut start = match first {
            "crate" => Names::new(),
            "self" => self.names.clone(),
            "super" => self.names.clone(),
            child if (self.is_child)(child) => extend(self.names, child),
            _ => return None,
        };
        while matches!(tokens.get(*at), Some(TokenTree::Ident(word)) if word == "super") {
            start.pop();
            *at += 1;
            match matches!(tokens.get(*at + 2), Some(TokenTree::Ident(word)) if word == "super") {
                true => *at += 2,
                false => return Some(start),
            }
        }
        *at += 1;
        Some(start)
    }

    /// Reads the rest of a path from `::` on, which may branch.
    fn path(&mut self, mut path: Names, tokens: &[TokenTree], at: &mut usize, importing: bool) {
        while is_colons(tokens, *at) {
            *at += 2;
            match tokens.get(*at) {
                Some(TokenTree::Ident(word)) => {
                    path.push(word.to_string());
                    *at += 1;
                }
                Some(TokenTree::Group(group)) => {
                    self.branches(&path, group.stream(), importing);
                    *at += 1;
                    return;
                }
                _ => break,
            }
        }
        let renamed = matches!(tokens.get(*at), Some(TokenTree::Ident(word)) if word == "as");
        let name = match (renamed, tokens.get(*at + 1)) {
            (true, Some(name)) => Some(name.to_string()),
            _ => path.last().cloned(),
        };
        if let (true, Some(name)) = (importing, name) {
            self.imports.insert(name, path.clone());
        }
        self.references.push(path);
    }

    fn branches(&mut self, path: &Names, tokens: TokenStream, importing: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(word) if word == "self" => {
                    self.references.push(path.clone());
                    at += 1;
                }
                TokenTree::Ident(word) => {
                    let branch = extend(path, &word.to_string());
                    at += 1;
                    self.path(branch, &tokens, &mut at, importing);
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.references.push(path.clone());
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1))
}

/// The type of an `impl` that is of no trait.
fn inherent(tokens: &[TokenTree]) -> Option<String> {
    let mut depth = 0_i32;
    let mut name = None;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            TokenTree::Group(_) => break,
            TokenTree::Ident(word) if depth == 0 => match word.to_string().as_str() {
                "for" => return None,
                "where" => break,
                word => name = Some(word.to_string()),
            },
            _ => {}
        }
    }
    name
}
