//! A picture as two networks see it: answers, insides, and how far it may be disturbed.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use digits_data::prepare::{decode, dimensions, prepare};
use digits_data::{DataError, Disturbance, ImageShape, Images, Source, drawn};
use digits_models::Model;
use digits_train::{normalized, probabilities};
use digits_verify::filter::Grid;
use serde::Serialize;

use crate::app::{Answer, App};
use crate::error::Refusal;
use crate::networks::Network;
use crate::query::Query;
use crate::samples::Samples;

/// Pictures with more pixels a side are refused; the page makes them smaller before it sends them.
const MAX_SIDE: u32 = 1024;
/// How messages call what was sent.
const NAME: &str = "the picture";

#[derive(Serialize)]
struct Look {
    /// Nothing is drawn: there are no answers.
    blank: bool,
    height: usize,
    width: usize,
    /// What the first network sees, row by row, 0 = background, 255 = ink.
    pixels: Vec<u8>,
    answers: Vec<Probabilities>,
}

#[derive(Serialize)]
struct Probabilities {
    id: String,
    /// The most probable class, the first of equals.
    label: usize,
    probabilities: Vec<f64>,
}

/// What both networks see and answer.
pub(crate) fn look(app: &App, query: &Query, body: &[u8]) -> Result<Answer, Refusal> {
    let networks = pair(app, query)?;
    let disturbance = disturbance(query)?;
    let mut result = Look {
        blank: false,
        height: 0,
        width: 0,
        pixels: Vec::new(),
        answers: Vec::new(),
    };
    let mut pictures = Pictures::new(query, body);
    for network in &networks {
        let shape = shape(network);
        let picture = pictures.of(shape)?;
        result.blank |= picture.is_none();
        let pixels = match picture {
            Some(pixels) => disturbance.apply(shape, pixels),
            None => vec![0; shape.pixels()],
        };
        if !result.blank {
            let answers = probabilities(&network.run, std::slice::from_ref(&pixels), &app.device)?;
            let probabilities = answers.into_iter().next().unwrap_or_default();
            result.answers.push(Probabilities {
                id: network.choice.id.clone(),
                label: best(&probabilities),
                probabilities,
            });
        }
        if result.pixels.is_empty() {
            (result.height, result.width) = (shape.height, shape.width);
            result.pixels = pixels;
        }
    }
    Answer::json(&result)
}

#[derive(Serialize)]
struct Inside {
    id: String,
    /// The class that the saliency is about: the most probable one.
    label: usize,
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
    /// Channel after channel, row by row.
    values: Vec<u8>,
}

/// Saliency of both networks and the feature maps of those that have any.
pub(crate) fn inside(app: &App, query: &Query, body: &[u8]) -> Result<Answer, Refusal> {
    let disturbance = disturbance(query)?;
    let mut pictures = Pictures::new(query, body);
    let mut all = Vec::new();
    for network in pair(app, query)? {
        let shape = shape(&network);
        let Some(pixels) = pictures.of(shape)? else {
            return Answer::json(&all);
        };
        let pixels = disturbance.apply(shape, pixels);
        let input = normalized(&network.run, std::slice::from_ref(&pixels))?;
        let data = TensorData::new(input, [1, 1, shape.height, shape.width]);
        let (label, saliency) = saliency(app, &network, data.clone())?;
        let largest = saliency.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        let blocks = match &network.run.model {
            Model::Mlp(_) => Vec::new(),
            Model::Cnn(cnn) => cnn
                .feature_maps(Tensor::from_data(data, &app.device))
                .into_iter()
                .map(maps)
                .collect::<Result<_, _>>()?,
        };
        all.push(Inside {
            id: network.choice.id.clone(),
            label,
            saliency: saliency.iter().map(|v| v * scale).collect(),
            largest,
            blocks,
        });
    }
    Answer::json(&all)
}

/// The winning class and the gradient of its logit with respect to the input, by Burn's autodiff
/// (Simonyan, Vedaldi and Zisserman 2014).
fn saliency(app: &App, network: &Network, data: TensorData) -> Result<(usize, Vec<f32>), Refusal> {
    let device = app.device.clone().autodiff();
    let images = Tensor::<4>::from_data(data, &device).require_grad();
    let logits = network.differentiable.forward(images.clone()); // [1, classes]
    let values = logits
        .clone()
        .inner()
        .try_into_vec_as::<f64>()
        .map_err(Refusal::failed)?;
    let label = best(&values);
    let gradients = logits.slice([0..1, label..label + 1]).sum().backward();
    let gradient = images
        .grad(&gradients)
        .ok_or_else(|| Refusal::failed("autodiff has no gradient for the picture"))?;
    let gradient = gradient.try_into_vec_as::<f32>().map_err(Refusal::failed)?;
    Ok((label, gradient))
}

fn maps(tensor: Tensor<4>) -> Result<Maps, Refusal> {
    let [_, channels, height, width] = tensor.dims();
    let values = tensor.try_into_vec_as::<f32>().map_err(Refusal::failed)?;
    let largest = values.iter().fold(0.0_f32, |most, &v| most.max(v));
    let scale = if largest > 0.0 { 255.0 / largest } else { 0.0 };
    Ok(Maps {
        channels,
        height,
        width,
        largest,
        values: values.iter().map(|v| (v * scale).round() as u8).collect(),
    })
}

#[derive(Serialize)]
struct Limits {
    by: &'static str,
    /// The places of the slider that were tried, smallest first.
    values: Vec<f64>,
    /// Per network: the answer that the undisturbed picture gets, or the true digit where it is
    /// known.
    references: Vec<usize>,
    /// Per network: the answer at every place.
    labels: Vec<Vec<usize>>,
    /// Per network: the probability of its reference at every place.
    probabilities: Vec<Vec<f64>>,
}

/// Every slider from end to end, the others where they are: where does each network give up?
pub(crate) fn limits(app: &App, query: &Query, body: &[u8]) -> Result<Answer, Refusal> {
    const PLACES: usize = 25;
    let here = disturbance(query)?;
    let networks = pair(app, query)?;
    let truth = match query.get("truth") {
        None | Some("") => None,
        Some(_) => Some(query.value("truth", 0_usize)?),
    };
    let mut sliders = Vec::new();
    for (by, low, high) in [
        ("right", -12.0, 12.0),
        ("down", -12.0, 12.0),
        ("rotation", -180.0, 180.0),
        ("scale", 0.4, 1.6),
        ("noise", 0.0, 1.2),
    ] {
        let values = (0..PLACES)
            .map(|place| low + (high - low) * place as f64 / (PLACES - 1) as f64)
            .collect();
        sliders.push(Limits {
            by,
            values,
            references: Vec::new(),
            labels: Vec::new(),
            probabilities: Vec::new(),
        });
    }
    let mut pictures = Pictures::new(query, body);
    for network in networks {
        let shape = shape(&network);
        let Some(pixels) = pictures.of(shape)? else {
            return Answer::json(&Vec::<Limits>::new());
        };
        let mut images = vec![pixels.to_vec()];
        for slider in &sliders {
            for &value in &slider.values {
                let mut one = here;
                match slider.by {
                    "right" => one.right = value,
                    "down" => one.down = value,
                    "rotation" => one.rotation = value,
                    "scale" => one.scale = value,
                    _ => one.noise = value,
                }
                images.push(one.apply(shape, pixels));
            }
        }
        let all = probabilities(&network.run, &images, &app.device)?;
        let wanted = truth.unwrap_or_else(|| best(&all[0]));
        for (slider, answers) in sliders.iter_mut().zip(all[1..].chunks(PLACES)) {
            slider.references.push(wanted);
            slider
                .labels
                .push(answers.iter().map(|p| best(p)).collect());
            slider.probabilities.push(
                answers
                    .iter()
                    .map(|p| p.get(wanted).copied().unwrap_or(0.0))
                    .collect(),
            );
        }
    }
    Answer::json(&sliders)
}

#[derive(Serialize)]
struct Digit {
    /// Name of the data set.
    dataset: String,
    index: usize,
    /// Images in the test split.
    count: usize,
    label: u8,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

/// A digit of the test split: that at `index`, or with `wrong=one` the first from there on that
/// exactly one of the two networks gets wrong. With `from=drawn` one that the program draws.
pub(crate) fn digit(app: &App, query: &Query) -> Result<Answer, Refusal> {
    let index = query.value("index", 0_usize)?;
    if query.get("from") == Some("drawn") {
        return answer(
            Source::Drawn(drawn::TRAIN).to_string(),
            &Samples::drawn(index)?,
            0,
        );
    }
    let (name, images) = app.samples.test()?;
    let index = index % images.len();
    match query.get("wrong") {
        None | Some("") => answer(name, &images, index),
        Some("one") => answer(name, &images, disagreement(app, query, &images, index)?),
        Some(_) => Err(Refusal::bad("wrong can only be `one`")),
    }
}

fn answer(dataset: String, images: &Images, index: usize) -> Result<Answer, Refusal> {
    Answer::json(&Digit {
        dataset,
        index,
        count: images.len(),
        label: images.label(index),
        height: images.shape().height,
        width: images.shape().width,
        pixels: images.pixels(index).to_vec(),
    })
}

fn disagreement(app: &App, query: &Query, images: &Images, first: usize) -> Result<usize, Refusal> {
    const CHUNK: usize = 250;
    let networks = pair(app, query)?;
    if networks
        .iter()
        .any(|network| shape(network) != images.shape())
    {
        return Err(Refusal::bad(
            "the test digits do not have the size that these networks read",
        ));
    }
    let order: Vec<usize> = (0..images.len())
        .map(|step| (first + step) % images.len())
        .collect();
    for chunk in order.chunks(CHUNK) {
        let pixels: Vec<Vec<u8>> = chunk.iter().map(|&i| images.pixels(i).to_vec()).collect();
        let mut right = Vec::new();
        for network in &networks {
            let answers = probabilities(&network.run, &pixels, &app.device)?;
            let judged = answers.iter().zip(chunk);
            right.push(
                judged
                    .map(|(p, &i)| best(p) == usize::from(images.label(i)))
                    .collect::<Vec<bool>>(),
            );
        }
        let found = right[0].iter().zip(&right[1]).position(|(a, b)| a != b);
        if let Some(position) = found {
            return Ok(chunk[position]);
        }
    }
    Err(Refusal::missing(
        "these two networks are right and wrong on the same test digits",
    ))
}

/// The networks that the query names.
fn pair(app: &App, query: &Query) -> Result<Vec<Arc<Network>>, Refusal> {
    ["first", "second"]
        .iter()
        .map(|key| {
            let id = query
                .get(key)
                .ok_or_else(|| Refusal::bad(format!("the request names no network ({key})")))?;
            app.networks.get(id)
        })
        .collect()
}

fn disturbance(query: &Query) -> Result<Disturbance, Refusal> {
    let none = Disturbance::default();
    let disturbance = Disturbance {
        right: query.value("right", none.right)?,
        down: query.value("down", none.down)?,
        rotation: query.value("rotation", none.rotation)?,
        scale: query.value("scale", none.scale)?,
        noise: query.value("noise", none.noise)?,
        seed: query.value("seed", none.seed)?,
    };
    disturbance.validate()?;
    Ok(disturbance)
}

fn shape(network: &Network) -> ImageShape {
    let input = network.run.config.model.input();
    ImageShape {
        height: input.height,
        width: input.width,
    }
}

/// The picture of a request in the size that a network reads; prepared once for two of one size.
struct Pictures<'a> {
    query: &'a Query,
    body: &'a [u8],
    last: Option<(ImageShape, Option<Vec<u8>>)>,
}

impl<'a> Pictures<'a> {
    fn new(query: &'a Query, body: &'a [u8]) -> Self {
        Self {
            query,
            body,
            last: None,
        }
    }

    /// `None` for a blank picture.
    fn of(&mut self, shape: ImageShape) -> Result<Option<&[u8]>, Refusal> {
        let last = match self.last.take() {
            Some(last) if last.0 == shape => last,
            _ => (shape, picture(self.query, self.body, shape)?),
        };
        Ok(self.last.insert(last).1.as_deref())
    }
}

/// The picture in the body: prepared as MNIST was, or with `as=is` (a digit of the data set) taken
/// as it is. `None` for a blank one.
fn picture(query: &Query, body: &[u8], shape: ImageShape) -> Result<Option<Vec<u8>>, Refusal> {
    if query.get("as") != Some("is") {
        check_size(body)?;
        return match prepare(NAME, body, shape) {
            Ok(prepared) => Ok(Some(prepared.pixels)),
            Err(DataError::Blank(_)) => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
    let gray = gray(body)?;
    if (gray.rows(), gray.columns()) != (shape.height, shape.width) {
        return Err(Refusal::bad(format!(
            "the digit has {}×{} pixels; the network reads {shape}",
            gray.rows(),
            gray.columns()
        )));
    }
    let pixels: Vec<u8> = gray.values().iter().map(|v| v.round() as u8).collect();
    Ok(pixels.iter().any(|&pixel| pixel > 0).then_some(pixels))
}

/// Grey values, 0 for black to 255 for white.
pub(crate) fn gray(body: &[u8]) -> Result<Grid<f64>, Refusal> {
    check_size(body)?;
    let picture = decode(NAME, body)?;
    let values = picture
        .pixels()
        .map(|pixel| 255.0 * f64::from(pixel.0[0]))
        .collect();
    let (width, height) = picture.dimensions();
    Ok(Grid::new(height as usize, width as usize, values)?)
}

/// Before anything is unpacked: a small body can claim a large picture.
fn check_size(body: &[u8]) -> Result<(), Refusal> {
    let (width, height) = dimensions(NAME, body)?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Refusal::bad(format!(
            "the picture has {width}×{height} pixels; send at most {MAX_SIDE} a side"
        )));
    }
    Ok(())
}

/// Index of the largest value, the first of equals.
fn best(values: &[f64]) -> usize {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter().position(|&v| v == top).unwrap_or(0)
}
