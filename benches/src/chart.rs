//! Cost over size, drawn. One panel for each kind of size: what a call takes, by the component and natively, both axes
//! logarithmic, so that a line as steep as the dotted one is cost in proportion to size.

use std::path::Path;

use plotters::prelude::*;

/// What was measured of one kind of size.
pub(crate) struct Series {
    pub(crate) title: &'static str,
    /// Of the upright axis.
    pub(crate) unit: &'static str,
    /// Name, and (size, cost) points.
    pub(crate) lines: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// As many as there are kinds of size: time stands above, memory below.
const COLUMNS: usize = 9;
const PANEL: (u32, u32) = (320, 260);

/// Draws all of them into an SVG.
pub(crate) fn draw(path: &Path, series: &[Series]) -> anyhow::Result<()> {
    let rows = series.len().div_ceil(COLUMNS);
    let size = (PANEL.0 * u32::try_from(COLUMNS)?, PANEL.1 * u32::try_from(rows)?);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    for (series, panel) in series.iter().zip(area.split_evenly((rows, COLUMNS))) {
        let points = || series.lines.iter().flat_map(|(_, points)| points.iter().copied());
        let bound = |of: fn((f64, f64)) -> f64, fold: fn(f64, f64) -> f64, from| points().map(of).fold(from, fold);
        let x = bound(|p| p.0, f64::min, f64::MAX)..bound(|p| p.0, f64::max, 0.0);
        let y = bound(|p| p.1, f64::min, f64::MAX) * 0.7..bound(|p| p.1, f64::max, 0.0) * 1.4;
        let mut chart = ChartBuilder::on(&panel)
            .caption(series.title, ("sans-serif", 15))
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(x.log_scale(), y.log_scale())?;
        let whole = |value: &f64| format!("{value:.0}");
        let mut mesh = chart.configure_mesh();
        mesh.y_desc(series.unit).x_labels(4).y_labels(5).light_line_style(TRANSPARENT);
        mesh.x_label_formatter(&whole).y_label_formatter(&whole).draw()?;
        let colors = [RGBColor(200, 60, 40), RGBColor(40, 90, 160)];
        for ((name, points), color) in series.lines.iter().zip(colors) {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 15, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).draw()?;
    }
    area.present()?;
    Ok(())
}
