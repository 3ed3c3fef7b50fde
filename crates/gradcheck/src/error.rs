use burn::tensor::DType;

/// Why a module or a loss cannot be checked. A *wrong gradient* is not an error: it is a
/// [`crate::GradcheckReport`] that did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GradcheckError {
    /// Options out of range.
    #[error("step, tolerances and samples must be positive and finite")]
    Options,
    /// A loss that is more than one number.
    #[error("the loss has shape {shape:?}; reduce it to one number, for example with .sum()")]
    LossShape {
        /// The shape of the loss.
        shape: [usize; 1],
    },
    /// A loss that autodiff does not know.
    #[error(
        "the loss does not depend on a tracked parameter; build the module on `device.autodiff()`"
    )]
    Untracked,
    /// A loss that is infinite or not a number.
    #[error("the loss is {0}")]
    NotFinite(f64),
    /// A loss that differs from call to call.
    #[error("the loss is {first}, then {second}; fix its inputs and switch random parts off")]
    NotDeterministic {
        /// The first value.
        first: f64,
        /// The second value, from the same module.
        second: f64,
    },
    /// A parameter in fewer than 64 bits.
    #[error("{name} is {dtype:?}; central differences need f64, use `in_f64(module)`")]
    Precision {
        /// Where the parameter stands in the module.
        name: String,
        /// Its number format.
        dtype: DType,
    },
    /// A module with nothing to check.
    #[error("the module has no trainable parameters")]
    NoParameters,
    /// A tensor that a device does not hand back.
    #[error("the device does not hand back values: {0}")]
    Device(String),
}
