//! Invariants of retrievers.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::check::{Checked, Invariant, Stop, cancelled, folder, hold, stopped};
use super::world;
use gloss_core::{
    Catalogue, Context, Error, Hit, Index, QueryContent, QueryKind, Request, Result, Retriever,
};

type Subject = Arc<dyn Retriever>;
type Answers = Vec<Vec<Hit>>;

/// More hits than there are items.
const ALL: usize = 1000;

/// The relative tolerance of a score.
const ROUNDING: f32 = 1e-5;

pub(super) const INVARIANTS: [Invariant<Subject>; 13] = [
    ("equal indexes give equal answers", determinism),
    (
        "hits are in order, ties in catalogue order, each item once",
        order,
    ),
    (
        "the answer for a smaller k is the beginning of that for a larger k",
        prefix,
    ),
    ("more hits than there are items can be requested", many),
    (
        "an answer does not depend on the other queries of its batch",
        batches,
    ),
    (
        "an empty batch and empty queries are accepted",
        empty_queries,
    ),
    ("queries in any script are accepted", unicode),
    (
        "an empty catalogue and one of a single item can be searched",
        small_catalogues,
    ),
    (
        "an index can be opened again, and after it was moved",
        reopening,
    ),
    ("several threads can search at once", concurrency),
    (
        "an index of another catalogue is rejected, or not used",
        stale,
    ),
    ("a damaged index is rejected", damage),
    ("cancelled work stops", cancelling),
];

fn texts(retriever: &dyn Retriever) -> Result<Vec<QueryContent>, Stop> {
    match retriever.accepts().contains(&QueryKind::Text) {
        true => Ok(world::queries()),
        false => Err(Stop::Skipped("it answers no texts".to_string())),
    }
}

fn requests(queries: &[QueryContent], k: usize) -> Vec<Request<'_>> {
    queries.iter().map(|query| Request { query, k }).collect()
}

/// The answers of a new index.
fn answers(
    retriever: &dyn Retriever,
    catalogue: &Catalogue,
    queries: &[QueryContent],
    k: usize,
) -> Result<Answers> {
    let (folder, context) = (folder()?, Context::default());
    retriever.build(catalogue, folder.path(), &context)?;
    let index = retriever.open(catalogue, folder.path(), &context)?;
    index.search(&requests(queries, k))
}

/// Does something with an index of the usual catalogue.
fn with_index(
    retriever: &dyn Retriever,
    work: impl FnOnce(&dyn Index, &[QueryContent]) -> Checked,
) -> Checked {
    let queries = texts(retriever)?;
    let (catalogue, folder, context) = (world::catalogue()?, folder()?, Context::default());
    retriever.build(&catalogue, folder.path(), &context)?;
    let index = retriever.open(&catalogue, folder.path(), &context)?;
    work(index.as_ref(), &queries)
}

fn same(first: &Answers, second: &Answers, queries: &[QueryContent]) -> Checked {
    let pairs = first.iter().zip(second).zip(queries);
    for ((first, second), query) in pairs {
        hold(first == second, || {
            format!("{}: {first:?}, and {second:?}", shown(query))
        })?;
    }
    hold(first.len() == second.len(), || {
        format!("{} answers, and {}", first.len(), second.len())
    })
}

/// Equal but for the rounding of scores, which batches of other shapes do otherwise; hits that are
/// next to each other within it may change places.
fn alike(first: &Answers, second: &Answers, queries: &[QueryContent]) -> Checked {
    let near = |a: &Hit, b: &Hit| (a.score - b.score).abs() <= ROUNDING * a.score.abs().max(1.0);
    let tied = |hits: &[Hit], at: usize| {
        let around = [at.checked_sub(1), Some(at + 1)];
        let mut around = around.into_iter().flatten().map(|other| hits.get(other));
        // The item after the last one is unknown.
        around.any(|other| other.is_none_or(|other| near(&hits[at], other)))
    };
    for ((first, second), query) in first.iter().zip(second).zip(queries) {
        let mut pairs = first.iter().zip(second).enumerate();
        let alike = pairs.all(|(at, (a, b))| near(a, b) && (a.item == b.item || tied(first, at)));
        hold(first.len() == second.len() && alike, || {
            format!("{}: {first:?}, and {second:?}", shown(query))
        })?;
    }
    hold(first.len() == second.len(), || {
        format!("{} answers, and {}", first.len(), second.len())
    })
}

fn shown(query: &QueryContent) -> String {
    let text = format!("{query:?}");
    text.chars().take(60).collect()
}

fn determinism(retriever: &Subject) -> Checked {
    let (queries, catalogue) = (texts(retriever.as_ref())?, world::catalogue()?);
    let once = || answers(retriever.as_ref(), &catalogue, &queries, 10);
    same(&once()?, &once()?, &queries)
}

fn order(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, queries| {
        let items = world::catalogue()?.len();
        let answers = index.search(&requests(queries, ALL))?;
        hold(answers.len() == queries.len(), || {
            format!("{} answers to {} queries", answers.len(), queries.len())
        })?;
        for (query, hits) in queries.iter().zip(&answers) {
            let fine = |hit: &Hit| (hit.item as usize) < items && hit.score.is_finite();
            let falls = |pair: &[Hit]| {
                pair[0].score > pair[1].score
                    || (pair[0].score == pair[1].score && pair[0].item < pair[1].item)
            };
            let mut found: Vec<u32> = hits.iter().map(|hit| hit.item).collect();
            found.sort_unstable();
            found.dedup();
            let holds =
                hits.iter().all(fine) && hits.windows(2).all(falls) && found.len() == hits.len();
            hold(holds, || format!("{}: {hits:?}", shown(query)))?;
        }
        let found_something = answers.iter().any(|hits| !hits.is_empty());
        hold(found_something, || "no query finds anything".to_string())
    })
}

fn prefix(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, queries| {
        let all = index.search(&requests(queries, ALL))?;
        for k in [1, 2, 3, 7] {
            let cut = all.iter().map(|hits| hits[..k.min(hits.len())].to_vec());
            same(
                &index.search(&requests(queries, k))?,
                &cut.collect(),
                queries,
            )?;
        }
        Ok(())
    })
}

fn many(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, queries| {
        let items = world::catalogue()?.len();
        let exact = index.search(&requests(queries, items))?;
        for k in [items + 1, ALL, 1 << 40] {
            same(&index.search(&requests(queries, k))?, &exact, queries)?;
        }
        Ok(())
    })
}

fn batches(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, queries| {
        let together = index.search(&requests(queries, 5))?;
        let alone = requests(queries, 5);
        let alone: Result<Vec<Answers>> = alone.chunks(1).map(|one| index.search(one)).collect();
        alike(&together, &alone?.concat(), queries)?;
        let mut backwards = requests(queries, 5);
        backwards.reverse();
        let mut answers = index.search(&backwards)?;
        answers.reverse();
        alike(&together, &answers, queries)
    })
}

fn empty_queries(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, _| {
        let none = index.search(&[])?;
        hold(none.is_empty(), || format!("an empty batch gives {none:?}"))?;
        let empty = ["", " ", "\n"].map(|text| QueryContent::Text(text.to_string()));
        let answers = index.search(&requests(&empty, 5))?;
        hold(answers.len() == empty.len(), || {
            format!("{} answers to {} empty queries", answers.len(), empty.len())
        })
    })
}

fn unicode(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, queries| {
        // One by one, so that the query that is not answered can be named.
        for query in queries {
            let answered = index.search(&requests(std::slice::from_ref(query), 5));
            hold(answered.is_ok(), || {
                format!("{}: {answered:?}", shown(query))
            })?;
        }
        Ok(())
    })
}

fn small_catalogues(retriever: &Subject) -> Checked {
    let queries = texts(retriever.as_ref())?;
    for texts in [vec![], vec!["Title: rose soap".to_string()]] {
        let items = texts.len();
        let catalogue = world::catalogue_of(texts)?;
        let answers = answers(retriever.as_ref(), &catalogue, &queries, 5)?;
        let in_range = answers
            .iter()
            .flatten()
            .all(|hit| (hit.item as usize) < items);
        hold(in_range && answers.len() == queries.len(), || {
            format!("of {items} items: {answers:?}")
        })?;
    }
    Ok(())
}

fn reopening(retriever: &Subject) -> Checked {
    let queries = texts(retriever.as_ref())?;
    let (catalogue, root, context) = (world::catalogue()?, folder()?, Context::default());
    let (built, moved) = (root.path().join("built"), root.path().join("moved"));
    make(&built)?;
    retriever.build(&catalogue, &built, &context)?;
    let open = |folder: &Path| -> Result<Answers> {
        let index = retriever.open(&catalogue, folder, &context)?;
        index.search(&requests(&queries, 5))
    };
    let first = open(&built)?;
    same(&first, &open(&built)?, &queries)?;
    fs::rename(&built, &moved).map_err(Error::io("move", &built))?;
    same(&first, &open(&moved)?, &queries)
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir(folder).map_err(Error::io("make the folder", folder))
}

fn concurrency(retriever: &Subject) -> Checked {
    with_index(retriever.as_ref(), |index, queries| {
        let expected = index.search(&requests(queries, 5))?;
        let search = || index.search(&requests(queries, 5));
        let found: Vec<Result<Answers>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(search)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined
                .map(|found| {
                    let panicked = || Error::Internal("a thread panicked".into());
                    found.unwrap_or_else(|_| Err(panicked()))
                })
                .collect()
        });
        found
            .into_iter()
            .try_for_each(|found| same(&expected, &found?, queries))
    })
}

fn stale(retriever: &Subject) -> Checked {
    let queries = texts(retriever.as_ref())?;
    let (catalogue, other) = (world::catalogue()?, world::other_catalogue()?);
    let (folder, context) = (folder()?, Context::default());
    retriever.build(&catalogue, folder.path(), &context)?;
    let Ok(index) = retriever.open(&other, folder.path(), &context) else {
        return Ok(());
    };
    let Ok(found) = index.search(&requests(&queries, 5)) else {
        return Ok(());
    };
    let fresh = answers(retriever.as_ref(), &other, &queries, 5)?;
    hold(found == fresh, || {
        "an index of another catalogue is opened, and answers for that one".to_string()
    })
}

fn damage(retriever: &Subject) -> Checked {
    let queries = texts(retriever.as_ref())?;
    let (catalogue, folder, context) = (world::catalogue()?, folder()?, Context::default());
    retriever.build(&catalogue, folder.path(), &context)?;
    let files = files(folder.path())?;
    if files.is_empty() {
        return Err(Stop::Skipped("its index has no files".to_string()));
    }
    let search = || -> Result<Answers> {
        let index = retriever.open(&catalogue, folder.path(), &context)?;
        index.search(&requests(&queries, 5))
    };
    let whole = search()?;
    for file in files {
        let failed = |error| Error::io("damage", &file)(error);
        let content = fs::read(&file).map_err(failed)?;
        fs::remove_file(&file).map_err(failed)?;
        let found = search();
        fs::write(&file, &content).map_err(failed)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // A file that is not needed, such as a lock, is no damage.
        hold(
            found.is_err() || found.is_ok_and(|found| found == whole),
            || format!("without its file {name}, it gives other answers"),
        )?;
    }
    Ok(())
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let failed = |error| Error::io("read", folder)(error);
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.is_dir() {
            true => all.extend(files(&path)?),
            false => all.push(path),
        }
    }
    all.sort();
    Ok(all)
}

fn cancelling(retriever: &Subject) -> Checked {
    let queries = texts(retriever.as_ref())?;
    let (catalogue, folder, other) = (world::catalogue()?, folder()?, folder()?);
    stopped(retriever.build(&catalogue, other.path(), &cancelled()))?;
    retriever.build(&catalogue, folder.path(), &Context::default())?;
    let context = cancelled();
    let index = retriever.open(&catalogue, folder.path(), &context);
    stopped(index.and_then(|index| index.search(&requests(&queries, 5))))
}
