//! The dependencies of a crate: the sources of those given by path, the locked versions of others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::source;

/// A package of `Cargo.lock`.
struct Locked {
    /// Name, version, source and checksum.
    identity: String,
    version: String,
    /// The dependencies, as the lock file writes them: `name`, `name version` or
    /// `name version (source)`.
    dependencies: Vec<String>,
}

/// Packages of `Cargo.lock`, by name.
type Lock = BTreeMap<String, Vec<Locked>>;

/// Everything that a crate is compiled with, besides its own sources.
pub(crate) struct Dependencies {
    /// The sources of path dependencies.
    sources: BTreeSet<PathBuf>,
    /// Names, versions and checksums of all other packages.
    packages: BTreeSet<String>,
    /// Files that decide the above: manifests, the lock file, folders of sources.
    files: BTreeSet<PathBuf>,
}

impl Dependencies {
    /// The dependencies of the crate in `folder`, which cargo builds in a folder below `build`; of those given by
    /// path the ones that are `used`, by their name in code. `None` if a manifest or the lock file cannot be found or
    /// read.
    pub(crate) fn of(folder: &Path, build: &Path, used: &dyn Fn(&str) -> bool) -> Option<Self> {
        let manifest = read(&folder.join("Cargo.toml"))?;
        let name = manifest.get("package")?.get("name")?.as_str()?;
        let lock_file = build
            .ancestors()
            .map(|above| above.join("Cargo.lock"))
            .find(|path| path.is_file())?;
        let lock = lock(&lock_file)?;
        lock.get(name)?;
        let mut all = Dependencies {
            sources: BTreeSet::new(),
            packages: BTreeSet::new(),
            files: BTreeSet::from([lock_file]),
        };
        all.add_crate(folder, &lock, used, &mut BTreeSet::new())?;
        Some(all)
    }

    /// The files and folders whose change may change the dependencies.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// All dependencies as text, with the digests of the sources of those given by path.
    pub(crate) fn describe(&self) -> String {
        let digests = self.sources.iter().map(|file| source::digest(file));
        format!("{:?} {:?}", self.packages, digests.collect::<Vec<_>>())
    }

    /// Adds the dependencies of the crate in `folder`.
    fn add_crate(
        &mut self,
        folder: &Path,
        lock: &Lock,
        used: &dyn Fn(&str) -> bool,
        visited: &mut BTreeSet<PathBuf>,
    ) -> Option<()> {
        let folder = fs::canonicalize(folder).ok()?;
        if !visited.insert(folder.clone()) {
            return Some(());
        }
        let manifest = read(&folder.join("Cargo.toml"))?;
        self.files.insert(folder.join("Cargo.toml"));
        let name = manifest.get("package")?.get("name")?.as_str()?;
        // Packages with the same name cannot be distinguished; all of them count.
        let own = lock.get(name)?;
        for (dependency, specification) in dependencies(&manifest) {
            let (specification, root) = inherited(specification, &dependency, &folder)?;
            let package = specification.get("package").and_then(Value::as_str);
            let package = package.unwrap_or(&dependency);
            if let Some(path) = specification.get("path").and_then(Value::as_str) {
                let in_code = dependency.replace('-', "_");
                if !lock.contains_key(package) || !used(&in_code) {
                    // An optional dependency that no feature enables, or one of other modules.
                    continue;
                }
                let path = root.join(path);
                self.sources.extend(source::files(&path)?);
                self.files.insert(source::folder(&path));
                self.add_crate(&path, lock, &|_| true, visited)?;
                continue;
            }
            let named = own.iter().flat_map(|package| &package.dependencies);
            for locked in named.filter(|locked| first_word(locked) == package) {
                self.add_package(locked, lock)?;
            }
        }
        Some(())
    }

    /// Adds a package of the lock file and all that it depends on.
    fn add_package(&mut self, named: &str, lock: &Lock) -> Option<()> {
        let mut words = named.split(' ');
        let (name, version) = (words.next()?, words.next());
        for package in lock.get(name)? {
            let is_meant = version.is_none_or(|version| version == package.version);
            if is_meant && self.packages.insert(package.identity.clone()) {
                let dependencies = package.dependencies.iter();
                dependencies
                    .map(|d| self.add_package(d, lock))
                    .collect::<Option<()>>()?;
            }
        }
        Some(())
    }
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn read(path: &Path) -> Option<Table> {
    fs::read_to_string(path).ok()?.parse().ok()
}

/// The dependencies that are compiled in: normal ones and those of the build script.
fn dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets
        .into_iter()
        .flatten()
        .filter_map(|(_, t)| t.as_table());
    let tables = [manifest].into_iter().chain(targets);
    let sections = tables.flat_map(|table| {
        ["dependencies", "build-dependencies"]
            .map(|section| table.get(section).and_then(Value::as_table))
    });
    let named = sections.flatten().flatten();
    named
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A dependency with what it inherits from its workspace, and the folder that its path starts from.
fn inherited(own: Value, name: &str, folder: &Path) -> Option<(Value, PathBuf)> {
    if own.get("workspace").and_then(Value::as_bool) != Some(true) {
        return Some((own, folder.to_path_buf()));
    }
    folder.ancestors().find_map(|root| {
        let manifest = read(&root.join("Cargo.toml"))?;
        let shared = manifest.get("workspace")?.get("dependencies")?.get(name)?;
        Some((shared.clone(), root.to_path_buf()))
    })
}

fn lock(path: &Path) -> Option<Lock> {
    let mut lock = Lock::new();
    for package in read(path)?.get("package")?.as_array()? {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, version) = (text("name").to_string(), text("version").to_string());
        let dependencies = package.get("dependencies").and_then(Value::as_array);
        let named = dependencies.into_iter().flatten().filter_map(Value::as_str);
        lock.entry(name.clone()).or_default().push(Locked {
            identity: format!("{name} {version} {} {}", text("source"), text("checksum")),
            version,
            dependencies: named.map(str::to_string).collect(),
        });
    }
    Some(lock)
}
