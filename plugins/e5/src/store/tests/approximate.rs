//! Approximate searches in a file.

use std::fs;

use gloss_dense::Exact;

use super::*;
use crate::search::Trees as Search;

#[test]
fn trees_find_what_exact_search_finds() {
    let (items, embed) = (catalogue((0..2000).map(|n| n % 1900)), Hashing::new(16));
    for similarity in [Similarity::Cosine, Similarity::InnerProduct] {
        let folder = Folder::new();
        let trees = Trees {
            trees: 20,
            candidates: 2000,
            minimum_recall: 0.97,
            ..Trees::default()
        };
        let source = Source {
            similarity,
            approximate: Some(Approximate::Arroy(trees)),
            ..source(&items, &embed)
        };
        build_in(folder.path(), &source).unwrap();
        let stored = open(folder.path(), &source.identity()).unwrap();
        assert!(stored.header.recall.unwrap() >= 0.97);
        let exact = Exact::new(stored.vectors().unwrap());
        let queries = exact.items().select(&[0, 77, 1999]);
        let search = |candidates| Search {
            environment: &stored.environment,
            similarity,
            candidates,
        };
        let found = search(usize::MAX >> 8).search(&queries, &[9; 3]).unwrap();
        for (found, expected) in found.iter().zip(exact.search(&queries, &[9; 3])) {
            for (found, expected) in found.iter().zip(&expected) {
                let close = (found.score - expected.score).abs() <= 1e-5 * expected.score.abs();
                assert!(close, "{found:?} {expected:?}");
            }
            assert_eq!(found.len(), 9);
        }
        // Fewer hits are the first of more.
        let few = search(300).search(&queries, &[4; 3]).unwrap();
        let many = search(300).search(&queries, &[200; 3]).unwrap();
        for (few, many) in few.iter().zip(&many) {
            assert_eq!(few[..], many[..4]);
        }
    }
}

#[test]
fn trees_that_find_too_little_are_refused() {
    let folder = Folder::new();
    let (items, embed) = (catalogue(0..2000), Hashing::new(16));
    let trees = Trees {
        trees: 1,
        candidates: 20,
        minimum_recall: 0.9,
        ..Trees::default()
    };
    let source = Source {
        approximate: Some(Approximate::Arroy(trees)),
        ..source(&items, &embed)
    };
    let message = build_in(folder.path(), &source).unwrap_err().to_string();
    assert!(
        message.contains("less than `arroy.minimum_recall` (0.9): raise `arroy.candidates` (20)"),
        "{message}"
    );
    assert!(
        fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing is left"
    );
}

#[test]
fn equal_seeds_make_equal_trees() {
    let (items, embed) = (catalogue(0..3000), Hashing::new(16));
    let trees = Trees {
        trees: 8,
        candidates: 100,
        minimum_recall: 0.0,
        ..Trees::default()
    };
    let source = Source {
        approximate: Some(Approximate::Arroy(trees)),
        ..source(&items, &embed)
    };
    let found = || {
        let folder = Folder::new();
        build_in(folder.path(), &source).unwrap();
        let stored = open(folder.path(), &source.identity()).unwrap();
        let vectors = stored.vectors().unwrap();
        let queries = vectors.select(&(0..200).collect::<Vec<_>>());
        let search = Search {
            environment: &stored.environment,
            similarity: Similarity::Cosine,
            candidates: 100,
        };
        search.search(&queries, &[10; 200]).unwrap()
    };
    assert_eq!(found(), found());
}

#[test]
fn lists_that_are_read_are_those_that_were_written() {
    let (items, embed) = (catalogue((0..2000).map(|n| n % 1900)), Hashing::new(16));
    for similarity in [Similarity::Cosine, Similarity::InnerProduct] {
        let folder = Folder::new();
        let source = Source {
            similarity,
            approximate: Some(Approximate::Ivf(Ivf {
                nlist: Some(40),
                nprobe: 20,
                minimum_recall: 0.8,
                ..Ivf::default()
            })),
            ..source(&items, &embed)
        };
        build_in(folder.path(), &source).unwrap();
        let stored = open(folder.path(), &source.identity()).unwrap();
        assert!(stored.header.recall.unwrap() >= 0.8);
        let exact = Exact::new(stored.vectors().unwrap());
        let queries = exact.items().select(&[0, 77, 1999]);
        let found = stored.lists().unwrap().search(&queries, &[9; 3], 40);
        assert_eq!(found, exact.search(&queries, &[9; 3]));
        let again = Folder::new();
        build_in(again.path(), &source).unwrap();
        let files = [folder, again].map(|folder| fs::read(folder.path().join("data.mdb")).unwrap());
        assert!(files[0] == files[1], "equal input makes equal lists");
    }
}

#[test]
fn lists_that_find_too_little_are_refused() {
    let folder = Folder::new();
    let (items, embed) = (catalogue(0..2000), Hashing::new(16));
    let source = Source {
        approximate: Some(Approximate::Ivf(Ivf {
            nprobe: 1,
            ..Ivf::default()
        })),
        ..source(&items, &embed)
    };
    let message = build_in(folder.path(), &source).unwrap_err().to_string();
    let expected = "less than `ivf.minimum_recall` (0.9): raise `ivf.nprobe` (1 of 176 lists)";
    assert!(message.contains(expected), "{message}");
}
