//! Charts as SVG.

use anyhow::{Result, anyhow};
use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;

/// The width and height of a chart.
const SIZE: (u32, u32) = (640, 350);

/// Colours that can be told apart on light and dark ground, by everybody (P. Tol's bright scheme).
const COLORS: [RGBColor; 8] = [
    RGBColor(68, 119, 170),
    RGBColor(238, 102, 119),
    RGBColor(34, 136, 51),
    RGBColor(204, 187, 68),
    RGBColor(102, 204, 238),
    RGBColor(170, 51, 119),
    RGBColor(128, 128, 128),
    RGBColor(230, 140, 50),
];

/// A chart: its file name, title, and SVG.
pub(super) struct Chart {
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) svg: String,
}

/// A named line.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// The factor by which an axis is longer than its highest value, for the legend above the data.
fn headroom(series: usize) -> f64 {
    if series > 1 {
        1.1 + 0.15 * series as f64
    } else {
        1.05
    }
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn color(at: usize) -> RGBColor {
    COLORS[at % COLORS.len()]
}

fn failed(error: Box<dyn std::error::Error>) -> anyhow::Error {
    anyhow!("cannot draw a chart: {error}")
}

/// Lines over numbers; `x` and `y` are the axes' titles.
pub(super) fn lines(
    name: &'static str,
    title: &str,
    [x, y]: [&str; 2],
    lines: &[Line],
) -> Result<Chart> {
    let mut svg = String::new();
    draw_lines(&mut svg, [x, y], lines).map_err(failed)?;
    Ok(Chart {
        name,
        title: title.to_string(),
        svg,
    })
}

fn draw_lines(svg: &mut String, [x, y]: [&str; 2], lines: &[Line]) -> Drawn {
    let points = || lines.iter().flat_map(|line| &line.points);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = points()
            .map(of)
            .fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        if low < high {
            low..high
        } else {
            low.min(0.0)..low.max(0.0) + 1.0
        }
    };
    let vertical = bounds(|point| point.1);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(52)
        .y_label_area_size(76)
        .build_cartesian_2d(
            bounds(|point| point.0),
            vertical.start.min(0.0)..vertical.end * headroom(lines.len()),
        )?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    for (at, line) in lines.iter().enumerate() {
        let style = color(at).stroke_width(2);
        let series = LineSeries::new(line.points.iter().copied(), style);
        chart
            .draw_series(series)?
            .label(line.name.as_str())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
    }
    if lines.len() > 1 {
        let legend = chart.configure_series_labels();
        draw_legend(legend, SeriesLabelPosition::UpperLeft)?;
    }
    root.present()?;
    Ok(())
}

fn draw_legend<'a, 'b, D, C>(
    mut legend: plotters::chart::SeriesLabelStyle<'a, 'b, D, C>,
    position: SeriesLabelPosition,
) -> Drawn
where
    D: DrawingBackend + 'a,
    C: plotters::coord::CoordTranslate,
    D::ErrorType: 'static,
{
    legend
        .position(position)
        .label_font(("sans-serif", 15))
        .margin(6)
        .border_style(TRANSPARENT)
        .draw()
        .map_err(|error| error.to_string().into())
}

/// Bars by group; `values` has a number for each group.
pub(super) fn bars(
    name: &'static str,
    title: &str,
    y: &str,
    groups: &[String],
    series: &[(String, Vec<f64>)],
) -> Result<Chart> {
    let mut svg = String::new();
    draw_bars(&mut svg, y, groups, series).map_err(failed)?;
    Ok(Chart {
        name,
        title: title.to_string(),
        svg,
    })
}

fn draw_bars(svg: &mut String, y: &str, groups: &[String], series: &[(String, Vec<f64>)]) -> Drawn {
    let highest = series
        .iter()
        .flat_map(|(_, values)| values)
        .copied()
        .fold(0.0, f64::max);
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(76)
        .build_cartesian_2d(
            (0..groups.len()).into_segmented(),
            0.0..highest * headroom(series.len()),
        )?;
    let label = |group: &SegmentValue<usize>| match group {
        SegmentValue::CenterOf(at) => groups.get(*at).cloned().unwrap_or_default(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_desc(y)
        .x_labels(groups.len().min(24))
        .x_label_formatter(&label)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    let width =
        (f64::from(SIZE.0) - 90.0) / groups.len().max(1) as f64 * 0.8 / series.len().max(1) as f64;
    for (at, (name, values)) in series.iter().enumerate() {
        let offset = (at as f64 - series.len() as f64 / 2.0) * width;
        let fill = color(at).filled();
        let bar = |(group, value): (usize, &f64)| {
            let area = chart.plotting_area();
            let pixel = |height: f64| area.map_coordinate(&(SegmentValue::CenterOf(group), height));
            let (top, bottom) = (pixel(*value), pixel(0.0));
            let left = top.0 + offset.round() as i32;
            (
                [
                    (left, top.1),
                    (left + width.max(1.0).round() as i32, bottom.1),
                ],
                fill,
            )
        };
        let rectangles: Vec<_> = values.iter().enumerate().map(bar).collect();
        for (corners, fill) in rectangles {
            root.draw(&Rectangle::new(corners, fill))?;
        }
        if series.len() > 1 {
            let nothing = std::iter::empty::<Circle<(SegmentValue<usize>, f64), i32>>();
            chart
                .draw_series(nothing)?
                .label(name.as_str())
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], fill));
        }
    }
    if series.len() > 1 {
        let legend = chart.configure_series_labels();
        draw_legend(legend, SeriesLabelPosition::UpperRight)?;
    }
    root.present()?;
    Ok(())
}
