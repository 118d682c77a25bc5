//! Writing an index.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Context, Error, Result, move_into_place};
use gloss_dense::{Exact, Hash, Matrix, hash_bytes, hash_text, sample, text_vectors};
use gloss_encoder::{Role, Similarity, encode};

use super::header::Header;
use super::lists;
use super::open::FILE;
use super::source::Source;
use crate::config::Approximate;
use crate::environment::Environment;
use crate::search::{InvertedLists, Partition, Trees, build_trees, recall, room_of_trees};

/// The file that grows.
const PARTIAL: &str = "data.mdb.partial";
/// The least room in a new file.
const LEAST_ROOM: usize = 1 << 30;
/// Numbers in a block of vectors.
const BLOCK: usize = 1 << 18;
/// Items that are written in one transaction.
const ITEMS_AT_ONCE: usize = 1 << 16;

/// The room in a new file. It costs nothing, and would double when it is full, but trees that do
/// not fit are grown again from the start.
fn room(source: &Source<'_>) -> usize {
    let (items, dimensions) = (source.catalogue.len(), source.embed.dimensions());
    let vectors = items.saturating_mul(4 * dimensions + 256);
    let search = match &source.approximate {
        Some(Approximate::Arroy(trees)) => room_of_trees(items, dimensions, trees),
        Some(Approximate::Ivf(lists)) => 4 * (lists.lists(items) * dimensions + items),
        None => 0,
    };
    let needed = vectors.saturating_add(search);
    needed.saturating_mul(2).max(LEAST_ROOM)
}

/// Writes the index of `source` into `folder`, in the place of one that may be there.
pub(crate) fn build(source: &Source<'_>, folder: &Path, context: &Context) -> Result<()> {
    build_with_room(source, folder, context, room(source))
}

/// [`build`], with so many bytes of room at first.
pub(super) fn build_with_room(
    source: &Source<'_>,
    folder: &Path,
    context: &Context,
    room: usize,
) -> Result<()> {
    let path = folder.join(PARTIAL);
    let _lock = claim(&path)?;
    let written = write(source, folder, context, room);
    if written.is_err() {
        // The error that came first is the one to tell.
        let _ = fs::remove_file(&path);
    }
    written
}

/// Empties the growing file of a build that was killed, and holds it against others.
fn claim(path: &PathBuf) -> Result<File> {
    let failed = || Error::io("write", path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    let file = file.map_err(failed())?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(Error::Usage(format!(
            "another process is writing {}; wait until it is done",
            path.display()
        )));
    }
    file.set_len(0).map_err(failed())?;
    Ok(file)
}

fn write(source: &Source<'_>, folder: &Path, context: &Context, room: usize) -> Result<()> {
    let identity = source.identity();
    let path = folder.join(PARTIAL);
    let mut environment = Environment::create(&path, room)?;
    let hashes: Vec<Hash> = source
        .catalogue
        .items()
        .iter()
        .map(|item| hash_text(&item.text))
        .collect();
    let vectors = vectors(source, folder, context)?;
    write_items(&mut environment, source.catalogue, &hashes)?;
    let checksum = write_vectors(&mut environment, &vectors)?;
    let mut header = Header {
        identity,
        vectors: checksum,
        lists: None,
        recall: None,
    };
    if let Some(approximate) = &source.approximate {
        let queries = queries(source, approximate, context)?;
        let (lists, recall) = write_search(
            &mut environment,
            source,
            approximate,
            vectors,
            &queries,
            context,
        )?;
        (header.lists, header.recall) = (lists, Some(recall));
    }
    let bytes = serde_json::to_vec(&header).map_err(|e| Error::Internal(e.to_string()))?;
    environment.write_header(&bytes)?;
    environment.finish()?;
    let place = folder.join(FILE);
    move_into_place(&path, &place)
}

/// The items' vectors, scaled to length 1 where they are compared by the cosine.
fn vectors(source: &Source<'_>, folder: &Path, context: &Context) -> Result<Matrix> {
    let texts = source
        .catalogue
        .items()
        .iter()
        .map(|item| item.text.as_str());
    let mut vectors = text_vectors(texts, source.embed, folder, context)?;
    if source.similarity == Similarity::Cosine {
        vectors.normalize();
    }
    Ok(vectors)
}

fn write_items(
    environment: &mut Environment,
    catalogue: &Catalogue,
    hashes: &[Hash],
) -> Result<()> {
    let database = environment.items;
    let mut position = 0;
    let chunks = catalogue.items().chunks(ITEMS_AT_ONCE);
    for (items, hashes) in chunks.zip(hashes.chunks(ITEMS_AT_ONCE)) {
        environment.write(|txn| {
            for (at, (item, hash)) in (position..).zip(items.iter().zip(hashes)) {
                database.put(txn, &at, &[hash.as_slice(), item.id.as_bytes()].concat())?;
            }
            Ok(())
        })?;
        position += items.len() as u32;
    }
    Ok(())
}

/// Writes vectors in blocks; the answer is the hash of all.
fn write_vectors(environment: &mut Environment, vectors: &Matrix) -> Result<Hash> {
    let database = environment.vectors;
    let bytes: Vec<u8> = vectors
        .values()
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    for (number, block) in (0..).zip(bytes.chunks(4 * BLOCK)) {
        environment.write(|txn| Ok(database.put(txn, &number, block)?))?;
    }
    Ok(hash_bytes(&bytes))
}

/// The vectors of the queries that measure the recall: the texts of some items.
fn queries(source: &Source<'_>, approximate: &Approximate, context: &Context) -> Result<Matrix> {
    let items = source.catalogue.items();
    let positions = sample(items.len(), approximate.sample());
    let texts: Vec<&str> = positions
        .iter()
        .map(|at| items[*at].text.as_str())
        .collect();
    let queries = encode(source.embed, &texts, Role::Query, context)?;
    let mut queries = Matrix::new(queries, source.embed.dimensions());
    if source.similarity == Similarity::Cosine {
        queries.normalize();
    }
    Ok(queries)
}

/// Grows trees or fills lists; the answer is the hash of the lists, and the recall of the search.
fn write_search(
    environment: &mut Environment,
    source: &Source<'_>,
    approximate: &Approximate,
    vectors: Matrix,
    queries: &Matrix,
    context: &Context,
) -> Result<(Option<Hash>, f64)> {
    let similarity = source.similarity;
    match approximate {
        Approximate::Arroy(options) => {
            build_trees(environment, &vectors, similarity, options, context)?;
            let trees = Trees {
                environment,
                similarity,
                candidates: options.candidates,
            };
            let exact = Exact::new(vectors);
            let search = |depths: &[usize]| trees.search(queries, depths);
            Ok((None, recall(&exact, queries, approximate, search)?))
        }
        Approximate::Ivf(options) => {
            let partition = Partition::of(&vectors, options, context)?;
            let hash = lists::write(environment, &partition)?;
            let lists = InvertedLists::new(&vectors, partition);
            let exact = Exact::new(vectors);
            let search = |depths: &[usize]| Ok(lists.search(queries, depths, options.nprobe));
            Ok((Some(hash), recall(&exact, queries, approximate, search)?))
        }
    }
}
