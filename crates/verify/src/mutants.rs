//! Rules that are wrong on purpose. A check that lets one of them pass proves nothing.

use burn::tensor::Device;
use serde::Serialize;

use crate::cases;
use crate::check::{max_error, tolerance};
use crate::engine::{Engine, Precision};
use crate::error::VerifyError;
use crate::filter::{Geometry, Grid, Padding, burn_correlate, convolve, correlate};
use crate::network::{Activation, Network};

const LEARNING_RATE: f64 = 0.5;

/// A wrong rule and whether the checks noticed.
#[derive(Debug, Clone, Serialize)]
pub struct Mutant {
    /// What is wrong, for example `σ′ dropped`.
    pub name: &'static str,
    /// The wrong rule.
    pub rule: &'static str,
    /// Whether its error is above [`tolerance::MUTANT`] against Burn.
    pub caught: bool,
    /// The check that caught it first: `autodiff` or `SGD step`, or `conv2d`.
    pub caught_by: Option<&'static str>,
    /// Its error, as [`max_error`] measures it.
    pub error: f64,
}

/// The hand rules, until a mutant changes one.
struct Rules {
    /// The weights and functions that the δ are computed from.
    backward: Network,
    /// The same after a right step.
    after: Network,
    /// What gradients are multiplied with, and those of the biases once more.
    factor: f64,
    bias: f64,
    rate: f64,
}

type Spoil = fn(&mut Rules);

const BACKPROP: [(&str, &str, Spoil); 8] = [
    (
        "σ′ dropped",
        "δₖ = yₖ − tₖ instead of (yₖ − tₖ) σ′(bₖ)",
        |rules| rules.backward.layers[1].activation = Activation::Identity,
    ),
    (
        "w transposed",
        "δⱼ uses Σₖ wⱼₖ δₖ instead of Σₖ wₖⱼ δₖ",
        |rules| {
            let rows = &mut rules.backward.layers[1].rows;
            (rows[0][2], rows[1][1]) = (rows[1][1], rows[0][2]);
        },
    ),
    (
        "sign flipped",
        "w ← w + η ∂L/∂w instead of w − η ∂L/∂w",
        |rules| rules.rate = -LEARNING_RATE,
    ),
    (
        "bias gradient missing",
        "∂L/∂v₁₀, ∂L/∂w₁₀, … = 0 instead of δ · 1",
        |rules| rules.bias = 0.0,
    ),
    (
        "new w used in the hidden δ",
        "δⱼ from w − η ∂L/∂w instead of the w of the forward pass",
        |rules| rules.backward = rules.after.clone(),
    ),
    (
        "½ missing",
        "∂L/∂y = 2 (y − t): the gradient of Σ (y − t)²",
        |rules| rules.factor = 2.0,
    ),
    (
        "target and output swapped",
        "δₖ = (tₖ − yₖ) σ′(bₖ)",
        |rules| rules.factor = -1.0,
    ),
    (
        "learning rate applied twice",
        "w ← w − η (η ∂L/∂w)",
        |rules| rules.rate = LEARNING_RATE * LEARNING_RATE,
    ),
];

/// Every mutant against Burn on `device`: the backpropagation rules on 32 random 2-2-2 networks
/// with batches of 1 to 8, the filters on random images.
pub fn mutants(device: &Device, precision: Precision) -> Result<Vec<Mutant>, VerifyError> {
    let mut all = Vec::new();
    for (name, rule, spoil) in BACKPROP {
        let (gradient, step) = backprop_errors(spoil, device, precision)?;
        let (caught_by, error) = if gradient > tolerance::MUTANT {
            ("autodiff", gradient)
        } else {
            ("SGD step", step)
        };
        all.push(mutant(name, rule, caught_by, error));
    }
    for (name, rule, wrong) in FILTERS {
        all.push(mutant(
            name,
            rule,
            "conv2d",
            filter_error(wrong, device, precision)?,
        ));
    }
    Ok(all)
}

/// The same comparison for the right rules: the error must be rounding only, or the mutants were
/// caught by a broken check.
pub fn control(device: &Device, precision: Precision) -> Result<f64, VerifyError> {
    let (gradient, step) = backprop_errors(|_| {}, device, precision)?;
    Ok(gradient
        .max(step)
        .max(filter_error(correlate, device, precision)?))
}

fn mutant(name: &'static str, rule: &'static str, by: &'static str, error: f64) -> Mutant {
    let caught = error > tolerance::MUTANT;
    Mutant {
        name,
        rule,
        caught,
        caught_by: caught.then_some(by),
        error,
    }
}

/// Largest error of gradient and step over all cases.
fn backprop_errors(
    spoil: Spoil,
    device: &Device,
    precision: Precision,
) -> Result<(f64, f64), VerifyError> {
    let mut worst = (0.0_f64, 0.0_f64);
    for seed in 0..32 {
        let (network, batch) = cases::sheet_like(seed);
        let mut rules = Rules {
            backward: network.clone(),
            after: network.step(&network.gradient(&batch), LEARNING_RATE),
            factor: 1.0,
            bias: 1.0,
            rate: LEARNING_RATE,
        };
        spoil(&mut rules);
        let mut gradient = network.gradient_through(&rules.backward, &batch);
        gradient.iter_mut().for_each(|slot| *slot *= rules.factor);
        // Every unit has a bias and two weights.
        let biases = gradient.iter_mut().step_by(3);
        biases.for_each(|slot| *slot *= rules.bias);
        let new = network.step(&gradient, rules.rate).parameters();
        let mut engine = Engine::new(&network, device, precision);
        worst.0 = worst.0.max(max_error(&gradient, &engine.gradient(&batch)?));
        engine.step(&batch, LEARNING_RATE);
        worst.1 = worst.1.max(max_error(&new, &engine.parameters()?));
    }
    Ok(worst)
}

type Filter = fn(&Grid<f64>, &Grid<f64>, Geometry) -> Result<Grid<f64>, VerifyError>;

const FILTERS: [(&str, &str, Filter); 4] = [
    (
        "kernel flipped",
        "true convolution instead of cross-correlation",
        convolve,
    ),
    (
        "rows and columns swapped",
        "kernel[v][u] instead of kernel[u][v]",
        |image, kernel, geometry| correlate(image, &kernel.transposed(), geometry),
    ),
    (
        "off-by-one window",
        "image[r + u + 1][c + v + 1] instead of image[r + u][c + v]",
        |image, kernel, geometry| {
            let shifted = |r, c| image.or_zero(r + 1, c + 1);
            let shifted = Grid::from_fn(image.rows(), image.columns(), shifted);
            correlate(&shifted, kernel, geometry)
        },
    ),
    (
        "padding on one side",
        "all zeros above and to the left instead of half on each side",
        |image, kernel, geometry| {
            let (above, left) = match geometry.padding {
                Padding::Valid => (0, 0),
                Padding::Same => (kernel.rows() - 1, kernel.columns() - 1),
            };
            let padded =
                |r: usize, c: usize| image.or_zero(r.wrapping_sub(above), c.wrapping_sub(left));
            let padded = Grid::from_fn(image.rows() + above, image.columns() + left, padded);
            let valid = Geometry {
                padding: Padding::Valid,
                ..geometry
            };
            correlate(&padded, kernel, valid)
        },
    ),
];

fn filter_error(filter: Filter, device: &Device, precision: Precision) -> Result<f64, VerifyError> {
    let mut worst = 0.0_f64;
    for seed in 0..8 {
        let (image, kernel) = cases::image_and_kernel(seed, 7, 3);
        for padding in [Padding::Valid, Padding::Same] {
            let geometry = Geometry {
                padding,
                ..Geometry::default()
            };
            let expected = burn_correlate(&image, &kernel, geometry, device, precision)?;
            worst = worst.max(max_error(
                filter(&image, &kernel, geometry)?.values(),
                expected.values(),
            ));
        }
    }
    Ok(worst)
}
