use plotters::style::text_anchor::{HPos, VPos};

use super::Axis;
use super::pen::{self, FONT, INK, Margins, canvas};
use crate::report::document::Panel;
use crate::{CompareError, Network};

/// Named points over two axes.
pub(in crate::report) struct Scatter {
    pub slug: String,
    pub label: String,
    pub title: String,
    pub x_title: String,
    pub x: Axis,
    pub y: Axis,
    pub places: Vec<Place>,
}

/// One of them.
pub(in crate::report) struct Place {
    pub network: Network,
    pub hollow: bool,
    pub x: f64,
    pub y: f64,
    pub name: String,
}

/// Draws them.
pub(in crate::report) fn scatter(plot: &Scatter) -> Result<Panel, CompareError> {
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
            pen.marker((x, y), Some(place.network), place.hollow, 5)?;
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
