//! The page: HTML with style, script, charts and packed users in one file.

use std::fmt::Write;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gloss_engine::{Comparison, MethodResult, SeedSummary};
use indicatif::HumanCount;

use super::{Content, DEPTH, analysis, charts, users};
use crate::ui;

/// The mark of a report.
pub(super) const GENERATOR: &str = "<meta name=\"generator\" content=\"gloss\">";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
pub(super) fn html(content: &Content<'_>) -> Result<String> {
    let packed = users::pack(content.data, content.examples, &content.methods, DEPTH)?;
    let results = &content.runs[0].results;
    let title = format!("{} · {} · gloss", results.experiment, results.dataset);
    let mut html = String::new();
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{GENERATOR}\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(&title)
    );
    let _ = write!(
        html,
        "<header><h1>{}</h1><p>{} {} users of {} · data <code title=\"{fingerprint}\">{}</code></p>\n\
         <nav><a href=\"#results\">Results</a> <a href=\"#charts\">Charts</a> <a href=\"#users\">Users</a> \
         <a href=\"#data\">Data</a> <a href=\"#settings\">Settings</a></nav></header>\n<main>\n",
        escape(&results.experiment),
        HumanCount(content.examples.len() as u64),
        results.split,
        escape(&results.dataset),
        &results.audit.fingerprint[..12],
        fingerprint = results.audit.fingerprint,
    );
    section(&mut html, "results", "Results", &results_section(content));
    section(
        &mut html,
        "charts",
        "Charts",
        &charts_section(&content.charts),
    );
    section(&mut html, "users", "Users", &users_section(content));
    section(&mut html, "data", "Data", &data_section(content));
    section(
        &mut html,
        "settings",
        "Settings and stages",
        &settings_section(content),
    );
    let _ = write!(
        html,
        "</main>\n<script type=\"application/octet-stream\" id=\"packed\">{}</script>\n<script>\n{SCRIPT}</script>\n\
         </body>\n</html>\n",
        STANDARD.encode(packed)
    );
    Ok(html)
}

fn section(html: &mut String, id: &str, title: &str, body: &str) {
    let _ = write!(
        html,
        "<section id=\"{id}\">\n<h2>{title}</h2>\n{body}</section>\n"
    );
}

/// A table of cells that are HTML; columns from `numbers` on are right-aligned.
fn table(header: &[String], rows: &[Vec<String>], numbers: usize) -> String {
    let class = |at: usize| {
        if at >= numbers {
            " class=\"number\""
        } else {
            ""
        }
    };
    let mut html = String::from("<div class=\"wide\"><table>\n<thead><tr>");
    for (at, title) in header.iter().enumerate() {
        let _ = write!(html, "<th{}>{title}</th>", class(at));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let _ = write!(html, "<td{}>{cell}</td>", class(at));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn titles(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|title| title.to_string()).collect()
}

fn results_section(content: &Content<'_>) -> String {
    let mut html = methods_table(content);
    if let Some(comparison) = &content.comparison {
        let _ = writeln!(
            html,
            "<p class=\"note\">* differs from {} (randomisation test, Holm-corrected, p &lt; 0.05)</p>",
            escape(&comparison.baseline)
        );
        let _ = write!(
            html,
            "<details><summary>Differences from {}</summary>\n{}</details>\n",
            escape(&comparison.baseline),
            differences_table(comparison)
        );
    }
    let figures: Vec<Vec<String>> = content
        .methods
        .iter()
        .filter_map(|shown| {
            let figures = analysis::text_figures(content.data, shown)?;
            Some(vec![
                escape(&shown.name),
                format!("{:.1} %", 100.0 * figures.items),
                format!("{:.2}", figures.texts),
                format!("{:.2}", figures.different),
                format!("{:.2}", figures.ranked),
            ])
        })
        .collect();
    if !figures.is_empty() {
        let header = titles(&[
            "texts of",
            "catalogue items",
            "a user",
            "different",
            "items ranked",
        ]);
        html.push_str(&table(&header, &figures, 1));
    }
    html
}

/// A value of the table of methods.
struct Shown {
    value: f64,
    higher_is_better: bool,
    /// The deviation over seeds and the interval, as HTML.
    more: String,
}

/// The value of a metric, the mean if its run has several seeds; none if the method lacks it.
fn shown(result: &MethodResult, summary: &[SeedSummary], metric: &str) -> Option<Shown> {
    let value = result.metrics.iter().find(|value| value.metric == metric)?;
    let interval = |low: f64, high: f64| format!(" <small>[{low:.4}, {high:.4}]</small>");
    let mut of_all = summary.iter().filter(|of| of.segment.is_none());
    let over_seeds = of_all.find(|of| of.method == result.method && of.metric == metric);
    let (shown, more) = match over_seeds {
        Some(of) => {
            let interval = interval(of.mean - of.half_width, of.mean + of.half_width);
            (of.mean, format!(" ± {:.4}{interval}", of.deviation))
        }
        None => {
            let of_users = value.interval.map(|of| interval(of.low, of.high));
            (value.value, of_users.unwrap_or_default())
        }
    };
    Some(Shown {
        value: shown,
        higher_is_better: value.higher_is_better,
        more,
    })
}

/// A row per method, with intervals and marks of the comparison; the best values are bold.
fn methods_table(content: &Content<'_>) -> String {
    let methods: Vec<(&MethodResult, &[SeedSummary])> = content
        .runs
        .iter()
        .zip(&content.summaries)
        .flat_map(|(run, summary)| {
            run.results
                .methods
                .iter()
                .map(|method| (method, summary.as_slice()))
        })
        .collect();
    let mut metrics: Vec<&str> = Vec::new();
    for value in methods.iter().flat_map(|(method, _)| &method.metrics) {
        if !metrics.contains(&value.metric.as_str()) {
            metrics.push(&value.metric);
        }
    }
    let best: Vec<Option<String>> = metrics
        .iter()
        .map(|metric| best(&methods, metric))
        .collect();
    let rows = methods
        .iter()
        .zip(&content.methods)
        .map(|((method, summary), named)| {
            let mut row = vec![escape(&named.name), method.ranking.seen.to_string()];
            for (metric, best) in metrics.iter().zip(&best) {
                let Some(shown) = shown(method, summary, metric) else {
                    row.push("–".to_string());
                    continue;
                };
                let number = format!("{:.4}", shown.value);
                let mark = marked(content.comparison.as_ref(), &named.name, metric);
                row.push(match best.as_ref() == Some(&number) {
                    true => format!("<b>{number}</b>{mark}{}", shown.more),
                    false => format!("{number}{mark}{}", shown.more),
                });
            }
            row
        });
    let mut header = titles(&["method", "seen"]);
    header.extend(metrics.iter().map(|metric| escape(metric)));
    table(&header, &rows.collect::<Vec<_>>(), 2)
}

/// The best value of a metric, as it is shown.
fn best(methods: &[(&MethodResult, &[SeedSummary])], metric: &str) -> Option<String> {
    let values = methods
        .iter()
        .filter_map(|(method, summary)| shown(method, summary, metric));
    let signed = |shown: &Shown| {
        if shown.higher_is_better {
            shown.value
        } else {
            -shown.value
        }
    };
    let best = values.max_by(|a, b| signed(a).total_cmp(&signed(b)));
    best.map(|shown| format!("{:.4}", shown.value))
}

/// The mark of a significant difference.
fn marked(comparison: Option<&Comparison>, method: &str, metric: &str) -> &'static str {
    let rows = comparison
        .into_iter()
        .flat_map(|comparison| &comparison.rows);
    let values = rows
        .filter(|row| row.method == method)
        .flat_map(|row| &row.values);
    let mut differences = values
        .filter(|value| value.metric == metric)
        .filter_map(|value| value.difference.as_ref());
    match differences.any(|difference| difference.corrected.randomization < 0.05) {
        true => "*",
        false => "",
    }
}

fn differences_table(comparison: &Comparison) -> String {
    let header = titles(&[
        "method",
        "users",
        "metric",
        "difference",
        "95 % interval",
        "effect",
        "wins",
        "losses",
        "p",
    ]);
    let all = std::iter::once(("all", &comparison.rows));
    let segments = comparison
        .segments
        .iter()
        .map(|(name, _, rows)| (name.as_str(), rows));
    let mut rows = Vec::new();
    for (segment, of_segment) in all.chain(segments) {
        for (row, value) in of_segment
            .iter()
            .flat_map(|row| row.values.iter().map(move |value| (row, value)))
        {
            let Some(difference) = &value.difference else {
                continue;
            };
            rows.push(vec![
                escape(&row.method),
                escape(segment),
                escape(&value.metric),
                format!("{:+.4}", difference.mean),
                format!(
                    "[{:+.4}, {:+.4}]",
                    difference.interval.low, difference.interval.high
                ),
                format!("{:+.3}", difference.effect_size),
                HumanCount(difference.wins).to_string(),
                HumanCount(difference.losses).to_string(),
                format!("{:.4}", difference.corrected.randomization),
            ]);
        }
    }
    table(&header, &rows, 3)
}

/// The browser of users, and a note if it shows one seed of several.
fn users_section(content: &Content<'_>) -> String {
    let several = content.summaries.iter().any(|summary| !summary.is_empty());
    let note = match several {
        true => "<p class=\"note\">Users and charts are those of the first seed.</p>\n",
        false => "",
    };
    format!("{note}{}", include_str!("users.html"))
}

fn charts_section(charts: &[charts::Chart]) -> String {
    let mut html = String::from("<div class=\"charts\">\n");
    for chart in charts {
        let _ = writeln!(
            html,
            "<figure id=\"chart-{}\"><figcaption>{}</figcaption>{}</figure>",
            chart.name,
            escape(&chart.title),
            themed(&chart.svg)
        );
    }
    html.push_str("</div>\n");
    html
}

/// A chart in the colours of the page: black becomes the colour of text.
fn themed(svg: &str) -> String {
    let start = svg.find("<svg").unwrap_or_default();
    svg[start..]
        .replace("\"#000000\"", "\"currentColor\"")
        .replace("<svg ", "<svg role=\"img\" ")
}

fn data_section(content: &Content<'_>) -> String {
    let results = &content.runs[0].results;
    let rows = ui::audit::rows(&results.audit).map(|(what, count, of)| {
        vec![
            escape(what),
            HumanCount(count).to_string(),
            HumanCount(of).to_string(),
        ]
    });
    let mut html = table(&titles(&["audit", "count", "of"]), &rows, 1);
    let _ = write!(
        html,
        "<p>Of the interactions to train on, {:.1} % are later than a target, on average.</p>\n\
         <p>Fingerprint of the data: <code>{}</code></p>\n",
        100.0 * results.audit.later_training_share,
        results.audit.fingerprint
    );
    let counts = results.data.counts.iter();
    let counts: Vec<Vec<String>> = counts
        .map(|(what, count)| vec![escape(what), HumanCount(*count).to_string()])
        .collect();
    let _ = write!(
        html,
        "<details><summary>Counts of the loader</summary>\n{}</details>\n",
        table(&titles(&["what", "count"]), &counts, 1)
    );
    for dropped in &results.data.dropped {
        let _ = writeln!(
            html,
            "<p class=\"note\">dropped: {}</p>",
            escape(&dropped.to_string())
        );
    }
    html
}

fn settings_section(content: &Content<'_>) -> String {
    let mut html = String::new();
    for run in &content.runs {
        let experiment = serde_json::to_string_pretty(&run.manifest.experiment).unwrap_or_default();
        let stages: Vec<Vec<String>> = run
            .manifest
            .stages
            .iter()
            .map(|stage| {
                vec![
                    escape(&stage.stage),
                    escape(stage.method.as_deref().unwrap_or("all")),
                    if stage.reused { "reused" } else { "built" }.to_string(),
                    format!("{:.2} s", stage.seconds),
                ]
            })
            .collect();
        let _ = write!(
            html,
            "<h3>{}</h3>\n<p>gloss {} · {:.1} s · key <code>{}</code></p>\n{}<details><summary>All settings</summary>\
             <pre>{}</pre></details>\n",
            escape(&run.folder.display().to_string()),
            escape(&run.manifest.gloss),
            run.manifest.seconds,
            escape(&run.manifest.key),
            table(&titles(&["stage", "method", "", "time"]), &stages, 3),
            escape(&experiment)
        );
    }
    html
}

/// Text as HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_be_markup() {
        assert_eq!(
            escape("<b>\"&\"</b>"),
            "&lt;b&gt;&quot;&amp;&quot;&lt;/b&gt;"
        );
    }

    #[test]
    fn charts_take_the_colour_of_the_page() {
        let svg = "<?xml version=\"1.0\"?>\n<svg width=\"1\"><text fill=\"#000000\"/></svg>";
        let expected = "<svg role=\"img\" width=\"1\"><text fill=\"currentColor\"/></svg>";
        assert_eq!(themed(svg), expected);
    }
}
