use crate::source::drawn::hand::{Hand, cos_sin};

/// A point that the pen passes.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::drawn) struct Node {
    pub(in crate::source::drawn) x: f64,
    pub(in crate::source::drawn) y: f64,
    /// The pen turns sharply here; elsewhere it passes smoothly.
    pub(in crate::source::drawn) corner: bool,
}

/// One movement of the pen from touching the paper to lifting.
pub(in crate::source::drawn) type Stroke = Vec<Node>;

/// Adds the points that follow to a stroke, in the order of the pen and each with the writer's
/// scatter: `(x, y)` is passed smoothly, `!(x, y)` is a sharp turn. A third number is the scatter
/// of that point alone.
macro_rules! add {
    ($stroke:ident, $hand:ident, $scatter:expr;) => {};
    ($stroke:ident, $hand:ident, $scatter:expr; ($x:expr, $y:expr) $($rest:tt)*) => {
        add!($stroke, $hand, $scatter; ($x, $y, $scatter) $($rest)*)
    };
    ($stroke:ident, $hand:ident, $scatter:expr; !($x:expr, $y:expr) $($rest:tt)*) => {
        add!($stroke, $hand, $scatter; !($x, $y, $scatter) $($rest)*)
    };
    ($stroke:ident, $hand:ident, $scatter:expr; ($x:expr, $y:expr, $own:expr) $($rest:tt)*) => {
        {
            $stroke.push(node($hand, $x, $y, $own));
            add!($stroke, $hand, $scatter; $($rest)*);
        }
    };
    ($stroke:ident, $hand:ident, $scatter:expr; !($x:expr, $y:expr, $own:expr) $($rest:tt)*) => {
        {
            $stroke.push(Node { corner: true, ..node($hand, $x, $y, $own) });
            add!($stroke, $hand, $scatter; $($rest)*);
        }
    };
}

/// A stroke through points, written as in [`add`].
macro_rules! stroke {
    ($hand:ident, $scatter:expr; $($points:tt)*) => {{
        let mut stroke = Stroke::new();
        add!(stroke, $hand, $scatter; $($points)*);
        stroke
    }};
}

pub(super) use {add, stroke};

/// A smooth point with a writer's scatter in both directions.
pub(super) fn node(hand: &mut Hand, x: f64, y: f64, scatter: f64) -> Node {
    let scatter = scatter * hand.sloppiness;
    Node {
        x: x + hand.normal(scatter),
        y: y + hand.normal(scatter),
        corner: false,
    }
}

/// An arc of an ellipse in `steps` + 1 points with a writer's scatter, angles in turns from the
/// right through the bottom; its radius grows by the factor `growth` from start to end.
pub(super) fn arc(
    hand: &mut Hand,
    scatter: f64,
    center: (f64, f64),
    radii: (f64, f64),
    (from, to): (f64, f64),
    growth: f64,
    steps: usize,
) -> Stroke {
    (0..=steps)
        .map(|step| {
            let share = step as f64 / steps as f64;
            let (cosine, sine) = cos_sin(from + (to - from) * share);
            let size = 1.0 + (growth - 1.0) * share;
            let (x, y) = (radii.0 * size * cosine, radii.1 * size * sine);
            node(hand, center.0 + x, center.1 + y, scatter)
        })
        .collect()
}
