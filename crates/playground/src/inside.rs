//! What two networks look at: saliency and feature maps.

use burn::tensor::{Tensor, TensorData};
use digits_train::normalized;
use serde::Serialize;

use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::networks::Network;
use crate::picture::{best, perturbation, views};
use crate::query::Query;

#[derive(Serialize)]
struct Inside {
    id: String,
    /// The class that the saliency is about: the most probable one.
    label: usize,
    /// Pixels that the network reads, top to bottom.
    height: usize,
    /// Left to right.
    width: usize,
    /// ∂(logit of that class)/∂(pixel), row by row, divided by the largest magnitude.
    saliency: Vec<f32>,
    /// That largest magnitude.
    largest: f32,
    /// The feature maps after each block; none for an MLP.
    blocks: Vec<Maps>,
}

#[derive(Serialize)]
struct Maps {
    channels: usize,
    height: usize,
    width: usize,
    /// The largest value, which `values` shows as 255.
    largest: f32,
    /// Channel after channel, row by row: 255 · √(value / largest), as a screen's gamma would, so
    /// that weak answers can be seen.
    values: Vec<u8>,
}

/// Saliency of both networks and the feature maps of those that have any.
pub(crate) fn inside(app: &App, query: &Query, body: &[u8]) -> Result<Answer, ApiError> {
    let perturbation = perturbation(query)?;
    let mut all = Vec::new();
    for view in views(app, query, body)? {
        let (network, shape) = (&view.network, view.shape);
        let Some(pixels) = view.pixels else {
            return Answer::json(&all);
        };
        let input = normalized(&network.run, &[perturbation.apply(shape, &pixels)])?;
        let data = TensorData::new(input, [1, 1, shape.height, shape.width]);
        let (label, saliency) = saliency(app, network, data.clone())?;
        let largest = saliency.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        let input = Tensor::from_data(data, &app.device);
        let blocks = network.run.model.feature_maps(input).into_iter().map(maps);
        all.push(Inside {
            id: network.choice.id.clone(),
            label,
            height: shape.height,
            width: shape.width,
            saliency: saliency.iter().map(|v| v * scale).collect(),
            largest,
            blocks: blocks.collect::<Result<_, _>>()?,
        });
    }
    Answer::json(&all)
}

/// The winning class and the gradient of its logit with respect to the input, by Burn's autodiff
/// (Simonyan, Vedaldi and Zisserman 2014).
fn saliency(app: &App, network: &Network, data: TensorData) -> Result<(usize, Vec<f32>), ApiError> {
    let device = app.device.clone().autodiff();
    let images = Tensor::<4>::from_data(data, &device).require_grad();
    let logits = network.differentiable.forward(images.clone()); // [1, classes]
    let values = logits.clone().inner().try_into_vec_as::<f64>();
    let label = best(&values.map_err(ApiError::failed)?);
    let gradients = logits.slice([0..1, label..label + 1]).sum().backward();
    let gradient = images
        .grad(&gradients)
        .ok_or_else(|| ApiError::failed("autodiff has no gradient for the picture"))?;
    let gradient = gradient.try_into_vec_as::<f32>();
    Ok((label, gradient.map_err(ApiError::failed)?))
}

fn maps(tensor: Tensor<4>) -> Result<Maps, ApiError> {
    let [_, channels, height, width] = tensor.dims();
    let values = tensor.try_into_vec_as::<f32>().map_err(ApiError::failed)?;
    let largest = values.iter().fold(0.0_f32, |most, &v| most.max(v));
    let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    let shade = |value: f32| (255.0 * (value * scale).max(0.0).sqrt()).round() as u8;
    Ok(Maps {
        channels,
        height,
        width,
        largest,
        values: values.into_iter().map(shade).collect(),
    })
}
