use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::key::{Estimate, Key, Role};
use super::pen::{
    self, AXIS_HEIGHT, Drawn, FONT, Frame, INK, Margins, Pen, QUIET, canvas, heading_height,
};
use crate::document::Panel;
use crate::error::ReportError;

/// Measurements one below the other: dots for single values, a marker for their mean, a bar for
/// its interval.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// Above it.
    pub title: String,
    /// What the axis means.
    pub x_title: String,
    /// The axis.
    pub x: Axis,
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// Above the plot.
    pub legend: Vec<Key>,
    /// A line across, for example where there is no difference.
    pub line: Option<f64>,
    /// The marks of a row share one line, without words beside it.
    pub together: bool,
}

/// One row of it.
#[derive(Debug, Clone)]
pub struct Row {
    /// To its left.
    pub label: String,
    /// One below the other, or on one line.
    pub marks: Vec<Mark>,
}

/// One measurement.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Color and marker.
    pub role: Role,
    /// The second variant of a role.
    pub hollow: bool,
    /// The single values, as dots.
    pub values: Vec<f64>,
    /// Where the marker is.
    pub mean: f64,
    /// Low and high end of the bar.
    pub interval: Option<[f64; 2]>,
    /// Written to the right of the row.
    pub text: String,
}

impl Mark {
    /// Fractions, or differences of them, in percent.
    pub fn percent<'a>(
        role: impl Into<Role>,
        sample: impl Into<Estimate<'a>>,
        text: String,
    ) -> Self {
        let sample = sample.into();
        Self {
            role: role.into(),
            hollow: false,
            values: sample.values.iter().map(|value| 100.0 * value).collect(),
            mean: 100.0 * sample.mean,
            interval: sample.interval_in_percent(),
            text,
        }
    }
}

const MARK_HEIGHT: i32 = 24;
const ROW_GAP: i32 = 10;
/// Mean width of a letter of a label, and of a bold figure.
const LETTER: f64 = 8.3;

/// Draws them.
///
/// # Errors
/// The plotting library's.
pub fn rows(plot: &Rows) -> Result<Panel, ReportError> {
    let heights: Vec<i32> = plot
        .rows
        .iter()
        .map(|row| {
            let lines = if plot.together {
                1
            } else {
                row.marks.len().max(1)
            };
            MARK_HEIGHT * lines as i32 + ROW_GAP
        })
        .collect();
    let total: i32 = heights.iter().sum();
    let size = (
        pen::WIDTH,
        heading_height(&plot.legend, 2) + 6 + total + AXIS_HEIGHT,
    );
    canvas(&plot.slug, &plot.label, size, |pen| {
        let top = pen.heading(&plot.title, &plot.legend, 2)? + 6;
        let room = |letters: usize, most: f64| (letters as f64 * LETTER + 14.0).min(most) as i32;
        let labels = plot.rows.iter().map(|row| row.label.chars().count()).max();
        let texts = plot
            .rows
            .iter()
            .flat_map(|row| &row.marks)
            .map(|mark| mark.text.chars().count())
            .max()
            .filter(|_| !plot.together);
        let y = Axis::with_ticks(0.0, f64::from(total.max(1)), Vec::new());
        let frame = pen.frame(
            &plot.x,
            &y,
            &Margins {
                top,
                right: room(texts.unwrap_or(0), 110.0),
                left: room(labels.unwrap_or(0), 190.0),
                x_title: Some(plot.x_title.clone()),
            },
        )?;
        let [left, top, right, bottom] = frame.edges;
        if let Some(value) = plot.line {
            let (x, _) = frame.at(value, 0.0);
            pen.path(&[(x, top), (x, bottom)], QUIET, 2, true)?;
        }
        let mut above = top;
        for (row, height) in plot.rows.iter().zip(heights) {
            let middle = above + height / 2;
            let place = (HPos::Right, VPos::Center);
            pen.write(&row.label, (left - 8, middle), (FONT, false, INK), place)?;
            if plot.together {
                for mark in &row.marks {
                    draw(pen, &frame, mark, middle)?;
                }
                above += height;
                continue;
            }
            let first = middle - MARK_HEIGHT * (row.marks.len() as i32 - 1) / 2;
            for (number, mark) in row.marks.iter().enumerate() {
                let y = first + MARK_HEIGHT * number as i32;
                draw(pen, &frame, mark, y)?;
                let look = (FONT, true, mark.role.color());
                let place = (HPos::Left, VPos::Center);
                pen.write(&mark.text, (right + 8, y), look, place)?;
            }
            above += height;
        }
        Ok(())
    })
}

fn draw(pen: &Pen<'_, '_>, frame: &Frame, mark: &Mark, y: i32) -> Drawn {
    if !mark.mean.is_finite() {
        return Ok(());
    }
    let color = mark.role.color();
    let x = |value: f64| frame.at(value, 0.0).0;
    // Below the mean, so that neither hides the other.
    for value in mark.values.iter().filter(|value| value.is_finite()) {
        pen.dot((x(*value), y + 9), color)?;
    }
    if let Some([low, high]) = mark
        .interval
        .filter(|ends| ends.iter().all(|e| e.is_finite()))
    {
        pen.path(&[(x(low), y), (x(high), y)], color, 2, false)?;
        for end in [low, high] {
            pen.path(&[(x(end), y - 4), (x(end), y + 4)], color, 2, false)?;
        }
    }
    pen.marker((x(mark.mean), y), mark.role, mark.hollow, 5)
}
