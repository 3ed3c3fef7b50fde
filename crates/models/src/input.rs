use serde::{Deserialize, Serialize};

use crate::ModelError;

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

impl InputConfig {
    /// The shape of MNIST: 28×28 pixels, 10 classes.
    pub const MNIST: Self = Self {
        height: 28,
        width: 28,
        classes: 10,
    };

    /// Pixels of one image.
    pub fn pixels(&self) -> usize {
        self.height.saturating_mul(self.width)
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        for (value, what) in [
            (self.height, "input height"),
            (self.width, "input width"),
            (self.classes, "number of classes"),
        ] {
            if value == 0 {
                return Err(ModelError::zero("input", what));
            }
        }
        Ok(())
    }
}

impl Default for InputConfig {
    fn default() -> Self {
        Self::MNIST
    }
}
