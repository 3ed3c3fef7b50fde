//! A picture as two networks see it, their answers, and digits of the test split.

use std::sync::Arc;

use digits_data::{Images, Source, drawn};
use digits_train::{image_shape, probabilities};
use serde::Serialize;

use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::networks::Network;
use crate::picture::{View, best, pair, perturbation, views};
use crate::query::Query;
use crate::samples::Samples;

#[derive(Serialize)]
struct Look {
    /// Nothing is drawn: there are no answers.
    blank: bool,
    height: usize,
    width: usize,
    /// What the first network sees, row by row, 0 = background, 255 = ink.
    pixels: Vec<u8>,
    /// `null` for a network whose view alone is blank; empty if both are.
    answers: Vec<Option<Probabilities>>,
}

#[derive(Serialize)]
struct Probabilities {
    id: String,
    /// The most probable class, the first of equals.
    label: usize,
    probabilities: Vec<f64>,
}

/// What both networks see and answer.
pub(crate) fn look(app: &App, query: &Query, body: &[u8]) -> Result<Answer, ApiError> {
    let perturbation = perturbation(query)?;
    let views = views(app, query, body)?;
    let blank = views.iter().all(|view| view.pixels.is_none());
    let seen: Vec<Vec<u8>> = views
        .iter()
        .map(|view| match &view.pixels {
            Some(pixels) => perturbation.apply(view.shape, pixels),
            None => vec![0; view.shape.pixels()],
        })
        .collect();
    let mut answers = Vec::new();
    for (view, pixels) in views.iter().zip(seen.chunks(1)).filter(|_| !blank) {
        let View { network, .. } = view;
        if view.pixels.is_none() {
            answers.push(None);
            continue;
        }
        let all = probabilities(&network.run, pixels, &app.device)?;
        let probabilities = all.into_iter().next().unwrap_or_default();
        answers.push(Some(Probabilities {
            id: network.choice.id.clone(),
            label: best(&probabilities),
            probabilities,
        }));
    }
    Answer::json(&Look {
        blank,
        height: views[0].shape.height,
        width: views[0].shape.width,
        pixels: seen.into_iter().next().unwrap_or_default(),
        answers,
    })
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
pub(crate) fn digit(app: &App, query: &Query) -> Result<Answer, ApiError> {
    let index = query.value("index", 0_usize)?;
    if query.get("from") == Some("drawn") {
        let name = Source::Drawn(drawn::TRAIN).to_string();
        return answer(name, &Samples::drawn(index)?, 0);
    }
    let (name, images) = app.samples.test()?;
    let index = index % images.len();
    match query.get("wrong") {
        None | Some("") => answer(name, &images, index),
        Some("one") => answer(name, &images, disagreement(app, query, &images, index)?),
        Some(_) => Err(ApiError::bad("wrong can only be `one`")),
    }
}

fn answer(dataset: String, images: &Images, index: usize) -> Result<Answer, ApiError> {
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

/// The first image from `first` on that exactly one of the two networks gets wrong.
fn disagreement(
    app: &App,
    query: &Query,
    images: &Images,
    first: usize,
) -> Result<usize, ApiError> {
    const CHUNK: usize = 250;
    let networks = pair(app, query)?;
    let fits = |network: &Arc<Network>| image_shape(&network.run.config.model) == images.shape();
    if !networks.iter().all(fits) {
        return Err(ApiError::bad(
            "the test digits do not have the size that these networks read",
        ));
    }
    let order: Vec<usize> = (0..images.len())
        .map(|step| (first + step) % images.len())
        .collect();
    for chunk in order.chunks(CHUNK) {
        let pixels: Vec<Vec<u8>> = chunk.iter().map(|&i| images.pixels(i).to_vec()).collect();
        let right = |network: &Network| -> Result<Vec<bool>, ApiError> {
            let answers = probabilities(&network.run, &pixels, &app.device)?;
            let labels = chunk.iter().map(|&i| usize::from(images.label(i)));
            Ok(answers
                .iter()
                .zip(labels)
                .map(|(p, l)| best(p) == l)
                .collect())
        };
        let (first, second) = (right(&networks[0])?, right(&networks[1])?);
        let found = first.iter().zip(&second).position(|(a, b)| a != b);
        if let Some(position) = found {
            return Ok(chunk[position]);
        }
    }
    Err(ApiError::missing(
        "these two networks are right and wrong on the same test digits",
    ))
}
