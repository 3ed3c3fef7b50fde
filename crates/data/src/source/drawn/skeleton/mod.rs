//! How people write the ten digits: pen paths in a box of width and height 1, x to the right,
//! y down. Proportions come from knowledge of handwriting (school forms in Europe and America,
//! hurried forms of both), and how far they vary was widened after looking at training images of
//! MNIST that a network trained on drawn digits misread; no stroke is traced.

mod high;
mod low;

use super::hand::{Hand, cos_sin};

/// Writes one digit (0 to 9), freshly invented.
pub(super) fn write(digit: u8, hand: &mut Hand) {
    match digit {
        0 => low::zero(hand),
        1 => low::one(hand),
        2 => low::two(hand),
        3 => low::three(hand),
        4 => low::four(hand),
        5 => high::five(hand),
        6 => high::six(hand),
        7 => high::seven(hand),
        8 => high::eight(hand),
        _ => high::nine(hand),
    }
}

/// Adds the points that follow to the stroke, in the order of the pen and each with the writer's
/// scatter: `(x, y)` is passed smoothly, `SHARP (x, y)` is a sharp turn. A third number is the
/// scatter of that point alone. A point's coordinates are made before its scatter.
macro_rules! add {
    ($hand:ident, $scatter:expr; $($($corner:ident)? ($x:expr, $y:expr $(, $own:expr)?))*) => {{$(
        let (point, scatter) = (($x, $y), [$scatter $(, $own)?]);
        let node = $hand.node(point, scatter[scatter.len() - 1], false $(|| $corner)?);
        $hand.stroke().push(node);
    )*}};
}

/// Begins another stroke, with points written as in [`add`].
macro_rules! another {
    ($hand:ident, $scatter:expr; $($points:tt)*) => {{
        $hand.strokes.push(Vec::new());
        add!($hand, $scatter; $($points)*);
    }};
}

use {add, another};

/// A sharp turn, for [`add`].
const SHARP: bool = true;

/// Adds an arc of an ellipse in `steps` + 1 points with the writer's scatter, angles in turns from
/// the right through the bottom; its radius grows by the factor `growth` from start to end.
fn arc(
    hand: &mut Hand,
    scatter: f64,
    (x, y): (f64, f64),
    (rx, ry): (f64, f64),
    (from, to): (f64, f64),
    growth: f64,
    steps: usize,
) {
    for step in 0..=steps {
        let share = step as f64 / steps as f64;
        let (cosine, sine) = cos_sin(from + (to - from) * share);
        let size = 1.0 + (growth - 1.0) * share;
        add!(hand, scatter; (x + rx * size * cosine, y + ry * size * sine));
    }
}
