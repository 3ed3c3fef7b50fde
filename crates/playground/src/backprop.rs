//! The sheet's network: the hand rules with numbers put in, beside autodiff, step by step.

use digits_verify::{Engine, Precision, Values, Worked, max_error};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{Answer, ApiError};

/// Steps in one request.
const MAX_STEPS: usize = 20_000;
/// "Until it has learned": the loss falls below this.
const LEARNED: f64 = 1e-3;
/// Losses that are handed out, evenly spread over the steps.
const MAX_POINTS: usize = 400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    values: Values,
    /// Steps to take before the derivation is worked.
    #[serde(default)]
    steps: usize,
    /// Stop as soon as the loss is below [`LEARNED`].
    #[serde(default)]
    until_learned: bool,
}

#[derive(Serialize)]
struct State {
    /// The derivation on the values after the steps; `worked.values` goes into the next request.
    worked: Worked,
    /// Every parameter before the announced step, in the order of `worked.names`.
    parameters: Vec<f64>,
    /// ∂L/∂(every parameter) by Burn's autodiff, in the same order.
    autodiff: Vec<f64>,
    /// |by hand − by autodiff|, in the same order.
    differences: Vec<f64>,
    /// The largest of them, relative where the gradient is above 1, as `verify` measures it.
    difference: f64,
    /// Bits of the numbers that autodiff computed with.
    bits: u8,
    /// Steps that were taken.
    steps: usize,
    /// `[step, loss]`, beginning with step 0.
    losses: Vec<(usize, f64)>,
    /// Whether the loss is below the mark now.
    learned: bool,
    /// The mark.
    mark: f64,
}

/// The numbers that the page begins with, worked.
pub(crate) fn defaults() -> Result<Answer, ApiError> {
    Answer::json(&Values::default())
}

/// Takes steps, then works the derivation and asks autodiff for the same gradient.
pub(crate) fn work(app: &App, body: &[u8]) -> Result<Answer, ApiError> {
    let Question {
        mut values,
        steps,
        until_learned,
    } = serde_json::from_slice(body)?;
    if steps > MAX_STEPS {
        return Err(ApiError::bad(format!(
            "{steps} steps; ask for at most {MAX_STEPS} at once"
        )));
    }
    let (mut network, example) = values.network()?;
    let batch = [example];
    let mut losses = vec![(0, network.loss(&batch))];
    for step in 1..=steps {
        if until_learned && losses[losses.len() - 1].1 < LEARNED {
            break;
        }
        network = network.step(&network.gradient(&batch), values.learning_rate);
        let loss = network.loss(&batch);
        if !loss.is_finite() {
            return Err(ApiError::bad(format!(
                "the loss is no finite number any more after step {step}; use a smaller learning rate"
            )));
        }
        losses.push((step, loss));
    }
    for (rows, layer) in [&mut values.v, &mut values.w]
        .into_iter()
        .zip(network.layers())
    {
        rows.clone_from(&layer.rows);
    }
    let autodiff = Engine::new(&network, &app.device, app.precision).gradient(&batch)?;
    let worked = Worked::new(values)?;
    let taken = losses.len() - 1;
    let spacing = losses.len().div_ceil(MAX_POINTS);
    let pairs = worked.gradient.iter().zip(&autodiff);
    Answer::json(&State {
        parameters: network.parameters(),
        differences: pairs.map(|(hand, auto)| (hand - auto).abs()).collect(),
        difference: max_error(&worked.gradient, &autodiff),
        bits: match app.precision {
            Precision::F64 => 64,
            Precision::F32 => 32,
        },
        learned: worked.loss < LEARNED,
        mark: LEARNED,
        steps: taken,
        losses: losses
            .into_iter()
            .filter(|(step, _)| step.is_multiple_of(spacing) || *step == taken)
            .collect(),
        worked,
        autodiff,
    })
}
