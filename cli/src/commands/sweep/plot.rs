//! Trials as parallel coordinates: an axis for each setting and one for the metric, a line for each trial.

use anyhow::{Result, anyhow};
use gloss_engine::{SweepResults, Trial};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde_json::Value;

const SIZE: (u32, u32) = (960, 480);
const TOP: i32 = 60;
const BOTTOM: i32 = 430;
const SIDE: i32 = 90;
/// The most values that an axis shows; otherwise it shows the lowest and the highest.
const MOST_TICKS: usize = 6;

/// One vertical axis.
struct Axis {
    title: String,
    /// The labels and where they stand, from 0 (bottom) to 1 (top).
    labels: Vec<(String, f64)>,
    /// The height at which each trial crosses it, from 0 to 1.
    places: Vec<f64>,
}

/// The plot as SVG.
pub(super) fn parallel_coordinates(results: &SweepResults) -> Result<String> {
    let trials = &results.trials;
    let settings = trials[0].settings.len();
    let mut axes: Vec<Axis> = (0..settings).map(|at| setting_axis(trials, at)).collect();
    axes.push(number_axis(
        &results.metric,
        &trials.iter().map(|trial| trial.value).collect::<Vec<_>>(),
    ));
    let mut svg = String::new();
    draw(&mut svg, &axes, results).map_err(|error| anyhow!("cannot draw the plot: {error}"))?;
    Ok(svg)
}

fn setting_axis(trials: &[Trial], at: usize) -> Axis {
    let title = &trials[0].settings[at].0;
    let values: Vec<&Value> = trials.iter().map(|trial| &trial.settings[at].1).collect();
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.as_f64()).collect();
    match numbers {
        Some(numbers) => number_axis(title, &numbers),
        None => choice_axis(title, &values),
    }
}

fn number_axis(title: &str, values: &[f64]) -> Axis {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let place = |value: f64| {
        if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        }
    };
    let mut ticks = values.to_vec();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    if ticks.len() > MOST_TICKS {
        ticks = vec![low, high];
    }
    Axis {
        title: title.to_string(),
        labels: ticks
            .into_iter()
            .map(|tick| (rounded(tick), place(tick)))
            .collect(),
        places: values.iter().map(|value| place(*value)).collect(),
    }
}

/// A number with four significant digits, without zeros at its end.
fn rounded(number: f64) -> String {
    let rounded: f64 = format!("{number:.3e}").parse().unwrap_or(number);
    rounded.to_string()
}

fn choice_axis(title: &str, values: &[&Value]) -> Axis {
    let mut choices: Vec<String> = Vec::new();
    for value in values {
        let text = label(value);
        if !choices.contains(&text) {
            choices.push(text);
        }
    }
    let place = |at: usize| match choices.len() {
        1 => 0.5,
        all => at as f64 / (all - 1) as f64,
    };
    let of = |value: &&Value| {
        choices
            .iter()
            .position(|choice| *choice == label(value))
            .unwrap_or_default()
    };
    Axis {
        title: title.to_string(),
        places: values.iter().map(|value| place(of(value))).collect(),
        labels: choices
            .iter()
            .enumerate()
            .map(|(at, choice)| (choice.clone(), place(at)))
            .collect(),
    }
}

fn label(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_string)
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn draw(svg: &mut String, axes: &[Axis], results: &SweepResults) -> Drawn {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let width = SIZE.0 as i32 - 2 * SIDE;
    let across = |axis: usize| SIDE + width * axis as i32 / (axes.len() as i32 - 1).max(1);
    let down = |place: f64| BOTTOM - (place * f64::from(BOTTOM - TOP)).round() as i32;
    let centered = |size: i32| {
        ("sans-serif", size)
            .into_font()
            .color(&BLACK)
            .pos(Pos::new(HPos::Center, VPos::Bottom))
    };
    let mut order: Vec<usize> = (0..results.trials.len()).collect();
    order.sort_by_key(|trial| *trial == results.best);
    for trial in order {
        let points = axes
            .iter()
            .enumerate()
            .map(|(at, axis)| (across(at), down(axis.places[trial])));
        let value = axes.last().map_or(0.5, |axis| axis.places[trial]);
        let style = match trial == results.best {
            true => RGBColor(214, 40, 40).stroke_width(3),
            false => RGBColor(38, 70, 140)
                .mix(0.15 + 0.6 * value)
                .stroke_width(1),
        };
        root.draw(&PathElement::new(points.collect::<Vec<_>>(), style))?;
    }
    for (at, axis) in axes.iter().enumerate() {
        let x = across(at);
        root.draw(&PathElement::new(
            vec![(x, TOP), (x, BOTTOM)],
            BLACK.stroke_width(1),
        ))?;
        root.draw(&Text::new(axis.title.clone(), (x, TOP - 24), centered(14)))?;
        for (label, place) in &axis.labels {
            root.draw(&Text::new(
                label.clone(),
                (x + 4, down(*place) - 2),
                ("sans-serif", 12).into_font().color(&BLACK),
            ))?;
        }
    }
    root.present()?;
    Ok(())
}
