//! What the configurations of both networks share: their input, their checks, and why they fail.

use serde::{Deserialize, Serialize};

/// Networks above this many parameters are refused: 400 MB of f32, four times that in training.
const MAX_PARAMETERS: usize = 100_000_000;

/// Why a configuration describes no network: the layer, as it is called in the configuration, and
/// the reason.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A setting that no layer can have: a size of 0, or a dropout outside 0 ≤ p < 1.
    #[error("{0}: {1}")]
    Setting(String, String),
    /// A layer that is possible elsewhere: a window larger than the image that reaches it, or more
    /// parameters than this program is meant to hold in memory.
    #[error("{0}: {1}")]
    Misfit(String, String),
}

/// What a network is fed and what it tells apart: one grey image, one class of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputConfig {
    /// Image height in pixels.
    pub height: usize,
    /// Image width in pixels.
    pub width: usize,
    /// Number of classes, the length of the logits.
    pub classes: usize,
}

/// The shape of MNIST: 28×28 pixels, 10 classes.
impl Default for InputConfig {
    fn default() -> Self {
        Self {
            height: 28,
            width: 28,
            classes: 10,
        }
    }
}

impl InputConfig {
    /// Pixels of one image.
    pub fn pixels(&self) -> usize {
        self.height.saturating_mul(self.width)
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        check_positive("input", self.height, "input height")?;
        check_positive("input", self.width, "input width")?;
        check_positive("input", self.classes, "number of classes")
    }
}

pub(crate) fn check_positive(layer: &str, size: usize, what: &str) -> Result<(), ModelError> {
    if size > 0 {
        return Ok(());
    }
    let reason = format!("{what} is 0; give a positive number");
    Err(ModelError::Setting(layer.to_owned(), reason))
}

pub(crate) fn check_dropout(layer: &str, value: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    let reason = format!("dropout is {value}; give a probability p with 0 ≤ p < 1");
    Err(ModelError::Setting(layer.to_owned(), reason))
}

/// What follows from a configuration, counted layer by layer before anything is allocated.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// Trainable parameters.
    pub parameters: usize,
    /// Multiply-accumulates to classify one image; biases, normalization, activations and pooling
    /// are not counted.
    pub macs: u64,
}

impl Sizes {
    /// Adds a layer that takes `inputs` numbers to each of `outputs` numbers, at `places` places
    /// of the image, and has `more` parameters an output.
    pub fn add(
        &mut self,
        layer: &str,
        [inputs, outputs, more]: [usize; 3],
        places: usize,
    ) -> Result<(), ModelError> {
        let weights = inputs.saturating_mul(outputs);
        let of_layer = weights.saturating_add(outputs.saturating_mul(more));
        self.parameters = self.parameters.saturating_add(of_layer);
        if self.parameters > MAX_PARAMETERS {
            let reason = format!(
                "the network has more than {MAX_PARAMETERS} parameters up to here; make its layers smaller"
            );
            return Err(ModelError::Misfit(layer.to_owned(), reason));
        }
        let macs = weights.saturating_mul(places) as u64;
        self.macs = self.macs.saturating_add(macs);
        Ok(())
    }
}
