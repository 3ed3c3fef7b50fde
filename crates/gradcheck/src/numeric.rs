use crate::error::GradcheckError;
use crate::options::GradcheckOptions;

/// The loss as a function of one element, `f(δ)`.
pub(crate) struct Probe<'a> {
    pub(crate) f: &'a dyn Fn(f64) -> Result<f64, GradcheckError>,
    pub(crate) at_zero: f64,
    pub(crate) options: &'a GradcheckOptions,
}

/// What came of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) autodiff: f64,
    pub(crate) numeric: f64,
    pub(crate) kink: bool,
    pub(crate) passed: bool,
}

/// The slope to the left and to the right, for one step.
#[derive(Clone, Copy)]
struct Slopes {
    left: f64,
    right: f64,
}

impl Slopes {
    fn central(self) -> f64 {
        0.5 * (self.left + self.right)
    }

    fn jump(self) -> f64 {
        (self.right - self.left).abs()
    }
}

impl Probe<'_> {
    /// Compares with central differences, halving the step while they disagree.
    pub(crate) fn compare(&self, autodiff: f64) -> Result<Outcome, GradcheckError> {
        let first = self.slopes(self.options.step)?;
        let outcome = |numeric, kink, passed| Outcome {
            autodiff,
            numeric,
            kink,
            passed,
        };
        if self.agrees(autodiff, first.central(), 0.0) {
            return Ok(outcome(first.central(), false, true));
        }
        let (mut step, mut last) = (self.options.step, first);
        for _ in 0..8 {
            step *= 0.5;
            last = self.slopes(step)?;
            if self.agrees(autodiff, last.central(), self.noise(step)) {
                // The window held a kink, and holds it no longer.
                return Ok(outcome(last.central(), false, true));
            }
        }
        // Smooth: the jump |f″| h between the slopes is now 2⁸ times smaller. On a kink it stays.
        let noise = 4.0 * self.noise(step);
        let kink = last.jump() > 0.5 * first.jump()
            && last.jump() > self.options.allowed(last.left, last.right) + noise;
        let numeric = if kink {
            last.central()
        } else {
            first.central()
        };
        let (low, high) = (last.left.min(last.right), last.left.max(last.right));
        let between = autodiff >= low - self.options.allowed(low, autodiff) - noise
            && autodiff <= high + self.options.allowed(high, autodiff) + noise;
        Ok(outcome(numeric, kink, kink && between))
    }

    fn slopes(&self, step: f64) -> Result<Slopes, GradcheckError> {
        Ok(Slopes {
            left: (self.at_zero - (self.f)(-step)?) / step,
            right: ((self.f)(step)? - self.at_zero) / step,
        })
    }

    /// NaN agrees with nothing.
    fn agrees(&self, a: f64, b: f64, noise: f64) -> bool {
        (a - b).abs() <= self.options.allowed(a, b) + noise
    }

    /// What rounding of the loss does to a slope, at least.
    fn noise(&self, step: f64) -> f64 {
        4.0 * f64::EPSILON * self.at_zero.abs() / step
    }
}
