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
    pub(super) x: f64,
    pub(super) y: f64,
    /// The pen turns sharply here; elsewhere it passes smoothly.
    pub(super) corner: bool,
}

/// One movement of the pen from touching the paper to lifting.
pub(super) type Stroke = Vec<Node>;

/// The strokes of one digit, freshly invented.
///
/// # Panics
/// If the digit is above 9.
pub(super) fn write(digit: u8, hand: &mut Hand) -> Vec<Stroke> {
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
        9 => high::nine(hand),
        _ => panic!("a digit is 0 to 9, not {digit}"),
    }
}

/// A smooth point with a writer's scatter in both directions.
fn soft(hand: &mut Hand, x: f64, y: f64, scatter: f64) -> Node {
    let scatter = scatter * hand.sloppiness;
    Node {
        x: x + hand.normal(scatter),
        y: y + hand.normal(scatter),
        corner: false,
    }
}

/// A sharp turn with a writer's scatter.
fn sharp(hand: &mut Hand, x: f64, y: f64, scatter: f64) -> Node {
    Node {
        corner: true,
        ..soft(hand, x, y, scatter)
    }
}

/// Smooth points, all with one scatter.
fn path<const N: usize>(hand: &mut Hand, scatter: f64, points: [(f64, f64); N]) -> Stroke {
    points.map(|(x, y)| soft(hand, x, y, scatter)).to_vec()
}

/// An arc of an ellipse in `steps` + 1 points, angles in turns from the right through the
/// bottom; its radius grows by the factor `growth` from start to end.
fn arc(
    center: (f64, f64),
    radii: (f64, f64),
    from: f64,
    to: f64,
    growth: f64,
    steps: usize,
) -> Stroke {
    (0..=steps)
        .map(|step| {
            let share = step as f64 / steps as f64;
            let (cosine, sine) = cos_sin(from + (to - from) * share);
            let size = 1.0 + (growth - 1.0) * share;
            Node {
                x: center.0 + radii.0 * size * cosine,
                y: center.1 + radii.1 * size * sine,
                corner: false,
            }
        })
        .collect()
}

fn scattered(hand: &mut Hand, scatter: f64, mut stroke: Stroke) -> Stroke {
    let scatter = scatter * hand.sloppiness;
    for node in &mut stroke {
        node.x += hand.normal(scatter);
        node.y += hand.normal(scatter);
    }
    stroke
}
