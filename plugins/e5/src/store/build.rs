//! Writing an index.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Context, Error, Result, move_into_place};

use super::header::{Hash, Header, hash_bytes, hash_text};
use super::open::FILE;
use super::source::{Source, encode};
use super::vectors::TextVectors;
use crate::config::{Similarity, Trees};
use crate::encoder::Role;
use crate::environment::Environment;
use crate::search::{Exact, Matrix, build_trees, recall, room_of_trees, sample};

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
    let trees = source
        .trees
        .map_or(0, |trees| room_of_trees(items, dimensions, trees));
    let needed = vectors.saturating_add(trees);
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
    let vectors = vectors(source, identity.dimensions, &hashes, folder, context)?;
    write_items(&mut environment, source.catalogue, &hashes)?;
    let checksum = write_vectors(&mut environment, &vectors)?;
    let recall = match source.trees {
        Some(trees) => Some(write_trees(
            &mut environment,
            source,
            trees,
            vectors,
            context,
        )?),
        None => None,
    };
    let header = Header {
        identity,
        vectors: checksum,
        recall,
    };
    let bytes = serde_json::to_vec(&header).map_err(|e| Error::Internal(e.to_string()))?;
    environment.write_header(&bytes)?;
    environment.finish()?;
    let place = folder.join(FILE);
    move_into_place(&path, &place)
}

/// The items' vectors, scaled to length 1 where they are compared by the cosine.
fn vectors(
    source: &Source<'_>,
    dimensions: usize,
    hashes: &[Hash],
    folder: &Path,
    context: &Context,
) -> Result<Matrix> {
    let texts = TextVectors::of(source, hashes, folder, context)?;
    let mut values = Vec::with_capacity(hashes.len() * dimensions);
    for hash in hashes {
        values.extend_from_slice(texts.get(hash)?);
    }
    let mut vectors = Matrix::new(values, dimensions);
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

/// Grows trees, and measures what they find of what there is.
fn write_trees(
    environment: &mut Environment,
    source: &Source<'_>,
    trees: &Trees,
    vectors: Matrix,
    context: &Context,
) -> Result<f64> {
    build_trees(environment, &vectors, source.similarity, trees, context)?;
    let items = source.catalogue.items();
    let positions = sample(items.len(), trees.sample);
    let texts: Vec<&str> = positions
        .iter()
        .map(|at| items[*at].text.as_str())
        .collect();
    let queries = encode(source.embed, &texts, Role::Query, context)?;
    let mut queries = Matrix::new(queries, vectors.dimensions());
    if source.similarity == Similarity::Cosine {
        queries.normalize();
    }
    let exact = Exact::new(vectors);
    recall(environment, &exact, &queries, source.similarity, trees)
}
