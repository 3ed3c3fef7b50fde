use crate::error::GradcheckError;

/// How [`crate::gradcheck`] works.
#[derive(Debug, Clone, PartialEq)]
pub struct GradcheckOptions {
    /// The first step h; halved where a kink is near. Default 10⁻⁵.
    pub step: f64,
    /// A difference up to `absolute + relative · max(|autodiff|, |numeric|)` passes. Default 10⁻⁸.
    pub absolute: f64,
    /// See `absolute`. Default 10⁻⁶.
    pub relative: f64,
    /// At most this many elements of one parameter, drawn without repetition. Default 100.
    pub samples: usize,
    /// Which elements are drawn. Default 0.
    pub seed: u64,
}

impl Default for GradcheckOptions {
    fn default() -> Self {
        Self {
            step: 1e-5,
            absolute: 1e-8,
            relative: 1e-6,
            samples: 100,
            seed: 0,
        }
    }
}

impl GradcheckOptions {
    pub(crate) fn check(&self) -> Result<(), GradcheckError> {
        let numbers = [self.step, self.absolute, self.relative];
        if self.samples > 0 && numbers.iter().all(|n| n.is_finite() && *n > 0.0) {
            Ok(())
        } else {
            let problem = "step, tolerances and samples must be positive and finite";
            Err(GradcheckError::Invalid(problem.to_owned()))
        }
    }

    /// The difference between two derivatives that passes.
    pub(crate) fn allowed(&self, a: f64, b: f64) -> f64 {
        self.absolute + self.relative * a.abs().max(b.abs())
    }
}
