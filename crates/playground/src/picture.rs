//! The picture in a request: decoded within bounds, prepared, disturbed.

use std::sync::Arc;

use digits_data::prepare::{Bounds, decode, dimensions, prepare};
use digits_data::{DataError, ImageShape, Perturbation};
use digits_train::image_shape;
use digits_verify::filter::Grid;

use crate::app::App;
use crate::error::ApiError;
use crate::networks::Network;
use crate::query::Query;

/// What a picture may cost; the page makes larger ones smaller before it sends them.
const BOUNDS: Bounds = Bounds::SENT;
/// How messages call what was sent.
const NAME: &str = "the picture";

/// The networks that the query names.
pub(crate) fn pair(app: &App, query: &Query) -> Result<Vec<Arc<Network>>, ApiError> {
    ["first", "second"]
        .iter()
        .map(|key| {
            let id = query
                .get(key)
                .ok_or_else(|| ApiError::bad(format!("the request names no network ({key})")))?;
            app.networks.get(id)
        })
        .collect()
}

pub(crate) fn perturbation(query: &Query) -> Result<Perturbation, ApiError> {
    let none = Perturbation::default();
    let perturbation = Perturbation {
        right: query.value("right", none.right)?,
        down: query.value("down", none.down)?,
        rotation: query.value("rotation", none.rotation)?,
        scale: query.value("scale", none.scale)?,
        noise: query.value("noise", none.noise)?,
        seed: query.value("seed", none.seed)?,
    };
    perturbation.validate()?;
    Ok(perturbation)
}

/// A network and the picture of a request in the size that it reads.
pub(crate) struct View {
    pub(crate) network: Arc<Network>,
    pub(crate) shape: ImageShape,
    /// `None` for a blank picture.
    pub(crate) pixels: Option<Vec<u8>>,
}

/// What the two networks of the query read; prepared once for two of one size.
pub(crate) fn views(app: &App, query: &Query, body: &[u8]) -> Result<Vec<View>, ApiError> {
    let mut views: Vec<View> = Vec::new();
    for network in pair(app, query)? {
        let shape = image_shape(&network.run.config.model);
        let pixels = match views.iter().find(|view| view.shape == shape) {
            Some(view) => view.pixels.clone(),
            None => picture(query, body, shape)?,
        };
        views.push(View {
            network,
            shape,
            pixels,
        });
    }
    Ok(views)
}

/// The picture in the body: prepared as MNIST was, or with `as=is` (a digit of the data set) taken
/// as it is. `None` for a blank one.
fn picture(query: &Query, body: &[u8], shape: ImageShape) -> Result<Option<Vec<u8>>, ApiError> {
    if query.get("as") != Some("is") {
        check_size(body)?;
        return match prepare(NAME, body, shape, BOUNDS) {
            Ok(prepared) => Ok(Some(prepared.pixels)),
            Err(DataError::Blank(_)) => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
    let gray = gray(body)?;
    if (gray.rows(), gray.columns()) != (shape.height, shape.width) {
        return Err(ApiError::bad(format!(
            "the digit has {}×{} pixels; the network reads {shape}",
            gray.rows(),
            gray.columns()
        )));
    }
    let pixels: Vec<u8> = gray.values().iter().map(|v| v.round() as u8).collect();
    Ok(pixels.iter().any(|&pixel| pixel > 0).then_some(pixels))
}

/// Grey values, 0 for black to 255 for white.
pub(crate) fn gray(body: &[u8]) -> Result<Grid<f64>, ApiError> {
    check_size(body)?;
    let picture = decode(NAME, body, BOUNDS)?;
    let values = picture
        .pixels()
        .map(|pixel| 255.0 * f64::from(pixel.0[0]))
        .collect();
    let (width, height) = picture.dimensions();
    Ok(Grid::new(height as usize, width as usize, values)?)
}

/// Before anything is unpacked: a small body can claim a large picture.
fn check_size(body: &[u8]) -> Result<(), ApiError> {
    let (width, height) = dimensions(NAME, body, BOUNDS)?;
    if width > BOUNDS.side || height > BOUNDS.side {
        return Err(ApiError::bad(format!(
            "the picture has {width}×{height} pixels; send at most {} a side",
            BOUNDS.side
        )));
    }
    Ok(())
}

/// Index of the largest value, the first of equals.
pub(crate) fn best(values: &[f64]) -> usize {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter().position(|&v| v == top).unwrap_or(0)
}
