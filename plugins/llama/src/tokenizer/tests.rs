use std::fs;

use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

/// A copy of the byte-level tokenizer in a folder of its own.
fn copy() -> TempDir {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// Returns the error for a folder after `change`, without the folder's name.
fn told(vocab_size: usize, change: impl FnOnce(PathBuf)) -> String {
    let folder = copy();
    change(folder.path().to_path_buf());
    let Err(error) = Tokenizer::open(folder.path(), vocab_size) else {
        panic!("it opened");
    };
    error
        .to_string()
        .replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn a_tokenizer_of_another_model_is_refused_and_a_padded_vocabulary_is_not() {
    let folder = copy();
    let vocabulary = read_tokenizer(&folder.path().join("tokenizer.json")).unwrap();
    let size = vocabulary.get_vocab_size(true);
    assert!(Tokenizer::open(folder.path(), size).is_ok());
    assert!(Tokenizer::open(folder.path(), size + 32).is_ok());
    let message = told(size - 1, |_| ());
    assert!(
        message.starts_with("FOLDER/tokenizer.json: the token `"),
        "{message}"
    );
    assert!(
        message.contains("is number 767, but the model has 767 tokens (0 to 766)"),
        "{message}"
    );
}

#[test]
fn faults_are_told_with_their_file() {
    let message = told(800, |folder| {
        fs::remove_file(folder.join("tokenizer.json")).unwrap()
    });
    assert!(
        message.starts_with("FOLDER/tokenizer.json: there is no such file"),
        "{message}"
    );
    let message = told(800, |folder| {
        fs::write(folder.join("tokenizer.json"), "{}").unwrap()
    });
    assert!(
        message.starts_with("FOLDER/tokenizer.json: this is not a tokenizer"),
        "{message}"
    );
    let message = told(800, |folder| {
        fs::write(
            folder.join("generation_config.json"),
            "{\"eos_token_id\": [2, 800]}",
        )
        .unwrap();
    });
    assert_eq!(
        message,
        "FOLDER/generation_config.json: `eos_token_id` is 800; expected the number of one of \
         the model's 800 tokens, or a list of such"
    );
    let message = told(800, |folder| {
        fs::remove_file(folder.join("generation_config.json")).unwrap();
        fs::write(folder.join("config.json"), "[}").unwrap();
    });
    assert!(
        message.starts_with("FOLDER/config.json: this is not JSON"),
        "{message}"
    );
}

#[test]
fn without_any_end_of_text_nothing_can_be_generated() {
    let message = told(800, |folder| {
        fs::remove_file(folder.join("generation_config.json")).unwrap();
        fs::write(folder.join("config.json"), "{\"eos_token_id\": null}").unwrap();
        fs::write(
            folder.join("tokenizer_config.json"),
            "{\"eos_token\": \"</s>\"}",
        )
        .unwrap();
    });
    assert!(
        message.starts_with("FOLDER: no file states which token ends a text"),
        "{message}"
    );
}

#[test]
fn the_named_end_may_be_an_object() {
    let folder = copy();
    fs::remove_file(folder.path().join("generation_config.json")).unwrap();
    fs::remove_file(folder.path().join("config.json")).unwrap();
    let config = "{\"eos_token\": {\"content\": \"<end>\", \"lstrip\": false}}";
    fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    assert_eq!(Tokenizer::open(folder.path(), 768).unwrap().eos(), [2]);
}

#[test]
fn a_number_that_is_no_token_is_refused() {
    let tokenizer = Tokenizer::open(copy().path(), 768).unwrap();
    assert!(tokenizer.decode(&[-1]).is_err());
    assert_eq!(tokenizer.decode(&[790]).unwrap(), "");
}
