use plotters::prelude::*;

use crate::metrics::EpochMetrics;

const TRAIN: RGBColor = RGBColor(0x2b, 0x6c, 0xb0);
const VALID: RGBColor = RGBColor(0xc0, 0x56, 0x21);

/// Loss and error rate against the epoch, training and validation, as one SVG.
///
/// # Errors
/// The plotting library's message.
pub(crate) fn to_svg(title: &str, rows: &[EpochMetrics]) -> Result<String, String> {
    let mut svg = String::new();
    draw(&mut svg, title, rows).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    title: &str,
    rows: &[EpochMetrics],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, (860, 380)).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(title, ("sans-serif", 20))?;
    let panels = root.split_evenly((1, 2));
    panel(&panels[0], "loss (cross-entropy)", rows, |row| {
        (row.train_loss, row.valid_loss)
    })?;
    panel(&panels[1], "error rate in %", rows, |row| {
        (
            100.0 * (1.0 - row.train_accuracy),
            100.0 * (1.0 - row.valid_accuracy),
        )
    })?;
    root.present()?;
    Ok(())
}

fn panel<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    caption: &str,
    rows: &[EpochMetrics],
    values: impl Fn(&EpochMetrics) -> (f64, f64),
) -> Result<(), Box<dyn std::error::Error>>
where
    DB::ErrorType: 'static,
{
    let top = rows
        .iter()
        .map(|row| values(row).0.max(values(row).1))
        .filter(|value| value.is_finite())
        .fold(1e-6, f64::max);
    let last = rows.last().map_or(1, |row| row.epoch).max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(46)
        .build_cartesian_2d(1.0..last as f64, 0.0..top * 1.05)?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .x_labels(last.min(10))
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, color, pick) in [("training", TRAIN, 0), ("validation", VALID, 1)] {
        let points: Vec<(f64, f64)> = rows
            .iter()
            .map(|row| {
                let (train, valid) = values(row);
                (row.epoch as f64, if pick == 0 { train } else { valid })
            })
            .collect();
        chart.draw_series(
            points
                .iter()
                .map(|&point| Circle::new(point, 3, color.filled())),
        )?;
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .draw()?;
    Ok(())
}
