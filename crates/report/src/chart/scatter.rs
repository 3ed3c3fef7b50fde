//! To be removed: a scatter is a [`Plot`](super::Plot) of lines with one point each.

use super::axis::Axis;
use super::key::{Key, Role};
use super::lines::{Line, Plot, Point, lines};
use crate::document::Panel;
use crate::error::ReportError;

/// Named points over two axes.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "about to be removed")]
pub struct Scatter {
    pub slug: String,
    pub label: String,
    pub title: String,
    pub x_title: String,
    pub x: Axis,
    pub y: Axis,
    pub places: Vec<Place>,
}

/// One of them.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "about to be removed")]
pub struct Place {
    pub role: Role,
    pub hollow: bool,
    pub x: f64,
    pub y: f64,
    pub name: String,
}

/// Draws them.
///
/// # Errors
/// The plotting library's.
pub fn scatter(plot: &Scatter) -> Result<Panel, ReportError> {
    let line = |place: &Place| Line {
        key: Key {
            hollow: place.hollow,
            ..Key::new(place.role, &place.name)
        },
        points: vec![Point::new(place.x, place.y, None).inside(place.name.clone())],
        band: false,
    };
    lines(&Plot {
        slug: plot.slug.clone(),
        label: plot.label.clone(),
        title: plot.title.clone(),
        x_title: Some(plot.x_title.clone()),
        x: plot.x.clone(),
        y: plot.y.clone(),
        lines: plot.places.iter().map(line).collect(),
        ..Plot::default()
    })
}
