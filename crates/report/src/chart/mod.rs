//! Vector plots. Each panel is small enough to be read at the width of a phone; a page puts as
//! many side by side as it has room for.

mod axis;
mod key;
mod lines;
mod matrix;
mod pen;
mod rows;

pub use axis::Axis;
pub use key::{Estimate, Key, Role};
pub use lines::{Line, Plot, Point, Side, lines};
pub use matrix::{Confusion, confusion};
pub use rows::{Mark, Row, Rows, rows};
