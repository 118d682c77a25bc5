//! Invalid files: each error names the file and the line.

use crate::folder::Folder;
use gloss_amazon::Layout;
use gloss_core::OnBadLine;
use gloss_core::{Dataset, Error};

const METADATA: &str = "{'asin': 'a', 'title': 'Tea \"A\"'}\n{'asin': 'b', 'title': \"It's B\"}\n";

fn review(user: &str, item: &str, time: &str) -> String {
    format!("{{\"reviewerID\": \"{user}\", \"asin\": \"{item}\", \"unixReviewTime\": {time}}}\n")
}

fn reviews() -> String {
    ["1", "2", "3"].map(|time| review("u", "a", time)).concat()
}

#[test]
fn missing_files_are_named_with_the_ways_to_get_them() {
    let folder = Folder::new(Layout::Of2014);
    let error = folder.options.inputs().unwrap_err().to_string();
    let error = error.replace(&folder.path().display().to_string(), "FOLDER");
    assert_eq!(
        error,
        "FOLDER: no reviews (reviews_Tea_5.json.gz or reviews_Tea_5.json) and no metadata \
         (meta_Tea.json.gz or meta_Tea.json) of category Tea in the 2014 layout in this folder. Get \
         them by `gloss fetch amazon --set category=Tea --set layout=2014 --set folder=FOLDER`, or \
         download by hand into it:\n  \
         http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/reviews_Tea_5.json.gz\n  \
         http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/meta_Tea.json.gz"
    );
    folder.write("reviews_Tea_5.json", "");
    let error = folder.error();
    assert!(
        error.starts_with("FOLDER: no metadata (meta_Tea.json.gz"),
        "{error}"
    );
    assert!(!error.contains("no reviews"), "{error}");
    let urls: Vec<_> = error.lines().skip(1).collect();
    assert_eq!(urls.len(), 1, "{error}");
    assert!(urls[0].ends_with("/meta_Tea.json.gz"), "{error}");
}

#[test]
fn an_empty_file_is_called_empty() {
    let error = Folder::with("", METADATA).error();
    assert_eq!(
        error,
        "FOLDER/reviews_Tea_5.json: the file is empty; expected a review on each line"
    );
    let error = Folder::with(reviews(), "").error();
    assert_eq!(
        error,
        "FOLDER/meta_Tea.json: the file is empty; expected an item's metadata on each line"
    );
}

#[test]
fn a_broken_line_in_the_middle_is_named_or_skipped_and_counted() {
    let broken = reviews().replace("\"unixReviewTime\": 2}", "\"unixRev");
    let mut folder = Folder::with(broken + &reviews(), METADATA);
    let error = folder.error();
    assert!(
        error.starts_with(
            "FOLDER/reviews_Tea_5.json:2: this is not a review of the 2014 layout: EOF"
        ),
        "{error}"
    );
    folder.options.on_bad_line = OnBadLine::Skip;
    let report = folder.load().unwrap().report;
    assert_eq!(report.get("review lines skipped as unreadable"), Some(1));
    assert_eq!(report.get("reviews read"), Some(5));
}

#[test]
fn times_are_numbers_that_are_not_negative() {
    let with = |time| Folder::with(reviews() + &review("u", "a", time), METADATA).error();
    for (time, found) in [
        ("\"1294185600\"", "string \"1294185600\""),
        ("-1", "integer `-1`"),
    ] {
        let error = with(time);
        assert!(error.contains("reviews_Tea_5.json:4: "), "{error}");
        assert!(error.contains(found), "{error}");
        assert!(error.contains("expected the time as a whole number of seconds since 1970"));
    }
}

#[test]
fn metadata_in_the_other_notation_says_which_layout_to_set() {
    let json = "{\"asin\": \"a\", \"title\": \"A\"}\n";
    let error = Folder::with(reviews(), json).error();
    assert!(
        error.starts_with("FOLDER/meta_Tea.json:1: this is JSON, but"),
        "{error}"
    );
    assert!(error.contains("2018 or 2023"), "{error}");

    let folder = Folder::new(Layout::Of2018);
    folder.write("Tea_5.json", reviews());
    folder.write("meta_Tea.json", METADATA);
    let error = folder.error();
    assert!(
        error.starts_with("FOLDER/meta_Tea.json:1: this is a Python dictionary, but"),
        "{error}"
    );
    assert!(error.contains("set layout = \"2014\""), "{error}");
}

#[test]
fn broken_metadata_says_where_in_the_line() {
    let error = Folder::with(reviews(), format!("{METADATA}{{'asin': 'c' 'title': 1}}\n")).error();
    assert_eq!(
        error,
        "FOLDER/meta_Tea.json:3: this is not a Python dictionary: found `'` at column 14, expected \
         `,` or `}`"
    );
    for row in ["{'title': 'x'}", "{'asin': '', 'title': 'x'}"] {
        let error = Folder::with(reviews(), format!("{METADATA}{row}\n")).error();
        assert!(
            error.starts_with("FOLDER/meta_Tea.json:3: the row has no `asin`"),
            "{error}"
        );
    }
}

#[test]
fn damaged_bytes_are_told_by_line_and_byte() {
    let mut metadata = METADATA.as_bytes().to_vec();
    metadata.extend_from_slice(b"{'asin': 'c', 'title': '\xff'}\n");
    let error = Folder::with(reviews(), metadata).error();
    assert!(
        error.starts_with("FOLDER/meta_Tea.json:3: the line is not valid UTF-8 (byte 25)"),
        "{error}"
    );
    let error = Folder::with(reviews(), format!("{METADATA}{{'asin': 'c\0'}}\n")).error();
    assert!(
        error.starts_with("FOLDER/meta_Tea.json:3: the line has a NUL byte (byte 12)"),
        "{error}"
    );
    let error = Folder::with(format!("{}\0\0\0\n", reviews()), METADATA).error();
    assert!(
        error.starts_with("FOLDER/reviews_Tea_5.json:4: the line has a NUL byte"),
        "{error}"
    );
}

#[test]
fn a_title_of_ten_megabytes_is_cut_like_any_other() {
    let words = "tea ".repeat(10 << 18);
    let whole = "x".repeat(10 << 20);
    let metadata =
        format!("{{'asin': 'a', 'title': '{words}'}}\n{{'asin': 'b', 'title': '{whole}'}}\n");
    let data = Folder::with(reviews() + &review("u", "b", "4"), metadata)
        .load()
        .unwrap();
    assert_eq!(
        data.catalogue.item(0).text,
        format!("Title:{}", " tea".repeat(25))
    );
    assert_eq!(
        data.catalogue.item(1).text.len(),
        "Title: ".len() + (10 << 20)
    );
    assert_eq!(data.report.get("titles cut to 25 words"), Some(1));
}

#[test]
fn unknown_items_and_repeated_rows_are_counted() {
    let rows = reviews() + &review("u", "a", "3") + &review("u", "z", "3") + " \n\t\n";
    let data = Folder::with(rows, METADATA).load().unwrap();
    let counts = [
        ("reviews read", 5),
        ("review lines that are blank", 2),
        ("reviews of items without metadata", 1),
        ("interactions kept", 4),
        ("timestamp ties", 1),
        ("repeated interactions", 1),
        ("catalogue items", 1),
    ];
    for (what, count) in counts {
        assert_eq!(data.report.get(what), Some(count), "{what}");
    }
}

#[test]
fn no_user_with_three_interactions_is_a_mistake_of_use() {
    let rows = review("u", "a", "1") + &review("u", "b", "2") + &review("v", "a", "1");
    let error = Folder::with(rows, METADATA).load().unwrap_err();
    assert!(matches!(&error, Error::Usage(message) if message.contains("at most 2 of one user")));
    let error = Folder::with(reviews().replace("\"a\"", "\"z\""), METADATA).error();
    assert!(
        error.contains("not one interaction with a known item"),
        "{error}"
    );
}

#[test]
fn a_category_that_is_a_path_and_a_text_of_unknown_fields_are_faults() {
    let mut options = gloss_amazon::Amazon::new("../Tea");
    options.text = "Title: {titel}, {brand}".into();
    options.fields = vec!["brand".into(), "title".into()];
    let diagnostics: Vec<_> = options.check().iter().map(ToString::to_string).collect();
    assert_eq!(diagnostics.len(), 3, "{diagnostics:?}");
    assert!(diagnostics[0].starts_with("category: `../Tea` is not a category"));
    assert!(diagnostics[1].contains("`{titel}` is not a kept field"));
    assert!(diagnostics[1].contains("did you mean `title`? Available: title, brand"));
    assert_eq!(
        diagnostics[2],
        "fields: `title` is kept already; name it once"
    );
    assert_eq!(gloss_amazon::Amazon::new("Toys_and_Games").check(), []);
}
