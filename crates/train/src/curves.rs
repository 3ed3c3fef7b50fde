use digits_report::chart::{Axis, Key, Line, Plot, Point, Role, lines};
use digits_report::{Panel, ReportError, svg_file};

use crate::metrics::EpochMetrics;

/// More points than this are a line without markers.
const MOST_MARKED: usize = 40;

/// Loss and error rate against the epoch, training and validation, as one SVG.
///
/// # Errors
/// The plotting library's message.
pub(crate) fn to_svg(title: &str, rows: &[EpochMetrics]) -> Result<String, ReportError> {
    let loss = panel("loss (cross-entropy)", rows, |row| {
        [row.train_loss, row.valid_loss]
    })?;
    let errors = panel("error rate in %", rows, |row| {
        [row.train_accuracy, row.valid_accuracy].map(|accuracy| 100.0 * (1.0 - accuracy))
    })?;
    let label = format!("Loss and error rate against the epoch: {title}");
    Ok(svg_file(&label, title, &[loss, errors]))
}

/// `values` gives that of training and that of validation.
fn panel(
    title: &str,
    rows: &[EpochMetrics],
    values: impl Fn(&EpochMetrics) -> [f64; 2],
) -> Result<Panel, ReportError> {
    let line = |(index, role, name): (usize, Role, &str)| Line {
        key: Key::new(role, name),
        points: rows
            .iter()
            .map(|row| Point {
                radius: if rows.len() > MOST_MARKED { 0 } else { 3 },
                ..Point::new(row.epoch as f64, values(row)[index], None)
            })
            .collect(),
        band: false,
    };
    let last = rows.last().map_or(1, |row| row.epoch);
    lines(&Plot {
        title: title.to_owned(),
        x_title: Some("epoch".to_owned()),
        x: Axis::whole(1.0, last as f64),
        y: Axis::linear(rows.iter().flat_map(&values).chain([0.0])),
        lines: [
            (0, Role::First, "training"),
            (1, Role::Second, "validation"),
        ]
        .map(line)
        .into(),
        legend: true,
        ..Plot::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_drawn_of_any_number_of_epochs_and_of_a_diverged_run() {
        for (epochs, loss) in [(0, 0.3), (1, 0.3), (2, f64::NAN), (100, 1e9)] {
            let rows: Vec<EpochMetrics> = (1..=epochs)
                .map(|epoch| EpochMetrics {
                    epoch,
                    step: 10 * epoch,
                    learning_rate: 0.1,
                    train_loss: loss,
                    train_accuracy: 0.9,
                    valid_loss: 0.2 / epoch as f64,
                    valid_accuracy: 0.95,
                    seconds: 1.0,
                })
                .collect();
            let svg = to_svg("mlp on <drawn>, seed 1", &rows).unwrap();
            assert_eq!(svg.matches("validation").count(), 2, "{epochs} epochs");
            assert!(svg.contains("mlp on &lt;drawn&gt;, seed 1"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
