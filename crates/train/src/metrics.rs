use serde::{Deserialize, Serialize};

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
