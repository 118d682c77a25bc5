//! A picture of the loss.

use std::path::Path;

use gloss_core::{Error, Result};
use plotters::prelude::*;

use super::{LogEvent, LogRecord};

const SIZE: (u32, u32) = (800, 450);
/// The most points of a line.
const POINTS: usize = 400;

/// Draws the loss of training, averaged over neighbouring steps, and that of validation.
pub(super) fn write(path: &Path, lines: &[LogRecord]) -> Result<()> {
    let train: Vec<(f64, f64)> = lines.iter().filter_map(training_loss).collect();
    let train: Vec<(f64, f64)> = train
        .chunks(train.len().div_ceil(POINTS).max(1))
        .map(mean)
        .collect();
    let validation: Vec<(f64, f64)> = lines.iter().filter_map(validation_loss).collect();
    let Some(last) = train.last().map(|(step, _)| *step) else {
        return Ok(());
    };
    let all = || train.iter().chain(&validation).map(|(_, loss)| *loss);
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let mut picture = String::new();
    draw(&mut picture, &train, &validation, (last, low, high))
        .map_err(|error| Error::Internal(format!("the picture of the loss: {error}")))?;
    std::fs::write(path, picture).map_err(Error::io("write", path))
}

type Failure = Box<dyn std::error::Error>;

fn draw(
    picture: &mut String,
    train: &[(f64, f64)],
    validation: &[(f64, f64)],
    (last, low, high): (f64, f64, f64),
) -> std::result::Result<(), Failure> {
    let area = SVGBackend::with_string(picture, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let room = (high - low).max(1e-3) * 0.05;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last.max(1.0), low - room..high + room)?;
    chart
        .configure_mesh()
        .x_desc("step")
        .y_desc("loss")
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart
        .draw_series(LineSeries::new(train.iter().copied(), BLUE.stroke_width(2)))?
        .label("training")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLUE));
    if !validation.is_empty() {
        let line = LineSeries::new(validation.iter().copied(), RED.stroke_width(2)).point_size(3);
        chart
            .draw_series(line)?
            .label("validation")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], RED));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

fn training_loss(line: &LogRecord) -> Option<(f64, f64)> {
    match line.what {
        LogEvent::Step { loss, .. } => Some((line.step as f64, loss)),
        LogEvent::Validation { .. } => None,
    }
}

fn validation_loss(line: &LogRecord) -> Option<(f64, f64)> {
    match line.what {
        LogEvent::Validation {
            validation_loss, ..
        } => Some((line.step as f64, validation_loss)),
        LogEvent::Step { .. } => None,
    }
}

fn mean(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let sum = points
        .iter()
        .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    (sum.0 / count, sum.1 / count)
}
