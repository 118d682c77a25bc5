//! `gloss report` as users run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::Read;
use std::process::Command;

use base64::Engine;
use common::Place;
use serde_json::Value;

const METHODS: &str = r#"
name = "<both>"
metrics = ["recall@2", "mrr"]
segments = [{name = "few", at_most = 3}]
bootstrap = {}
[dataset]
type = "amazon"
category = "Tiny"
[[method]]
name = "A & B"
generator = "lis"
retriever = "bm25"
ranking.seen = "exclude"
[[method]]
name = "popular"
generator = "popular"
"#;

fn with_run() -> Place {
    let place = Place::with_tiny_shop();
    place.write("both.toml", METHODS);
    place
        .gloss(&["run", "both.toml", "--output", "both"])
        .succeeds();
    place
}

fn unpacked(html: &str) -> (Value, Vec<u8>) {
    let start = html.find("id=\"packed\">").unwrap() + "id=\"packed\">".len();
    let end = start + html[start..].find('<').unwrap();
    let packed = base64::engine::general_purpose::STANDARD
        .decode(&html[start..end])
        .unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .unwrap();
    let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let header = serde_json::from_slice(&bytes[4..4 + length]).unwrap();
    (header, bytes[4 + length..].to_vec())
}

#[test]
fn a_report_is_one_file_with_tables_charts_and_users() {
    let place = with_run();
    let line = [
        "report", "both", "--output", "r.html", "--charts", "charts", "--json",
    ];
    let told = place.gloss(&line).json();
    let html = place.read("r.html");
    assert_eq!(told["bytes"], html.len());
    for part in [
        "<title>&lt;both&gt;",
        "A &amp; B",
        "chart-segments",
        "chart-hit-ranks",
        "few",
        "fingerprint",
    ] {
        assert!(
            html.to_lowercase().contains(&part.to_lowercase()),
            "no {part}"
        );
    }
    // Nothing is loaded from elsewhere; the name of SVG is no address to load.
    let elsewhere = html.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !elsewhere.contains("http://") && !elsewhere.contains("https://") && !html.contains("src=")
    );
    for chart in [
        "segments",
        "hit-ranks",
        "popularity",
        "histories",
        "catalogue",
    ] {
        assert!(
            place.read(&format!("charts/{chart}.svg")).contains("<svg"),
            "{chart}"
        );
    }

    let (header, numbers) = unpacked(&html);
    let users = header["users"].as_array().unwrap();
    assert_eq!(told["users"], users.len());
    let metrics: Value = serde_json::from_str(&place.read("both/metrics.json")).unwrap();
    assert_eq!(metrics["methods"][0]["users"], users.len());
    assert_eq!(
        header["methods"],
        serde_json::json!([["A & B", false], ["popular", false]])
    );
    // The first user's target, behind the context, is that of the qrels.
    let history = numbers[0] as usize;
    let target = numbers[history + 2] as usize;
    let qrels = place.read("both/qrels.trec");
    let expected = qrels.lines().next().unwrap().split(' ').nth(2).unwrap();
    assert_eq!(header["items"][target][0], expected);

    place.write("notes.html", "<!doctype html><p>mine");
    place
        .gloss(&["report", "both", "--output", "notes.html"])
        .fails(2, &["notes.html", "not a report of gloss"]);
    assert!(place.read("notes.html").ends_with("mine"));
    let again = place.gloss(&line);
    again.succeeds();
    assert_eq!(
        place.read("r.html"),
        html,
        "the same run gives the same bytes"
    );
}

#[test]
fn a_report_of_several_seeds_has_their_means() {
    let place = Place::with_tiny_shop();
    let one = METHODS.replace(
        "name = \"popular\"\ngenerator = \"popular\"",
        "name = \"random\"\ngenerator = \"random\"",
    );
    place.write("seeds.toml", format!("seeds = [1, 2]\n{one}"));
    let ran = place
        .gloss(&["run", "seeds.toml", "--output", "out", "--json"])
        .json();
    place
        .gloss(&["report", "out", "--output", "r.html"])
        .succeeds();
    let html = place.read("r.html");
    let summary = ran["summary"].as_array().unwrap().iter();
    let random = summary.filter(|of| of["method"] == "random" && of["segment"].is_null());
    for of in random {
        let (mean, deviation) = (
            of["mean"].as_f64().unwrap(),
            of["deviation"].as_f64().unwrap(),
        );
        let cell = format!("{mean:.4}</b> ± {deviation:.4}");
        let plain = format!("{mean:.4} ± {deviation:.4}");
        assert!(html.contains(&cell) || html.contains(&plain), "no {plain}");
    }
    assert!(html.contains("those of the first seed"));
}

#[test]
fn a_report_of_other_data_is_refused() {
    let place = with_run();
    let reviews = place.read("data/reviews_Tiny_5.json");
    let lines: Vec<&str> = reviews.lines().collect();
    // All interactions of the first line's user are gone.
    let user = lines[0]
        .split("\"reviewerID\"")
        .nth(1)
        .unwrap()
        .split('"')
        .nth(1)
        .unwrap();
    let fewer: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !line.contains(user))
        .collect();
    place.write("data/reviews_Tiny_5.json", fewer.join("\n"));
    place.gloss(&["report", "both"]).fails(
        2,
        &[
            "are not those of the run any more",
            "run the experiment again",
        ],
    );
    assert!(!place.path("report.html").exists());
}

/// The page after its script ran in a headless browser, and the browser's log.
fn browse(place: &Place, query: &str) -> (String, String) {
    let url = format!("file://{}{query}", place.path("r.html").display());
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--virtual-time-budget=20000",
        ])
        .arg(format!(
            "--user-data-dir={}",
            place.path("profile").display()
        ))
        .args(["--dump-dom", &url])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
#[ignore = "needs chromium"]
fn browser_shows_every_chart_and_filters_users_without_an_error() {
    let place = with_run();
    place
        .gloss(&["report", "both", "--output", "r.html"])
        .succeeds();
    let (page, log) = browse(&place, "");
    assert!(!log.contains("CONSOLE"), "{log}");
    assert!(page.contains("data-ready=\"true\""), "{log}");
    assert_eq!(
        page.matches("<svg").count(),
        page.matches("<figure").count()
    );
    let users = page.matches("class=\"user\"").count();
    let (header, _) = unpacked(&page);
    assert_eq!(users, header["users"].as_array().unwrap().len().min(20));

    let count = |outcome: &str| {
        let (page, log) = browse(&place, &format!("#users?q=&m=0&k=5&f={outcome}"));
        assert!(!log.contains("CONSOLE"), "{log}");
        page.matches("class=\"user\"").count()
    };
    assert_eq!(count("hit") + count("near") + count("miss"), users);
    let id = header["users"][0].as_str().unwrap();
    let (page, _) = browse(&place, &format!("#users?q={id}&m=0&k=5&f=all"));
    assert!(
        page.contains(&format!("<h3>{id}"))
            && page.matches("class=\"user\"").count() < users.max(2)
    );
}
