use super::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;

/// Lines that hold a number each; odd ones are of no interest.
struct Numbers;

impl Format for Numbers {
    type Row<'a> = (u64, &'a str);

    fn parse<'a>(&self, line: &'a str) -> Result<Option<(u64, &'a str)>, String> {
        let number: u64 = line
            .trim()
            .parse()
            .map_err(|_| format!("`{line}` is no number"))?;
        Ok((number.is_multiple_of(2)).then_some((number, line)))
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.txt");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn numbers(content: &[u8], on_bad_line: OnBadLine) -> Result<(Vec<u64>, Counts)> {
    let (_folder, path) = file(content);
    let mut taken = Vec::new();
    let context = Context::default();
    let counts = read(
        &path,
        "a number",
        &Numbers,
        on_bad_line,
        &context,
        |(number, line)| {
            assert_eq!(line.trim(), number.to_string());
            taken.push(number);
            Ok(())
        },
    )?;
    Ok((taken, counts))
}

fn message(content: &[u8]) -> String {
    let error = numbers(content, OnBadLine::Error).unwrap_err().to_string();
    let (_, message) = error.split_once("numbers.txt:").unwrap();
    message.to_string()
}

/// Several blocks.
fn many() -> (String, Vec<u64>) {
    let content: String = (0..400_000).map(|number| format!("{number}\n")).collect();
    assert!(content.len() > 4 * (512 << 10));
    (content, (0..400_000).step_by(2).collect())
}

#[test]
fn rows_come_in_order_from_plain_and_gzipped_files_of_several_members() {
    let (content, even) = many();
    let (first, second) = content.as_bytes().split_at(777_777);
    let members = [gzip(first), gzip(second)].concat();
    for content in [content.as_bytes(), &gzip(content.as_bytes()), &members] {
        let (taken, counts) = numbers(content, OnBadLine::Error).unwrap();
        assert_eq!(taken, even);
        assert_eq!(counts.good, 400_000);
    }
}

#[test]
fn the_first_bad_line_is_named_by_its_number_in_the_file() {
    let (content, _) = many();
    let content = content.replace("\n300000\n", "\n30x000\n\n30y001\n");
    assert_eq!(message(content.as_bytes()), "300001: `30x000` is no number");
    let (taken, counts) = numbers(content.as_bytes(), OnBadLine::Skip).unwrap();
    assert_eq!(taken.len(), 199_999);
    let expected = Counts {
        good: 399_999,
        blank: 1,
        bad: 2,
    };
    assert_eq!(counts, expected);
}

#[test]
fn lines_of_white_space_are_counted_and_the_last_needs_no_end() {
    let (taken, counts) = numbers(b"\n2\r\n \t \n4", OnBadLine::Error).unwrap();
    assert_eq!(taken, [2, 4]);
    assert_eq!((counts.good, counts.blank), (2, 2));
}

#[test]
fn empty_files_cut_files_and_damaged_files_are_told_apart() {
    let (content, _) = many();
    let whole = gzip(content.as_bytes());
    for empty in [&b""[..], &gzip(b"")] {
        assert_eq!(
            message(empty),
            " the file is empty; expected a number on each line"
        );
    }
    assert_eq!(
        message(b" \n\n"),
        " the file has only blank lines; expected a number on each line"
    );
    let cut = " the gzipped data is damaged, cut short, or something follows its end (";
    for length in [5, 400, whole.len() / 2, whole.len() - 1] {
        assert!(message(&whole[..length]).starts_with(cut), "{length}");
    }
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    assert!(message(&damaged).contains("the gzipped data is damaged"));
    let followed = [&whole[..], b"junk and more junk"].concat();
    assert!(message(&followed).contains("the gzipped data is damaged"));
}

#[test]
fn damaged_text_is_told_by_its_byte() {
    assert_eq!(
        message(b"2\n4\xff\n"),
        "2: the line is not valid UTF-8 (byte 2); is the file damaged?"
    );
    assert_eq!(
        message(b"2\n\0\0\n"),
        "2: the line has a NUL byte (byte 1); is the file damaged?"
    );
}

#[test]
fn a_file_of_bad_lines_only_is_an_error_even_if_they_are_skipped() {
    let error = numbers(b"x\ny\n", OnBadLine::Skip).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("numbers.txt:1: `x` is no number")
    );
}

#[test]
fn a_wish_to_stop_and_a_fault_of_the_taker_end_it() {
    let (content, _) = many();
    let (_folder, path) = file(content.as_bytes());
    struct Silent;
    impl gloss_core::Progress for Silent {
        fn begin(&self, _: &str, _: Option<u64>, _: Unit) -> Box<dyn gloss_core::ProgressTask> {
            Box::new(Silent)
        }
    }
    impl gloss_core::ProgressTask for Silent {
        fn set(&self, _: u64) {}
    }
    let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let context = Context::new(std::sync::Arc::new(Silent), stopped);
    let skip = OnBadLine::Skip;
    let result = read(&path, "a number", &Numbers, skip, &context, |_| Ok(()));
    assert!(matches!(result, Err(Error::Interrupted)));
    let context = Context::default();
    let full = |_: (u64, &str)| Err(Error::Usage("full".into()));
    let result = read(&path, "a number", &Numbers, skip, &context, full);
    assert!(matches!(result, Err(Error::Usage(_))));
}

proptest! {
    #[test]
    fn lines_are_those_of_the_text(text in "[a\n]{0,20}") {
        let found: Vec<_> = lines(text.as_bytes()).collect();
        let mut expected: Vec<_> = text.split('\n').map(str::as_bytes).collect();
        if expected.last().is_some_and(|line| line.is_empty()) {
            expected.pop();
        }
        prop_assert_eq!(found, expected);
    }
}
