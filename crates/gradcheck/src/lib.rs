#![doc = include_str!("../README.md")]

mod error;
mod numeric;
mod options;
mod parameters;
mod report;

use std::collections::HashSet;

use burn::module::Module;
use burn::tensor::{DType, Tensor};
use rand::SeedableRng;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;

pub use error::GradcheckError;
pub use options::GradcheckOptions;
pub use parameters::in_f64;
pub use report::{GradcheckReport, ParameterReport, Worst};

use numeric::{Outcome, Probe};
use parameters::{Collect, Perturb, read};

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
/// # Errors
/// A module without parameters, not in f64 or without autodiff; a loss that is not one finite
/// number or not the same every time; options that are not positive. A wrong gradient is not an
/// error but a report that did not pass.
pub fn gradcheck<M: Module>(
    module: &M,
    loss: impl Fn(&M) -> Tensor<1>,
    options: &GradcheckOptions,
) -> Result<GradcheckReport, GradcheckError> {
    options.check()?;
    let (value, collected) = autodiff(module, &loss)?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(options.seed);
    let mut seen = HashSet::new();
    let mut reports = Vec::new();
    for parameter in &collected.parameters {
        // A parameter that two layers share is one parameter.
        if !seen.insert(parameter.id) {
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
            let at = |delta| {
                let mut perturb = Perturb {
                    id: parameter.id,
                    element,
                    delta,
                    error: None,
                };
                let moved = module.clone().map(&mut perturb);
                perturb.error.map_or_else(|| scalar(loss(&moved)), Err)
            };
            let probe = Probe {
                f: &at,
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
        frozen: collected.frozen,
    })
}

/// The loss and every gradient, once both are sure to be comparable.
fn autodiff<M: Module>(
    module: &M,
    loss: impl Fn(&M) -> Tensor<1>,
) -> Result<(f64, Collect), GradcheckError> {
    let invalid = |problem: String| Err(GradcheckError::Invalid(problem));
    let total = loss(module);
    if total.dims() == [1] && !total.is_tracked() {
        return invalid("the loss does not depend on a tracked parameter; build the module on `device.autodiff()`".to_owned());
    }
    let first = scalar(total.clone())?;
    let second = scalar(loss(module))?;
    if !first.is_finite() {
        return invalid(format!("the loss is {first}"));
    }
    if first.to_bits() != second.to_bits() {
        let advice = "fix its inputs and switch random parts off";
        return invalid(format!("the loss is {first}, then {second}; {advice}"));
    }
    let collected = Collect::from(module, total.backward())?;
    if let Some(narrow) = collected.parameters.iter().find(|p| p.dtype != DType::F64) {
        let (name, dtype) = (&narrow.name, narrow.dtype);
        let advice = "central differences need f64, use `in_f64(module)`";
        return invalid(format!("{name} is {dtype:?}; {advice}"));
    }
    if collected.parameters.is_empty() {
        return invalid("the module has no trainable parameters".to_owned());
    }
    Ok((first, collected))
}

fn scalar(tensor: Tensor<1>) -> Result<f64, GradcheckError> {
    let shape = tensor.dims();
    if shape != [1] {
        let advice = "reduce it to one number, for example with .sum()";
        let problem = format!("the loss has shape {shape:?}; {advice}");
        return Err(GradcheckError::Invalid(problem));
    }
    Ok(read(tensor)?[0])
}
