//! The page: HTML with style, script, charts and packed users in one file.

use std::fmt::Write;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gloss_engine::{Comparison, Row};
use indicatif::HumanCount;

use super::{Content, DEPTH, analysis, charts, users};
use crate::ui;

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
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
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
    section(&mut html, "users", "Users", include_str!("users.html"));
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

/// A row per method, with intervals of the run and marks of the comparison.
fn methods_table(content: &Content<'_>) -> String {
    let methods = || content.runs.iter().flat_map(|run| &run.results.methods);
    let Some(first) = methods().next() else {
        return String::new();
    };
    if let Some(comparison) = content
        .comparison
        .as_ref()
        .filter(|c| c.rows.iter().any(|row| row.seeds > 1))
    {
        return seeds_table(comparison);
    }
    let mut header = titles(&["method", "seen"]);
    header.extend(first.metrics.iter().map(|value| escape(&value.metric)));
    let best: Vec<Option<f64>> = (0..first.metrics.len())
        .map(|at| {
            let values = methods().filter_map(|method| method.metrics.get(at));
            let sign = |higher| if higher { 1.0 } else { -1.0 };
            let best = values.max_by(|a, b| {
                (sign(a.higher_is_better) * a.value)
                    .total_cmp(&(sign(b.higher_is_better) * b.value))
            });
            best.map(|value| value.value)
        })
        .collect();
    let rows = methods().zip(&content.methods).map(|(method, shown)| {
        let mut row = vec![escape(&shown.name), method.ranking.seen.to_string()];
        for (value, best) in method.metrics.iter().zip(&best) {
            let number = format!("{:.4}", value.value);
            let number = match best.is_some_and(|best| format!("{best:.4}") == number) {
                true => format!("<b>{number}</b>"),
                false => number,
            };
            let interval = value.interval.map_or(String::new(), |interval| {
                format!(
                    " <small>[{:.4}, {:.4}]</small>",
                    interval.low, interval.high
                )
            });
            let mark = marked(content.comparison.as_ref(), &shown.name, &value.metric);
            row.push(format!("{number}{mark}{interval}"));
        }
        row
    });
    table(&header, &rows.collect::<Vec<_>>(), 2)
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

/// A row per method with means and deviations over seeds.
fn seeds_table(comparison: &Comparison) -> String {
    let mut header = titles(&["method", "seen", "seeds"]);
    header.extend(comparison.metrics.iter().map(|metric| escape(metric)));
    let row = |row: &Row| {
        let seen = row.seen.map_or(String::new(), |seen| seen.to_string());
        let mut cells = vec![escape(&row.method), seen, row.seeds.to_string()];
        cells.extend(row.values.iter().map(|value| {
            let mark = marked(Some(comparison), &row.method, &value.metric);
            format!("{:.4} ± {:.4}{mark}", value.mean, value.deviation)
        }));
        cells
    };
    table(
        &header,
        &comparison.rows.iter().map(row).collect::<Vec<_>>(),
        2,
    )
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
