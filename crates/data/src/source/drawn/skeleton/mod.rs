//! How people write the ten digits: pen paths in a box of width and height 1, x to the right,
//! y down. Proportions come from knowledge of handwriting (school forms in Europe and America,
//! hurried forms of both), and how far they vary was widened after looking at training images of
//! MNIST that a network trained on drawn digits misread; no stroke is traced.

mod high;
mod low;

use super::hand::{Hand, cos_sin};

/// A point that the pen passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub x: f64,
    pub y: f64,
    /// The pen turns sharply here; elsewhere it passes smoothly.
    pub corner: bool,
}

/// One movement of the pen from touching the paper to lifting: two points or more.
pub(super) type Stroke = Vec<Node>;

/// The strokes of one digit (0 to 9), freshly invented.
pub(super) fn write(digit: u8, hand: &mut Hand) -> Vec<Stroke> {
    let forms = [
        low::zero,
        low::one,
        low::two,
        low::three,
        low::four,
        high::five,
        high::six,
        high::seven,
        high::eight,
        high::nine,
    ];
    forms[usize::from(digit)](hand)
}

/// Adds the points that follow to a stroke, in the order of the pen and each with the writer's
/// scatter: `(x, y)` is passed smoothly, `SHARP (x, y)` is a sharp turn. A third number is the
/// scatter of that point alone. A point's coordinates are made before its scatter.
macro_rules! add {
    ($stroke:ident, $hand:ident, $scatter:expr;
     $($($corner:ident)? ($x:expr, $y:expr $(, $own:expr)?))*) => {{
        $(let point = ($x, $y);
        push(&mut $stroke, $hand, point, &[$scatter $(, $own)?], false $(|| $corner)?);)*
    }};
}

/// A stroke through points, written as in [`add`].
macro_rules! stroke {
    ($hand:ident, $scatter:expr; $($points:tt)*) => {{
        let mut stroke = Stroke::new();
        add!(stroke, $hand, $scatter; $($points)*);
        stroke
    }};
}

use {add, stroke};

/// A sharp turn, for [`add`].
const SHARP: bool = true;

/// A smooth point with a writer's scatter in both directions.
fn node(hand: &mut Hand, x: f64, y: f64, scatter: f64) -> Node {
    let scatter = scatter * hand.sloppiness;
    Node {
        x: x + hand.normal(scatter),
        y: y + hand.normal(scatter),
        corner: false,
    }
}

/// Adds a point whose scatter is the last of `scatter`.
fn push(stroke: &mut Stroke, hand: &mut Hand, (x, y): (f64, f64), scatter: &[f64], corner: bool) {
    let smooth = node(hand, x, y, scatter[scatter.len() - 1]);
    stroke.push(Node { corner, ..smooth });
}

/// An arc of an ellipse in `steps` + 1 points with a writer's scatter, angles in turns from the
/// right through the bottom; its radius grows by the factor `growth` from start to end.
fn arc(
    hand: &mut Hand,
    scatter: f64,
    (x, y): (f64, f64),
    (rx, ry): (f64, f64),
    (from, to): (f64, f64),
    growth: f64,
    steps: usize,
) -> Stroke {
    let point = |step| {
        let share = step as f64 / steps as f64;
        let (cosine, sine) = cos_sin(from + (to - from) * share);
        let size = 1.0 + (growth - 1.0) * share;
        node(hand, x + rx * size * cosine, y + ry * size * sine, scatter)
    };
    (0..=steps).map(point).collect()
}
