use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::key::Role;
use super::pen::{self, FONT, INK, Margins, canvas};
use crate::document::Panel;
use crate::error::ReportError;

/// Named points over two axes.
#[derive(Debug, Clone, Default)]
pub struct Scatter {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// Above it.
    pub title: String,
    /// What the horizontal axis means.
    pub x_title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The points.
    pub places: Vec<Place>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Place {
    /// Color and marker.
    pub role: Role,
    /// The second variant of a role.
    pub hollow: bool,
    /// On the horizontal axis.
    pub x: f64,
    /// On the vertical axis.
    pub y: f64,
    /// Beside it.
    pub name: String,
}

/// Draws them.
///
/// # Errors
/// The plotting library's.
pub fn scatter(plot: &Scatter) -> Result<Panel, ReportError> {
    canvas(&plot.slug, &plot.label, (pen::WIDTH, 270), |pen| {
        let top = pen.heading(&plot.title, &[], 1)? + 8;
        let frame = pen.frame(
            &plot.x,
            &plot.y,
            &Margins {
                top,
                right: 18,
                left: 50,
                x_title: Some(plot.x_title.clone()),
            },
        )?;
        let [left, top, right, _] = frame.edges;
        for place in &plot.places {
            if !place.x.is_finite() || !place.y.is_finite() {
                continue;
            }
            let (x, y) = frame.at(place.x, place.y);
            pen.marker((x, y), place.role, place.hollow, 5)?;
            let (at, anchor) = if x > (left + right) / 2 {
                (x - 11, HPos::Right)
            } else {
                (x + 11, HPos::Left)
            };
            // Not above the plot, where the title is.
            let y = y.max(top + 8);
            pen.write(
                &place.name,
                (at, y),
                (FONT, false, INK),
                (anchor, VPos::Center),
            )?;
        }
        Ok(())
    })
}
