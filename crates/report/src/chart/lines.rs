use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::key::{Estimate, Key};
use super::pen::{self, Drawn, FONT, Frame, Margins, Pen, QUIET, canvas, heading_height};
use crate::document::{Layout, Panel};
use crate::error::ReportError;

/// A plot of lines.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// Above it.
    pub title: String,
    /// What the horizontal axis means, where it has to be said.
    pub x_title: Option<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines, the later above the earlier.
    pub lines: Vec<Line>,
    /// Its size.
    pub layout: Layout,
    /// Shows the legend.
    pub legend: bool,
    /// Shows the line y = x.
    pub diagonal: bool,
}

/// One line of it.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it stands for.
    pub key: Key,
    /// Its points from left to right; those that are not numbers are left out.
    pub points: Vec<Point>,
    /// Connects the points by a band over their intervals, else shows bars.
    pub band: bool,
}

/// One point of a line.
#[derive(Debug, Clone)]
pub struct Point {
    /// On the horizontal axis.
    pub x: f64,
    /// On the vertical axis.
    pub y: f64,
    /// Low and high end around `y`.
    pub interval: Option<[f64; 2]>,
    /// Size of the marker.
    pub radius: i32,
    /// Words beside it, to the left or right of it.
    pub note: Option<(String, Side)>,
}

/// Where words stand beside a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the left.
    Left,
    /// To the right.
    Right,
}

impl Point {
    /// The mean and interval of fractions, in percent.
    pub fn percent<'a>(x: f64, sample: impl Into<Estimate<'a>>) -> Self {
        let sample = sample.into();
        Self::new(x, 100.0 * sample.mean, sample.interval_in_percent())
    }

    /// A point with its interval.
    pub fn new(x: f64, y: f64, interval: Option<[f64; 2]>) -> Self {
        Self {
            x,
            y,
            interval: interval.filter(|ends| ends.iter().all(|end| end.is_finite())),
            radius: 4,
            note: None,
        }
    }

    /// With words to its left.
    pub fn left(mut self, text: String) -> Self {
        self.note = Some((text, Side::Left));
        self
    }

    /// With words to its right.
    pub fn right(mut self, text: String) -> Self {
        self.note = Some((text, Side::Right));
        self
    }
}

/// Draws them.
///
/// # Errors
/// The plotting library's.
pub fn lines(plot: &Plot) -> Result<Panel, ReportError> {
    let keys: Vec<Key> = if plot.legend {
        plot.lines.iter().map(|line| line.key.clone()).collect()
    } else {
        Vec::new()
    };
    let heading = heading_height(&keys, 2);
    let (size, left) = match plot.layout {
        Layout::Wide => ((pen::WIDTH, 242 + heading), 50),
        Layout::Small => ((pen::SMALL_WIDTH, 142 + heading), 40),
    };
    canvas(&plot.slug, &plot.label, size, |pen| {
        let top = pen.heading(&plot.title, &keys, 2)? + 8;
        let frame = pen.frame(
            &plot.x,
            &plot.y,
            &Margins {
                top,
                right: 18,
                left,
                x_title: plot.x_title.clone(),
            },
        )?;
        if plot.diagonal {
            let ends = [
                frame.at(plot.x.low, plot.y.low),
                frame.at(plot.x.high, plot.y.high),
            ];
            pen.path(&ends, QUIET, 1, true)?;
        }
        if plot.y.low < 0.0 && plot.y.high > 0.0 {
            let ends = [frame.at(plot.x.low, 0.0), frame.at(plot.x.high, 0.0)];
            pen.path(&ends, QUIET, 1, false)?;
        }
        for line in plot.lines.iter().filter(|line| line.band) {
            band(pen, &frame, line)?;
        }
        for line in &plot.lines {
            curve(pen, &frame, line)?;
        }
        Ok(())
    })
}

fn drawable(line: &Line) -> impl Iterator<Item = &Point> {
    line.points
        .iter()
        .filter(|point| point.x.is_finite() && point.y.is_finite())
}

fn band(pen: &Pen<'_, '_>, frame: &Frame, line: &Line) -> Drawn {
    let ends: Vec<(f64, [f64; 2])> = drawable(line)
        .map(|point| (point.x, point.interval.unwrap_or([point.y; 2])))
        .collect();
    if ends.len() < 2 || drawable(line).all(|point| point.interval.is_none()) {
        return Ok(());
    }
    let lower = ends.iter().map(|(x, [low, _])| frame.at(*x, *low));
    let upper = ends.iter().rev().map(|(x, [_, high])| frame.at(*x, *high));
    pen.area(lower.chain(upper).collect(), line.key.role.color())
}

fn curve(pen: &Pen<'_, '_>, frame: &Frame, line: &Line) -> Drawn {
    let color = line.key.role.color();
    let places: Vec<(i32, i32)> = drawable(line)
        .map(|point| frame.at(point.x, point.y))
        .collect();
    // A band over a single point has no width.
    if !line.band || places.len() < 2 {
        for point in drawable(line) {
            if let Some([low, high]) = point.interval {
                let (x, top) = frame.at(point.x, high);
                let (_, bottom) = frame.at(point.x, low);
                pen.path(&[(x, top), (x, bottom)], color, 1, false)?;
                for y in [top, bottom] {
                    pen.path(&[(x - 4, y), (x + 4, y)], color, 1, false)?;
                }
            }
        }
    }
    pen.path(&places, color, 2, line.key.hollow)?;
    for (point, (x, y)) in drawable(line).zip(places) {
        pen.marker((x, y), line.key.role, line.key.hollow, point.radius)?;
        match &point.note {
            Some((text, Side::Left)) => {
                let place = (HPos::Right, VPos::Center);
                pen.write(text, (x - 10, y), (FONT, true, color), place)?;
            }
            Some((text, Side::Right)) => {
                let place = (HPos::Left, VPos::Center);
                pen.write(text, (x + 10, y), (FONT, true, color), place)?;
            }
            None => {}
        }
    }
    Ok(())
}
