//! The LMDB environment.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use gloss_core::{Error, Result};
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U32};
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, MdbError};
use heed::{RoTxn, RwTxn, WithoutTls};

/// The names of the databases in an environment.
const HEADER: &str = "header";
const ITEMS: &str = "items";
const VECTORS: &str = "vectors";
const TREES: &str = "trees";
const LISTS: &str = "lists";

/// A multiple of the size of a page of memory on every system.
const PAGES: usize = 1 << 16;

/// A database whose keys are numbers, in their order.
pub(crate) type Numbered = Database<'static, U32<BigEndian>, Bytes>;

/// An LMDB environment with the databases of an index.
pub(crate) struct Environment {
    env: Env<WithoutTls>,
    path: PathBuf,
    /// One value, under the key [`HEADER`].
    header: Database<'static, Str, Bytes>,
    /// By position: the hash of the item's text, and its identifier.
    pub(crate) items: Numbered,
    /// By number: blocks of vectors.
    pub(crate) vectors: Numbered,
}

/// The environments that this process has open for reading. LMDB allows a file to be open but once
/// in a process.
static OPEN: Mutex<Option<HashMap<PathBuf, Weak<Environment>>>> = Mutex::new(None);

impl Environment {
    /// Makes an environment of the file `path`, which nobody else writes to, with room for
    /// at least `map_size` bytes at first.
    pub(crate) fn create(path: &Path, map_size: usize) -> Result<Self> {
        let flags = EnvFlags::NO_SUB_DIR | EnvFlags::NO_LOCK | EnvFlags::NO_SYNC;
        let map_size = map_size.checked_next_multiple_of(PAGES).unwrap_or(map_size);
        let env = open_env(path, map_size, flags);
        let env = env.map_err(|error| library_error("write", path)(error.into()))?;
        let databases = growing(&env, path, || {
            let txn = env.write_txn()?;
            let created = env.create_databases_and_commit(txn, |opener, txn| {
                let header = opener.create_database(txn, Some(HEADER))?;
                let items = opener.create_database(txn, Some(ITEMS))?;
                let vectors = opener.create_database(txn, Some(VECTORS))?;
                Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit((header, items, vectors)))
            })?;
            Ok(created.unwrap_commit())
        });
        let (header, items, vectors) = databases?;
        Ok(Environment {
            env,
            path: path.to_path_buf(),
            header,
            items,
            vectors,
        })
    }

    /// Opens the file `path`, which is complete, for reading.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>> {
        let path = fs::canonicalize(path).map_err(Error::io("read", path))?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        if let Some(environment) = open.get(&path).and_then(Weak::upgrade) {
            return match environment.is_in_place() {
                true => Ok(environment),
                false => Err(Error::Usage(format!(
                    "{} was replaced while this process reads its former content; close that \
                     index first",
                    path.display()
                ))),
            };
        }
        let environment = Arc::new(Environment::open_anew(&path)?);
        open.retain(|_, environment| environment.strong_count() > 0);
        open.insert(path, Arc::downgrade(&environment));
        Ok(environment)
    }

    fn open_anew(path: &Path) -> Result<Self> {
        if fs::metadata(path).map_err(Error::io("read", path))?.len() == 0 {
            return Err(damaged(path, "it is empty"));
        }
        let flags = EnvFlags::NO_SUB_DIR | EnvFlags::NO_LOCK | EnvFlags::READ_ONLY;
        let failed = |error: heed::Error| library_error("read", path)(error.into());
        let env = open_env(path, 0, flags).map_err(failed)?;
        // Of the file that is open, for another may have its name by now.
        let file = env.try_clone_inner_file().map_err(failed)?;
        let bytes = file.metadata().map_err(Error::io("read", path))?.len();
        let needed = used(&env);
        if bytes < needed {
            let what = format!("it is cut short: {bytes} bytes are left of {needed}");
            return Err(damaged(path, &what));
        }
        let txn = env.read_txn().map_err(failed)?;
        let opened = env.open_databases_and_commit(txn, |opener, txn| {
            let header = opener.open_database(txn, Some(HEADER))?;
            let items = opener.open_database(txn, Some(ITEMS))?;
            let vectors = opener.open_database(txn, Some(VECTORS))?;
            Ok(CommitOrAbort::<_, ()>::Commit((header, items, vectors)))
        });
        match opened.map_err(failed)?.unwrap_commit() {
            (Some(header), Some(items), Some(vectors)) => Ok(Environment {
                env,
                path: path.to_path_buf(),
                header,
                items,
                vectors,
            }),
            _ => Err(damaged(path, "it holds something else")),
        }
    }

    /// Returns `true` if the file that is open is still the one that has its name.
    fn is_in_place(&self) -> bool {
        let state = |metadata: fs::Metadata| Ok((metadata.len(), metadata.modified()?));
        let opened = self.env.try_clone_inner_file().map_err(io::Error::other);
        let opened = opened.and_then(|file| state(file.metadata()?));
        let named = fs::metadata(&self.path).and_then(state);
        matches!((opened, named), (Ok(opened), Ok(named)) if opened == named)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on what was written before.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&RoTxn<'_, WithoutTls>) -> arroy::Result<T>,
    ) -> Result<T> {
        let txn = self.env.read_txn().map_err(arroy::Error::from);
        txn.and_then(|txn| work(&txn))
            .map_err(library_error("read", &self.path))
    }

    /// Writes all that `work` writes, or nothing. Where there is no room, more is made, and `work`
    /// is done again.
    pub(crate) fn write<T>(
        &mut self,
        mut work: impl FnMut(&mut RwTxn<'_>) -> arroy::Result<T>,
    ) -> Result<T> {
        growing(&self.env, &self.path, || {
            let mut txn = self.env.write_txn()?;
            let answer = work(&mut txn)?;
            txn.commit()?;
            Ok(answer)
        })
    }

    /// The database of trees.
    pub(crate) fn trees<D: arroy::Distance>(&self) -> Result<arroy::Database<'static, D>> {
        self.open_database(TREES)
    }

    /// Makes the database of trees.
    pub(crate) fn create_trees<D: arroy::Distance>(
        &mut self,
    ) -> Result<arroy::Database<'static, D>> {
        self.create_database(TREES)
    }

    /// The database of lists.
    pub(crate) fn lists(&self) -> Result<Numbered> {
        self.open_database(LISTS)
    }

    /// Makes the database of lists.
    pub(crate) fn create_lists(&mut self) -> Result<Numbered> {
        self.create_database(LISTS)
    }

    fn open_database<K: 'static, V: 'static>(&self, name: &str) -> Result<Database<'static, K, V>> {
        let open = || {
            let txn = self.env.read_txn()?;
            let opened = self.env.open_databases_and_commit(txn, |opener, txn| {
                let database = opener.open_database::<K, V>(txn, Some(name))?;
                Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(database))
            })?;
            Ok(opened.unwrap_commit())
        };
        let database = open().map_err(library_error("read", &self.path))?;
        database.ok_or_else(|| damaged(&self.path, &format!("it holds no {name}")))
    }

    fn create_database<K: 'static, V: 'static>(
        &mut self,
        name: &str,
    ) -> Result<Database<'static, K, V>> {
        growing(&self.env, &self.path, || {
            let txn = self.env.write_txn()?;
            let created = self.env.create_databases_and_commit(txn, |opener, txn| {
                let database = opener.create_database::<K, V>(txn, Some(name))?;
                Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(database))
            })?;
            Ok(created.unwrap_commit())
        })
    }

    /// The bytes of the header.
    pub(crate) fn read_header(&self) -> Result<Vec<u8>> {
        let bytes = self.read(|txn| Ok(self.header.get(txn, HEADER)?.map(<[u8]>::to_vec)))?;
        bytes.ok_or_else(|| damaged(&self.path, "it has no header"))
    }

    /// Writes the bytes of the header.
    pub(crate) fn write_header(&mut self, bytes: &[u8]) -> Result<()> {
        let header = self.header;
        self.write(|txn| Ok(header.put(txn, HEADER, bytes)?))
    }

    /// Sees to it that everything is on the disk, and closes the file, now as long as LMDB counts:
    /// it leaves out pages at the end that it used and freed again.
    pub(crate) fn finish(self) -> Result<()> {
        let synced = self.env.force_sync();
        synced.map_err(|error| library_error("write", &self.path)(error.into()))?;
        let needed = used(&self.env);
        let Environment { env, path, .. } = self;
        drop(env);
        let lengthen = || {
            let file = File::options().write(true).open(&path)?;
            if file.metadata()?.len() < needed {
                file.set_len(needed)?;
            }
            file.sync_all()
        };
        lengthen().map_err(Error::io("write", &path))
    }
}

#[allow(unsafe_code, reason = "LMDB maps the file into memory")]
fn open_env(path: &Path, map_size: usize, flags: EnvFlags) -> heed::Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.max_dbs(5);
    if map_size > 0 {
        options.map_size(map_size);
    }
    // SAFETY: the file is written by one process alone, under a name that nobody reads, and never
    // again after it got its name. So no map changes under a reader, locks have nothing to keep
    // apart, and what is not synchronised in time is lost without anybody missing it.
    unsafe {
        options.flags(flags);
        options.open(path)
    }
}

/// Does `work`, with twice the room as long as there is too little of it.
fn growing<T>(
    env: &Env<WithoutTls>,
    path: &Path,
    mut work: impl FnMut() -> arroy::Result<T>,
) -> Result<T> {
    loop {
        match work() {
            Err(arroy::Error::Heed(heed::Error::Mdb(MdbError::MapFull))) => {
                let grown = grow(env);
                grown.map_err(|error| library_error("write", path)(error.into()))?;
            }
            done => return done.map_err(library_error("write", path)),
        }
    }
}

#[allow(
    unsafe_code,
    reason = "LMDB does not see to it that no transaction is open"
)]
fn grow(env: &Env<WithoutTls>) -> heed::Result<()> {
    let size = env.info().map_size.saturating_mul(2);
    tracing::debug!(size, "the vectors need more room");
    // SAFETY: an environment that is written has one user, who calls this between transactions.
    unsafe { env.resize(size) }
}

/// The bytes of the pages that are in use.
fn used(env: &Env<WithoutTls>) -> u64 {
    let pages = env.info().last_page_number as u64 + 1;
    pages * u64::from(env.unnamed_database_stat().page_size)
}

/// The error of a file that does not hold what was written to it.
pub(crate) fn damaged(path: &Path, what: &str) -> Error {
    Error::Stale {
        path: path.to_path_buf(),
        message: format!(
            "is not a complete index of vectors: {what}; delete its folder and run again"
        ),
    }
}

/// Puts an error of LMDB or arroy, met on the way to `action`, into words.
pub(crate) fn library_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(arroy::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |error| {
        use heed::Error as Lmdb;
        match error {
            arroy::Error::Io(error) | arroy::Error::Heed(Lmdb::Io(error)) => {
                system_error(action, &path, error)
            }
            arroy::Error::BuildCancelled => Error::Interrupted,
            arroy::Error::Heed(Lmdb::EnvAlreadyOpened) => Error::Usage(format!(
                "{} is written by another thread of this process",
                path.display()
            )),
            arroy::Error::Heed(Lmdb::Mdb(_) | Lmdb::Decoding(_))
            | arroy::Error::MissingMetadata(_)
            | arroy::Error::MissingKey { .. }
            | arroy::Error::UnmatchingDistance { .. }
            | arroy::Error::NeedBuild(_)
                if action == "read" =>
            {
                damaged(&path, &error.to_string())
            }
            error => Error::component("retriever e5", format!("{}: {error}", path.display())),
        }
    }
}

/// Explains that a file cannot be mapped into memory, as on some network file systems, where the system's own
/// words do not help.
fn system_error(action: &'static str, path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Error::Usage(format!(
            "cannot {action} {}: {error}. The file system may not be able to map files into \
             memory, as some over a network are not; keep gloss's store on a local disk",
            path.display()
        )),
        _ => Error::io(action, path)(error),
    }
}
