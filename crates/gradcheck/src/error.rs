/// Why a module or a loss cannot be checked. A *wrong gradient* is not an error: it is a
/// [`crate::GradcheckReport`] that did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GradcheckError {
    /// Options out of range, or a module or a loss that the check cannot take: says why.
    #[error("{0}")]
    Invalid(String),
    /// A tensor that a device does not hand back.
    #[error("the device does not hand back values: {0}")]
    Device(String),
}
