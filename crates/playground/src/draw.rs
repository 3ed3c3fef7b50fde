//! A picture as two networks see it, their answers, and digits of the test split.

use digits_data::{Images, Source, drawn};
use digits_train::probabilities;
use serde::Serialize;

use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::picture::{Pictures, best, pair, perturbation, shape};
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
pub(crate) fn look(app: &App, query: &Query, body: &[u8]) -> Result<Answer, ApiError> {
    let networks = pair(app, query)?;
    let perturbation = perturbation(query)?;
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
            Some(pixels) => perturbation.apply(shape, pixels),
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

fn disagreement(
    app: &App,
    query: &Query,
    images: &Images,
    first: usize,
) -> Result<usize, ApiError> {
    const CHUNK: usize = 250;
    let networks = pair(app, query)?;
    if networks
        .iter()
        .any(|network| shape(network) != images.shape())
    {
        return Err(ApiError::bad(
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
    Err(ApiError::missing(
        "these two networks are right and wrong on the same test digits",
    ))
}
