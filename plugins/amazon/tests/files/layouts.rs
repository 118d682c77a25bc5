//! The rules of the metadata, and the three layouts.

use crate::folder::Folder;
use gloss_amazon::Layout;
use gloss_core::{Data, Dataset, Kind, Registry};
use serde_json::json;

fn titles(data: &Data) -> Vec<&str> {
    let items = data.catalogue.items().iter();
    items.filter_map(|item| item.fields[0].as_deref()).collect()
}

#[test]
fn the_2014_rules_of_titles() {
    let reviews: String = (1..=5)
        .map(|n| format!("{{\"reviewerID\": \"u\", \"asin\": \"i{n}\", \"unixReviewTime\": {n}, \"overall\": 4.0}}\n"))
        .collect();
    let long = (1..=26)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" \\t ");
    let rows = [
        "{'asin': 'i3', 'title': ''}".to_string(),
        "{'asin': 'i1', 'price': 2.5}".into(),
        "{'asin': 'other', 'title': 'Not reviewed'}".into(),
        "{'title': 'Tea &amp; \\'more\\'', 'related': {'bought': ['x', 'y']}, 'asin': 'i2'}".into(),
        "{'asin': 'i2', 'title': 'Tea &amp; \\'more\\''}".into(),
        format!("{{'asin': 'i4', 'title': '{long}'}}"),
        "{'asin': 'i4', 'title': 'Another'}".into(),
    ];
    let data = Folder::with(reviews, rows.join("\n")).load().unwrap();
    let cut = (1..=25)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(titles(&data), ["Unknown", "Tea &amp; 'more'", &cut]);
    assert_eq!(data.catalogue.item(0).text, "Title: Unknown");
    assert_eq!(data.histories.history(0).ratings, [4.0; 3]);
    let counts = [
        ("metadata rows read", 7),
        ("metadata rows of reviewed items without a title", 1),
        ("metadata rows repeated", 1),
        (
            "metadata rows repeated with other fields (the first is used)",
            1,
        ),
        ("empty titles, now Unknown", 1),
        ("titles cut to 25 words", 1),
        ("reviewed items with a title", 3),
        ("reviews of items without metadata", 1),
        ("reviews of items without a title", 1),
    ];
    for (what, count) in counts {
        assert_eq!(data.report.get(what), Some(count), "{what}");
    }
}

#[test]
fn the_2018_layout_is_json_and_has_further_fields() {
    let mut folder = Folder::new(Layout::Of2018);
    let review = |item: &str, time: u32| {
        let fields =
            json!({"overall": 5.0, "reviewerID": "u", "asin": item, "unixReviewTime": time});
        format!("{fields}\n")
    };
    folder.write(
        "Tea_5.json",
        review("a", 2) + &review("b", 1) + &review("c", 3) + &review("d", 4),
    );
    let rows = [
        json!({"asin": "b", "title": ["Two", ["parts"]], "brand": "Brand", "category": ["Tea", "Green"]}),
        json!({"asin": "a", "title": null, "brand": "Brand"}),
        json!({"asin": "c", "title": "T\u{e9}", "brand": null}),
        json!({"asin": "d", "title": 5, "brand": ""}),
    ];
    folder.write("meta_Tea.json", rows.map(|row| format!("{row}\n")).concat());
    folder.options.fields = vec!["brand".into(), "category".into()];
    folder.options.text = "{{{title}}} by {brand} in {category}".into();
    assert_eq!(folder.options.check(), []);
    let data = folder.load().unwrap();
    assert_eq!(data.catalogue.field_names(), ["title", "brand", "category"]);
    let texts: Vec<_> = data
        .catalogue
        .items()
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "{Two, parts} by Brand in Tea, Green",
            "{Té} by  in ",
            "{5} by  in "
        ]
    );
    assert_eq!(data.histories.history(0).times, [1000, 3000, 4000]);
    assert_eq!(data.report.get("reviews of items without a title"), Some(1));
}

#[test]
fn the_2023_layout_goes_by_parent_and_may_be_filtered_to_its_core() {
    let mut folder = Folder::new(Layout::Of2023);
    let mut reviews = String::new();
    for (user, items) in [("u", "abc"), ("v", "abcd"), ("w", "cba"), ("x", "de")] {
        for (time, item) in items.chars().enumerate() {
            let review = json!({"rating": 1.0, "asin": format!("child of {item}"),
                "parent_asin": item.to_string(), "user_id": user, "timestamp": 1_600_000_000_123_u64 + time as u64});
            reviews += &format!("{review}\n");
        }
    }
    folder.write("Tea.jsonl", reviews);
    let row = |item| {
        format!(
            "{}\n",
            json!({"parent_asin": item, "title": item, "details": {"Brand": "X"}})
        )
    };
    folder.write(
        "meta_Tea.jsonl",
        ["e", "d", "c", "b", "a"].map(row).concat(),
    );
    folder.options.fields = vec!["details".into()];
    folder.options.split.k_core = 3;
    let data = folder.load().unwrap();
    assert_eq!(titles(&data), ["c", "b", "a"]);
    assert_eq!(
        data.catalogue.item(0).fields[1].as_deref(),
        Some("Brand: X")
    );
    assert_eq!(data.histories.users(), ["u", "v", "w"]);
    assert_eq!(data.histories.history(0).times[1], 1_600_000_000_124);
    assert_eq!(data.report.get("interactions outside the k-core"), Some(3));
}

#[test]
fn either_variant_of_a_file_is_found_and_gzip_is_known_by_its_content() {
    let folder = Folder::new(Layout::Of2014);
    let review =
        |n: u32| format!("{{\"reviewerID\": \"u\", \"asin\": \"a\", \"unixReviewTime\": {n}}}\n");
    let reviews = (0..3).map(review).collect::<String>();
    folder.write("reviews_Tea_5.json.gz", reviews);
    folder.write("meta_Tea.json", "{'asin': 'a', 'title': 'A'}\n");
    let inputs = folder.options.inputs().unwrap();
    assert!(inputs[0].ends_with("reviews_Tea_5.json.gz") && inputs[1].ends_with("meta_Tea.json"));
    assert_eq!(folder.load().unwrap().histories.interactions(), 3);
}

#[test]
fn downloads_belong_where_inputs_are_looked_for() {
    for layout in [Layout::Of2014, Layout::Of2018, Layout::Of2023] {
        let folder = Folder::new(layout);
        let paths: Vec<_> = folder
            .options
            .sources()
            .into_iter()
            .map(|download| {
                let name = download
                    .path
                    .file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string();
                assert!(
                    download.url.ends_with(&format!("/{name}")),
                    "{}",
                    download.url
                );
                folder.write(&name, "");
                download.path
            })
            .collect();
        assert_eq!(folder.options.inputs().unwrap(), paths);
    }
}

#[test]
fn the_component_is_registered_with_its_options_and_defaults() {
    let mut registry = Registry::new();
    gloss_amazon::register(&mut registry).unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "dataset").unwrap();
    let options = entry.options();
    let default = |name: &str| {
        options
            .iter()
            .find(|o| o.name == name)
            .unwrap()
            .default
            .clone()
    };
    assert_eq!(default("category"), None);
    assert_eq!(default("layout"), Some(json!("2014")));
    assert_eq!(default("text"), Some(json!("Title: {title}")));
    assert_eq!(default("title_words"), Some(json!(25)));
    assert!(options.iter().all(|option| !option.doc.is_empty()));
    assert!(
        entry
            .parse(json!({"category": "Beauty", "layout": "2023"}))
            .is_ok()
    );
    assert!(
        entry
            .parse(json!({"category": "Beauty", "colour": "red"}))
            .is_err()
    );
}

#[test]
fn a_layout_is_a_year_quoted_or_not() {
    for (layout, text) in [
        (Layout::Of2014, json!("2014")),
        (Layout::Of2018, json!("2018")),
        (Layout::Of2023, json!("2023")),
    ] {
        let bare: u32 = text.as_str().unwrap().parse().unwrap();
        let parse = serde_json::from_value::<Layout>;
        assert_eq!(parse(text.clone()).unwrap(), layout);
        assert_eq!(parse(json!(bare)).unwrap(), layout);
        assert_eq!(serde_json::to_value(layout).unwrap(), text);
    }
    let error = serde_json::from_value::<Layout>(json!(2015)).unwrap_err();
    assert_eq!(error.to_string(), "there is no layout `2015`");
}
