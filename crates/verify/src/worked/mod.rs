mod lines;
mod values;

use crate::compare::tolerance;
use crate::error::VerifyError;
use lines::{Writer, names};

pub(crate) use lines::number;
pub use values::{Section, Step, Values, Worked};

impl Worked {
    /// Works the derivation on these values.
    ///
    /// # Errors
    /// As [`Values::network`].
    pub fn new(values: Values) -> Result<Self, VerifyError> {
        let (network, example) = values.network()?;
        let batch = [example];
        let trace = network.forward(&values.input);
        let deltas = network.deltas(&trace, &values.target);
        let gradient = network.gradient(&batch);
        let after = network.step(&gradient, values.learning_rate);
        let mut worked = Self {
            loss: network.loss(&batch),
            loss_after: after.loss(&batch),
            sections: Vec::new(),
            names: names(&values),
            new: after.parameters(),
            gradient,
            values,
        };
        let writer = Writer {
            worked: &worked,
            trace: &trace,
            deltas: &deltas,
        };
        worked.sections = writer.sections();
        Ok(worked)
    }

    /// Every value of the derivation is a number, and the printed lines agree with the arrays.
    pub fn is_sound(&self) -> bool {
        let steps = self.sections.iter().flat_map(|s| &s.steps);
        let lines: Vec<f64> = steps.map(|step| step.value).collect();
        let near = |v: &f64, l: &f64| (l - v).abs() <= tolerance::ANALYTIC_F64;
        let mut arrays = self.gradient.iter().chain(&self.new);
        lines.iter().all(|v| v.is_finite()) && arrays.all(|v| lines.iter().any(|l| near(v, l)))
    }
}
