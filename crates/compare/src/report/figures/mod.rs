//! Vector plots. Each panel is small enough to be read at the width of a phone; a page puts as
//! many side by side as it has room for.

mod axis;
mod lines;
mod matrix;
mod pen;
mod rows;
mod scatter;

pub(super) use axis::Axis;
pub(super) use lines::{Line, Plot, Point, lines};
pub(super) use matrix::confusion;
pub(super) use pen::{COLORS, Key};
pub(super) use rows::{Mark, Row, Rows, rows};
pub(super) use scatter::{Place, Scatter, scatter};
