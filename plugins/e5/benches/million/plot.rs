//! The trade-off between speed and recall as a picture.

use std::path::Path;

use plotters::prelude::*;

use crate::Measured;

/// Colours that people who see few colours can tell apart (Okabe and Ito).
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(230, 159, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

/// Draws a line for each index: recall to the right, queries per second of one core upwards.
pub(crate) fn draw(path: &Path, all: &[Measured]) {
    let speeds = || {
        let points = all.iter().flat_map(|measured| &measured.points);
        points.map(|point| point.queries_per_cpu_second)
    };
    let (slowest, fastest) = (
        speeds().fold(f64::INFINITY, f64::min) / 2.0,
        speeds().fold(0.0, f64::max) * 2.0,
    );
    let area = SVGBackend::new(path, (800, 500)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&area)
        .margin(15)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..1.02, (slowest..fastest).log_scale())
        .unwrap();
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("recall@10")
        .y_desc("queries per second of one core");
    mesh.light_line_style(WHITE).draw().unwrap();
    for (measured, color) in all.iter().zip(COLORS.iter().cycle()) {
        let points = || {
            let points = measured.points.iter();
            points.map(|point| (point.recall, point.queries_per_cpu_second))
        };
        let line = LineSeries::new(points(), color.stroke_width(2));
        let line = chart.draw_series(line).unwrap();
        line.label(&measured.index)
            .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        let dots = points().map(|point| Circle::new(point, 4, color.filled()));
        chart.draw_series(dots).unwrap();
    }
    let mut labels = chart.configure_series_labels();
    labels.background_style(WHITE).border_style(BLACK);
    labels
        .position(SeriesLabelPosition::LowerLeft)
        .draw()
        .unwrap();
    area.present().unwrap();
}
