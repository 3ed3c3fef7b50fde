use digits_report::chart::{Axis, Key, Line, Plot, Point, Role, lines};
use digits_report::{Panel, ReportError, svg_file};
use serde::{Deserialize, Serialize};

/// More points than this are a line without markers.
const MOST_MARKED: usize = 40;

/// What was measured in one epoch; one line of `metrics.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Steps taken so far.
    pub step: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean training loss over the images of the epoch (each as it was when its batch came).
    pub train_loss: f64,
    /// Fraction of training images classified correctly, likewise.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation images, without smoothing.
    pub valid_loss: f64,
    /// Fraction of validation images classified correctly.
    pub valid_accuracy: f64,
    /// Seconds spent training in this epoch, validation excluded.
    pub seconds: f64,
}

/// Where a run stands. Shuffling, augmentation and dropout are functions of the seed and of
/// these counters, so no random state needs saving. TOML, because it keeps every bit of an f64.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished batches of the epoch under way.
    pub batch: usize,
    /// Finished steps.
    pub step: usize,
    /// Sums over the epoch under way.
    pub sums: Sums,
    /// The best network so far.
    pub best: Option<Best>,
    /// Seconds of training so far.
    pub seconds: f64,
    /// Finished epochs.
    #[serde(default)]
    pub rows: Vec<EpochMetrics>,
}

/// Sums over the images of a step or of an epoch; means are taken at its end, so that a short last
/// batch counts as what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sums {
    pub images: usize,
    pub correct: usize,
    pub loss: f64,
    pub seconds: f64,
}

/// What the validation said of the best network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Best {
    pub epoch: usize,
    pub correct: usize,
    pub loss: f64,
}

impl Progress {
    /// Counts a step that is done.
    pub fn add(&mut self, step: Sums) {
        self.batch += 1;
        self.step += 1;
        self.seconds += step.seconds;
        self.sums.images += step.images;
        self.sums.correct += step.correct;
        self.sums.loss += step.loss;
        self.sums.seconds += step.seconds;
    }

    /// The epoch with the best network, counted from 1; 0 before the first.
    pub fn best_epoch(&self) -> usize {
        self.best.map_or(0, |best| best.epoch)
    }
}

impl Sums {
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.images as f64
    }

    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }
}

/// The header and one line an epoch.
pub(crate) fn to_csv(rows: &[EpochMetrics]) -> String {
    let mut text = String::from(
        "epoch,step,learning_rate,train_loss,train_accuracy,valid_loss,valid_accuracy,seconds\n",
    );
    for row in rows {
        text += &format!(
            "{},{},{:e},{:.6},{:.6},{:.6},{:.6},{:.3}\n",
            row.epoch,
            row.step,
            row.learning_rate,
            row.train_loss,
            row.train_accuracy,
            row.valid_loss,
            row.valid_accuracy,
            row.seconds
        );
    }
    text
}

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
