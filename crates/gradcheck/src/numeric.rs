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

impl Probe<'_> {
    /// Compares with central differences, halving the step while they disagree.
    pub(crate) fn compare(&self, autodiff: f64) -> Result<Outcome, GradcheckError> {
        let central = |(left, right): (f64, f64)| 0.5 * (left + right);
        let jump = |(left, right): (f64, f64)| (right - left).abs();
        let first = self.slopes(self.options.step)?;
        let outcome = |numeric, kink, passed| Outcome {
            autodiff,
            numeric,
            kink,
            passed,
        };
        if self.agrees(autodiff, central(first), 0.0) {
            return Ok(outcome(central(first), false, true));
        }
        let (mut step, mut last) = (self.options.step, first);
        for _ in 0..8 {
            step *= 0.5;
            last = self.slopes(step)?;
            if self.agrees(autodiff, central(last), self.noise(step)) {
                // The window held a kink, and holds it no longer.
                return Ok(outcome(central(last), false, true));
            }
        }
        // Smooth: the jump |f″| h between the slopes is now 2⁸ times smaller. On a kink it stays.
        let noise = 4.0 * self.noise(step);
        let kink = jump(last) > 0.5 * jump(first)
            && jump(last) > self.options.allowed(last.0, last.1) + noise;
        let numeric = central(if kink { last } else { first });
        let (low, high) = (last.0.min(last.1), last.0.max(last.1));
        let between = autodiff >= low - self.options.allowed(low, autodiff) - noise
            && autodiff <= high + self.options.allowed(high, autodiff) + noise;
        Ok(outcome(numeric, kink, kink && between))
    }

    /// To the left and to the right.
    fn slopes(&self, step: f64) -> Result<(f64, f64), GradcheckError> {
        let left = (self.at_zero - (self.f)(-step)?) / step;
        Ok((left, ((self.f)(step)? - self.at_zero) / step))
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
