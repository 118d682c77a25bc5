//! Comparisons as text, Markdown, LaTeX and CSV.

use std::fmt::Write;

use gloss_engine::{Comparison, Row, Value};

use super::differences::{Marks, details, pairs};
use crate::ui::table::{Cell, Look, Table};

/// The place of a value among those of its metric.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Second,
    Other,
}

/// A value with four digits, and its deviation over seeds if there are several.
fn number(row: &Row, value: &Value) -> String {
    match row.seeds {
        1 => format!("{:.4}", value.mean),
        _ => format!("{:.4} ± {:.4}", value.mean, value.deviation),
    }
}

/// The places of the values of the metric at `at`, as they look with four digits.
fn places(rows: &[Row], at: usize) -> Vec<Place> {
    let shown = |row: &Row| {
        let value = &row.values[at];
        let sign = if value.higher_is_better { 1.0 } else { -1.0 };
        (sign * value.mean * 1e4).round() as i64
    };
    let mut values: Vec<i64> = rows.iter().map(shown).collect();
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.dedup();
    let place = |row: &Row| match values.iter().position(|value| *value == shown(row)) {
        Some(0) => Place::First,
        Some(1) => Place::Second,
        _ => Place::Other,
    };
    rows.iter().map(place).collect()
}

/// The table of methods and metrics: header, and rows of cells with their places.
struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<GridCell>>,
}

/// A cell: its text, the number that it shows, and how it is marked.
struct GridCell {
    text: String,
    number: Option<f64>,
    place: Place,
    marked: bool,
}

fn grid(comparison: &Comparison, marks: Marks) -> Grid {
    let rows = &comparison.rows;
    let seen = rows.iter().any(|row| row.seen.is_some());
    let seeds = rows.iter().any(|row| row.seeds > 1);
    let mut header = vec!["method".to_string()];
    header.extend(seen.then(|| "seen".to_string()));
    header.extend(seeds.then(|| "seeds".to_string()));
    header.extend(comparison.metrics.iter().cloned());
    let places: Vec<Vec<Place>> = (0..comparison.metrics.len())
        .map(|at| places(rows, at))
        .collect();
    let cells = |(index, row): (usize, &Row)| {
        let plain = |text: String| GridCell {
            text,
            number: None,
            place: Place::Other,
            marked: false,
        };
        let mut cells = vec![plain(row.method.clone())];
        let policy = row.seen.map_or("?".to_string(), |seen| seen.to_string());
        cells.extend(seen.then(|| plain(policy)));
        cells.extend(seeds.then(|| plain(row.seeds.to_string())));
        for (value, places) in row.values.iter().zip(&places) {
            cells.push(GridCell {
                text: number(row, value),
                number: Some(value.mean),
                place: places[index],
                marked: marks.is_significant(value),
            });
        }
        cells
    };
    Grid {
        rows: rows.iter().enumerate().map(cells).collect(),
        header,
    }
}

/// The lines on what is left out; empty if nothing is.
fn left_out(comparison: &Comparison) -> String {
    let lines = [
        ("not every method has it", &comparison.other_metrics),
        ("it is not a mean over users", &comparison.overall_metrics),
    ];
    let line = |(reason, metrics): (&str, &Vec<String>)| match metrics.is_empty() {
        true => String::new(),
        false => format!("\nnot compared, because {reason}: {}", metrics.join(", ")),
    };
    lines.map(line).concat()
}

pub(super) fn text(comparison: &Comparison, marks: Marks, look: Look) -> String {
    let grid = grid(comparison, marks);
    let mut table = Table::new(grid.header);
    for row in grid.rows {
        table.row(row.into_iter().map(|cell| {
            let text = cell.text + if cell.marked { " *" } else { "" };
            let drawn = match cell.number {
                Some(number) => Cell::shown(number, text),
                None => Cell::from(text),
            };
            match cell.place {
                Place::First => drawn.strong(),
                _ => drawn,
            }
        }));
    }
    format!(
        "{}\n\n{}\n\n{}{}\n{:.0} % intervals and effect sizes (Cohen's d) of the paired differences from {}{}",
        table.render(look),
        details(comparison, marks).render(look),
        pairs(comparison, marks, look),
        marks.legend(comparison),
        100.0 * comparison.confidence,
        comparison.baseline,
        left_out(comparison),
    )
}

pub(super) fn markdown(comparison: &Comparison, marks: Marks) -> String {
    let grid = grid(comparison, marks);
    let escape = |text: &str| text.replace('|', "\\|");
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    line(grid.header.clone());
    line(vec!["---".to_string(); grid.header.len()]);
    for row in grid.rows {
        line(
            row.into_iter()
                .map(
                    |GridCell {
                         text,
                         place,
                         marked,
                         ..
                     }| {
                        let text = escape(&text);
                        let text = match place {
                            Place::First => format!("**{text}**"),
                            Place::Second => format!("<u>{text}</u>"),
                            Place::Other => text,
                        };
                        text + if marked { " \\*" } else { "" }
                    },
                )
                .collect(),
        );
    }
    let _ = writeln!(
        text,
        "\n\\{}{}",
        marks.legend(comparison),
        left_out(comparison)
    );
    text
}

pub(super) fn latex(comparison: &Comparison, marks: Marks) -> String {
    let grid = grid(comparison, marks);
    let mut text = String::new();
    let columns = grid.header.len() - comparison.metrics.len();
    let _ = writeln!(text, "% \\usepackage{{booktabs}}");
    let _ = writeln!(
        text,
        "\\begin{{tabular}}{{{}{}}}",
        "l".repeat(columns),
        "r".repeat(comparison.metrics.len())
    );
    let header: Vec<String> = grid
        .header
        .iter()
        .map(|title| escape_latex(title))
        .collect();
    let _ = writeln!(text, "\\toprule\n{} \\\\\n\\midrule", header.join(" & "));
    for row in grid.rows {
        let cells = row.into_iter().map(
            |GridCell {
                 text,
                 place,
                 marked,
                 ..
             }| {
                let text = escape_latex(&text).replace('±', "$\\pm$");
                let text = match place {
                    Place::First => format!("\\textbf{{{text}}}"),
                    Place::Second => format!("\\underline{{{text}}}"),
                    Place::Other => text,
                };
                text + if marked { "$^{*}$" } else { "" }
            },
        );
        let _ = writeln!(text, "{} \\\\", cells.collect::<Vec<_>>().join(" & "));
    }
    let _ = writeln!(text, "\\bottomrule\n\\end{{tabular}}");
    let legend = marks.legend(comparison) + &left_out(comparison);
    for line in legend.lines() {
        let _ = writeln!(text, "% {line}");
    }
    text
}

fn escape_latex(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            other => escaped.push(other),
        }
    }
    escaped
}

pub(super) fn csv(comparison: &Comparison) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "method",
        "segment",
        "users",
        "seen",
        "seeds",
        "metric",
        "mean",
        "deviation",
        "half_width",
        "difference",
        "low",
        "high",
        "effect_size",
        "wins",
        "losses",
        "p_t",
        "p_wilcoxon",
        "p_randomization",
        "holm_t",
        "holm_wilcoxon",
        "holm_randomization",
    ];
    let mut records = vec![header.map(str::to_string).to_vec()];
    let all = std::iter::once(("all", comparison.users, &comparison.rows));
    let segments = comparison.segments.iter();
    let segments = segments.map(|(name, users, rows)| (name.as_str(), *users, rows));
    for (segment, users, rows) in all.chain(segments) {
        for row in rows {
            records.extend(
                row.values
                    .iter()
                    .map(|value| csv_record(segment, users, row, value)),
            );
        }
    }
    for record in records {
        // Writing to memory does not fail.
        let _ = writer.write_record(record);
    }
    String::from_utf8_lossy(&writer.into_inner().unwrap_or_default()).into_owned()
}

fn csv_record(segment: &str, users: u64, row: &Row, value: &Value) -> Vec<String> {
    let mut record = vec![
        row.method.clone(),
        segment.to_string(),
        users.to_string(),
        row.seen.map_or(String::new(), |seen| seen.to_string()),
        row.seeds.to_string(),
        value.metric.clone(),
        value.mean.to_string(),
        value.deviation.to_string(),
        value.half_width.to_string(),
    ];
    match &value.difference {
        None => record.resize(record.len() + 12, String::new()),
        Some(difference) => {
            let (interval, p, holm) = (difference.interval, difference.p, difference.corrected);
            let numbers = [
                difference.mean,
                interval.low,
                interval.high,
                difference.effect_size,
            ];
            record.extend(numbers.map(|number| number.to_string()));
            record.extend([difference.wins, difference.losses].map(|count| count.to_string()));
            let numbers = [
                p.t,
                p.wilcoxon,
                p.randomization,
                holm.t,
                holm.wilcoxon,
                holm.randomization,
            ];
            record.extend(numbers.map(|number| number.to_string()));
        }
    }
    record
}
