/// Why a configuration describes no network. Every message names the layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A size that must be positive is 0.
    #[error("{layer}: {what} is 0; give a positive number")]
    Zero {
        /// The layer, as it is called in the configuration, for example `blocks[1]`.
        layer: String,
        /// The setting.
        what: &'static str,
    },
    /// A window (kernel or pool) does not fit into the image that reaches it.
    #[error(
        "{layer}: a {window}×{window} {what} does not fit into the {height}×{width} image that reaches it; \
         use a smaller one, padding \"same\", or fewer layers before it"
    )]
    WindowTooLarge {
        /// The layer, for example `blocks[1]`.
        layer: String,
        /// `kernel` or `pool`.
        what: &'static str,
        /// Edge length of the window in pixels.
        window: usize,
        /// Height of the image that reaches the layer, in pixels.
        height: usize,
        /// Width of the image that reaches the layer, in pixels.
        width: usize,
    },
    /// A dropout probability outside 0 ≤ p < 1, or not a number.
    #[error("{layer}: dropout is {value}; give a probability p with 0 ≤ p < 1")]
    Dropout {
        /// The layer, for example `blocks[1]` or `hidden`.
        layer: String,
        /// The value given.
        value: f64,
    },
    /// More parameters than this program is meant to hold in memory.
    #[error(
        "{layer}: the network has more than {limit} parameters up to here; make its layers smaller"
    )]
    TooLarge {
        /// The first layer past the limit.
        layer: String,
        /// The limit, [`ModelError::MAX_PARAMETERS`].
        limit: usize,
    },
}

impl ModelError {
    /// Networks above this many parameters are refused: 400 MB of f32, four times that in training.
    pub const MAX_PARAMETERS: usize = 100_000_000;

    pub(crate) fn zero(layer: impl Into<String>, what: &'static str) -> Self {
        Self::Zero {
            layer: layer.into(),
            what,
        }
    }
}

/// Checks a dropout probability.
pub(crate) fn check_dropout(layer: &str, value: f64) -> Result<(), ModelError> {
    if value.is_finite() && (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(ModelError::Dropout {
            layer: layer.to_owned(),
            value,
        })
    }
}

/// Adds the parameters of one layer to a running total, refusing absurd sizes before anything
/// is allocated.
pub(crate) fn add_parameters(
    total: usize,
    layer: &str,
    inputs: usize,
    outputs: usize,
    per_output: usize,
) -> Result<usize, ModelError> {
    inputs
        .checked_mul(outputs)
        .and_then(|weights| weights.checked_add(outputs.checked_mul(per_output)?))
        .and_then(|layer| layer.checked_add(total))
        .filter(|&sum| sum <= ModelError::MAX_PARAMETERS)
        .ok_or_else(|| ModelError::TooLarge {
            layer: layer.to_owned(),
            limit: ModelError::MAX_PARAMETERS,
        })
}
