use gloss_core::{ErrorClass, Item};
use tempfile::TempDir;

use super::*;
use crate::config::StopWords;

fn catalogue(texts: &[&str]) -> Catalogue {
    let item = |(id, text): (usize, &&str)| Item {
        id: id.to_string(),
        text: text.to_string(),
        ..Item::default()
    };
    Catalogue::new(texts.iter().enumerate().map(item).collect(), Vec::new()).unwrap()
}

fn built(catalogue: &Catalogue) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    build(
        &Analyser::default(),
        catalogue,
        folder.path(),
        &Context::default(),
    )
    .unwrap();
    folder
}

fn message(options: &Analyser, catalogue: &Catalogue, folder: &Path) -> String {
    let error = open(options, catalogue, folder).err().unwrap();
    assert_eq!(error.class(), ErrorClass::User, "{error}");
    error.to_string()
}

#[test]
fn terms_and_frequencies_come_back_in_catalogue_order() {
    let catalogue = catalogue(&["soap soap Balm", "", "the balm", "soap"]);
    let folder = built(&catalogue);
    let inverted = open(&Analyser::default(), &catalogue, folder.path()).unwrap();
    let read: Vec<_> = inverted.terms().collect();
    let expected: [(&str, &[(u32, u32)]); 2] =
        [("balm", &[(0, 1), (2, 1)]), ("soap", &[(0, 2), (3, 1)])];
    assert_eq!(read, expected);
}

#[test]
fn an_empty_catalogue_has_an_empty_index() {
    let catalogue = catalogue(&[]);
    let folder = built(&catalogue);
    let inverted = open(&Analyser::default(), &catalogue, folder.path()).unwrap();
    assert_eq!(inverted.terms().count(), 0);
}

#[test]
fn an_analyser_that_finds_no_token_is_refused() {
    let refused = |options: &Analyser, texts: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let (catalogue, context) = (catalogue(texts), Context::default());
        let error = build(options, &catalogue, folder.path(), &context).unwrap_err();
        let Error::Usage(message) = error else {
            panic!("{error}");
        };
        assert!(message.contains("catalogue's 2 items"), "{message}");
        for option in ["`analyser.pattern`", "`analyser.stop_words`"] {
            assert!(message.contains(option), "{message}");
        }
    };
    refused(&Analyser::default(), &["", "a"]);
    let mut options = Analyser {
        pattern: "[0-9]+".into(),
        ..Analyser::default()
    };
    refused(&options, &["soap", "balm"]);
    options = Analyser::default();
    options.stop_words = StopWords::Words(vec!["soap".into(), "balm".into()]);
    refused(&options, &["soap", "Balm soap"]);
}

#[test]
fn an_index_of_something_else_is_stale() {
    let catalogue_of_two = catalogue(&["soap", "balm"]);
    let folder = built(&catalogue_of_two);
    let other = Analyser {
        lowercase: false,
        ..Analyser::default()
    };
    let told = message(&other, &catalogue_of_two, folder.path());
    assert!(told.contains("analyser with other options"), "{told}");
    let told = message(&Analyser::default(), &catalogue(&["soap"]), folder.path());
    assert!(
        told.contains("holds 2 items where the catalogue has 1"),
        "{told}"
    );
    assert!(told.ends_with("delete the folder and run again"), "{told}");
}

#[test]
fn a_folder_without_an_index_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = message(&Analyser::default(), &catalogue(&["soap"]), folder.path());
    assert!(
        told.starts_with("cannot read ") && told.contains(HEADER),
        "{told}"
    );
    fs::write(folder.path().join(HEADER), "[1]").unwrap();
    let told = message(&Analyser::default(), &catalogue(&["soap"]), folder.path());
    assert!(told.contains("cannot be understood"), "{told}");
}

/// Whatever happens to one of the files, the index opens as it was or not at all.
#[test]
fn damage_is_found() {
    let texts = ["soap soap Balm", "lip balm", "shampoo"];
    let catalogue = catalogue(&texts);
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        Vec::clear,
        |bytes| bytes[0] ^= 1,
        |bytes| {
            bytes
                .iter_mut()
                .for_each(|byte| *byte = byte.wrapping_add(1))
        },
    ];
    let whole = built(&catalogue);
    let expected = open(&Analyser::default(), &catalogue, whole.path()).unwrap();
    let mut found = 0;
    for file in fs::read_dir(whole.path()).unwrap() {
        let path = file.unwrap().path();
        let original = fs::read(&path).unwrap();
        for damage in damages.iter().filter(|_| !original.is_empty()) {
            let mut bytes = original.clone();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            match open(&Analyser::default(), &catalogue, whole.path()) {
                Ok(opened) => assert!(opened.terms().eq(expected.terms()), "{}", path.display()),
                Err(error) => {
                    assert_eq!(error.class(), ErrorClass::User, "{error}");
                    found += 1;
                }
            }
        }
        fs::write(&path, original).unwrap();
    }
    assert!(found > 10, "only {found} damages were found");
}
