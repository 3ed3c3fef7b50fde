//! Is a module's backward pass right? Autodiff against central differences, for any Burn module.

mod numeric;
mod report;
mod visit;

use std::collections::HashMap;

use burn::module::{Module, ParamId};
use burn::tensor::{DType, Tensor};
use rand::SeedableRng;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;

pub use report::{GradcheckReport, ParameterReport, Worst};
pub use visit::in_f64;

use crate::engine::read;
use crate::error::VerifyError;
use numeric::{Outcome, Probe};
use visit::{Collect, Perturb};

/// How [`gradcheck`] works.
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

/// Compares autodiff with central differences for every parameter of a module.
///
/// `loss` computes one number, shape `[1]`, from the module; it must give the same number every
/// time (fixed inputs, no dropout with a fresh mask). The module must be on a device with
/// autodiff and in 64-bit floating point, for which there is [`in_f64`]; so must the closure's
/// tensors.
///
/// A difference that vanishes when the step is halved, because it came from a kink (of a ReLU or
/// a max-pool) inside the window, is no error. Where the parameter stands on a kink, so that the
/// slopes to both sides stay different however small the step, the derivative does not exist:
/// such elements are counted in [`ParameterReport::kinks`], and pass if autodiff lies between
/// both slopes.
///
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{DType, Device, Tensor, TensorData};
/// use digits_verify::gradcheck::{GradcheckOptions, gradcheck, in_f64};
///
/// # fn main() -> Result<(), digits_verify::VerifyError> {
/// let device = Device::flex().autodiff();
/// let linear: Linear = in_f64(LinearConfig::new(3, 2).init(&device));
/// let data = TensorData::from([[0.5_f64, -1.0, 2.0], [1.0, 0.0, -0.5]]);
/// let input = Tensor::<2>::from_data(data, (&device, DType::F64));
///
/// let report = gradcheck(&linear, |l| l.forward(input.clone()).tanh().sum(), &GradcheckOptions::default())?;
/// assert!(report.passed(), "{report}");
/// assert_eq!(report.parameters.len(), 2); // weight and bias
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A module without parameters, not in f64 or without autodiff; a loss that is not one finite
/// number or not the same every time; options that are not positive. Wrong gradients are no
/// error but a report that did not pass.
pub fn gradcheck<M: Module>(
    module: &M,
    loss: impl Fn(&M) -> Tensor<1>,
    options: &GradcheckOptions,
) -> Result<GradcheckReport, VerifyError> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    if ![options.step, options.absolute, options.relative]
        .into_iter()
        .all(positive)
        || options.samples == 0
    {
        return fail("step, tolerances and samples must be positive and finite");
    }
    let total = loss(module);
    if total.dims() != [1] {
        return fail(format!(
            "the loss has shape {:?}; reduce it to one number, for example with .sum()",
            total.dims()
        ));
    }
    if !total.is_tracked() {
        return fail(
            "the loss does not depend on a tracked parameter; build the module on `device.autodiff()`",
        );
    }
    let value = scalar(total.clone())?;
    let again = scalar(loss(module))?;
    if !value.is_finite() {
        return fail(format!("the loss is {value}"));
    }
    if value.to_bits() != again.to_bits() {
        return fail(format!(
            "the loss is {value}, then {again}; fix its inputs and switch random parts off"
        ));
    }

    let gradients = total.backward();
    let mut collect = Collect::new(&gradients);
    module.visit(&mut collect);
    if let Some(error) = collect.error {
        return Err(error);
    }
    if let Some(wrong) = collect
        .parameters
        .iter()
        .find(|parameter| parameter.dtype != DType::F64)
    {
        return fail(format!(
            "{} is {:?}; central differences need f64, use `in_f64(module)`",
            wrong.name, wrong.dtype
        ));
    }
    if collect.parameters.is_empty() {
        return fail("the module has no trainable parameters");
    }

    let at = |id: ParamId, element: usize, delta: f64| -> Result<f64, VerifyError> {
        let mut perturb = Perturb {
            id,
            element,
            delta,
            error: None,
        };
        let moved = module.clone().map(&mut perturb);
        perturb.error.map_or_else(|| scalar(loss(&moved)), Err)
    };
    let mut random = Xoshiro256PlusPlus::seed_from_u64(options.seed);
    let mut seen: HashMap<ParamId, ()> = HashMap::new();
    let mut reports = Vec::new();
    for parameter in &collect.parameters {
        // A parameter that two layers share is one parameter.
        if seen.insert(parameter.id, ()).is_some() {
            continue;
        }
        let elements = parameter.gradient.len();
        let mut chosen = if elements <= options.samples {
            (0..elements).collect()
        } else {
            index::sample(&mut random, elements, options.samples).into_vec()
        };
        chosen.sort_unstable();
        let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
        for element in chosen {
            let probe = Probe {
                f: &|delta| at(parameter.id, element, delta),
                at_zero: value,
                options,
            };
            outcomes.push((element, probe.compare(parameter.gradient[element])?));
        }
        reports.push(ParameterReport::new(parameter, &outcomes));
    }
    Ok(GradcheckReport {
        loss: value,
        parameters: reports,
        frozen: collect.frozen,
    })
}

fn scalar(tensor: Tensor<1>) -> Result<f64, VerifyError> {
    read(tensor)?
        .first()
        .copied()
        .ok_or(VerifyError::Empty { what: "the loss" })
}

fn fail<T>(problem: impl Into<String>) -> Result<T, VerifyError> {
    Err(VerifyError::Gradcheck(problem.into()))
}
