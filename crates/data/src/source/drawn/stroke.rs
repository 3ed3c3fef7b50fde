//! From a skeleton to inked lines: smooth curves through the nodes, the writer's slant and
//! proportions, smooth elastic deformation, tremor, and a pen whose width varies.

use super::hand::{Hand, Node, Stroke, cos_sin};
use super::style;

/// A point of a line with the pen's radius there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inked {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Relative to the pen's mean radius.
    pub(super) radius: f64,
}

/// Points on each stretch of curve between two nodes.
const STEPS: usize = 7;

/// Bends, deforms and inks the strokes of the digit that is written.
pub(super) fn ink(hand: &mut Hand) -> Vec<Vec<Inked>> {
    let tension = hand.between(style::ROUNDNESS.0, style::ROUNDNESS.1);
    let aspect = style::ASPECT.0 * (1.0 + hand.normal(style::ASPECT.1)).max(0.35);
    let slant = style::SLANT.0 + hand.normal(style::SLANT.1);
    let (cosine, sine) = cos_sin(hand.normal(style::ROTATION));
    let field = elastic_field(hand);
    let nib = hand.normal(style::NIB);
    let tremor = hand.unit() * hand.unit() * style::TREMOR;
    let place = |(x, y): (f64, f64)| {
        let (dx, dy) = displacement(&field, x, y);
        let (x, y) = (x + dx - 0.5, y + dy - 0.5);
        // First the proportions, then the slant (the top goes right), then the rotation.
        Inked {
            x: cosine * aspect * x + (-cosine * slant - sine) * y,
            y: sine * aspect * x + (-sine * slant + cosine) * y,
            radius: 1.0,
        }
    };
    let strokes = std::mem::take(&mut hand.strokes);
    let line = |stroke: Stroke| {
        let mut line: Vec<Inked> = smooth(&stroke, tension).into_iter().map(place).collect();
        shake(&mut line, tremor, hand);
        press(&mut line, nib, hand);
        line
    };
    strokes.into_iter().map(line).collect()
}

/// Points along a cardinal spline through the nodes (Catmull and Rom 1974), broken at corners.
fn smooth(stroke: &[Node], tension: f64) -> Vec<(f64, f64)> {
    let mut points = vec![(stroke[0].x, stroke[0].y)];
    for place in 1..stroke.len() {
        let (from, to) = (stroke[place - 1], stroke[place]);
        // The tangent at a node is the chord of its neighbors; at an end or corner, of the
        // stretch itself.
        let next_but_one = stroke.get(place + 1).filter(|_| !to.corner);
        let after = *next_but_one.unwrap_or(&to);
        let before = match place.checked_sub(2) {
            Some(place) if !from.corner => stroke[place],
            _ => from,
        };
        let length = distance(from, to);
        let tangent = |a: Node, b: Node| {
            // Scaled to this stretch, so that unequal stretches neither overshoot nor loop.
            let chord = distance(a, b).max(1e-9);
            let scale = 2.0 * tension * length / chord;
            ((b.x - a.x) * scale, (b.y - a.y) * scale)
        };
        let (start, end) = (tangent(before, to), tangent(from, after));
        for step in 1..=STEPS {
            let t = step as f64 / STEPS as f64;
            let (t2, t3) = (t * t, t * t * t);
            // Hermite's cubic polynomials.
            let (h00, h10) = (2.0 * t3 - 3.0 * t2 + 1.0, t3 - 2.0 * t2 + t);
            let (h01, h11) = (3.0 * t2 - 2.0 * t3, t3 - t2);
            let x = h00 * from.x + h10 * start.0 + h01 * to.x + h11 * end.0;
            let y = h00 * from.y + h10 * start.1 + h01 * to.y + h11 * end.1;
            points.push((x, y));
        }
    }
    points
}

fn distance(a: Node, b: Node) -> f64 {
    ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).sqrt()
}

/// A smooth random field of displacements, after Simard, Steinkraus and Platt (2003): random
/// vectors on a coarse grid, smoothed by a quadratic B-spline in place of their Gaussian.
type Field = [[(f64, f64); GRID]; GRID];

const GRID: usize = 6;

fn elastic_field(hand: &mut Hand) -> Field {
    let strength = hand.between(style::ELASTIC.0, style::ELASTIC.1);
    let mut field = Field::default();
    for vector in field.iter_mut().flatten() {
        *vector = (hand.normal(strength), hand.normal(strength));
    }
    field
}

fn displacement(field: &Field, x: f64, y: f64) -> (f64, f64) {
    // The unit square spans the middle of the grid; beyond it the border holds.
    let cell = |value: f64| {
        let place = (value * 3.0 + 1.0).clamp(0.0, (GRID - 3) as f64 + 0.999);
        let start = place.floor();
        (start as usize, place - start)
    };
    let weights = |t: f64| {
        let (first, last) = (0.5 * (1.0 - t) * (1.0 - t), 0.5 * t * t);
        [first, 0.5 + t * (1.0 - t), last]
    };
    let ((left, fx), (top, fy)) = (cell(x), cell(y));
    let (wx, wy) = (weights(fx), weights(fy));
    let mut sum = (0.0, 0.0);
    for (row, wy) in field[top..].iter().zip(wy) {
        for (vector, wx) in row[left..].iter().zip(wx) {
            sum.0 += wx * wy * vector.0;
            sum.1 += wx * wy * vector.1;
        }
    }
    sum
}

/// Small fast deviations of the hand, a random walk that is pulled back to the line.
fn shake(line: &mut [Inked], strength: f64, hand: &mut Hand) {
    let (mut dx, mut dy) = (0.0, 0.0);
    for point in line {
        dx = 0.7 * dx + hand.normal(strength);
        dy = 0.7 * dy + hand.normal(strength);
        point.x += dx;
        point.y += dy;
    }
}

/// The pen's radius along the line: slow changes of pressure, a nib that is wider in one
/// direction, lighter ends.
fn press(line: &mut [Inked], nib: f64, hand: &mut Hand) {
    let count = line.len();
    let mut pressure = hand.normal(style::PRESSURE);
    let mut taper = || hand.sometimes(style::TAPER.0, 0.0, style::TAPER.1);
    let (start, end) = (taper(), taper());
    for place in 0..count {
        let (before, after) = (
            line[place.saturating_sub(1)],
            line[(place + 1).min(count - 1)],
        );
        let (dx, dy) = (after.x - before.x, after.y - before.y);
        let square = (dx * dx + dy * dy).max(1e-12);
        // From −1 for a line along one diagonal to +1 for the other.
        let diagonal = 2.0 * dx * dy / square;
        pressure = 0.92 * pressure + hand.normal(0.39 * style::PRESSURE);
        let edge =
            |distance, taper: f64| 1.0 - taper * 5_usize.saturating_sub(distance) as f64 / 5.0;
        let radius =
            (1.0 + pressure + nib * diagonal) * edge(place, start) * edge(count - 1 - place, end);
        line[place].radius = radius.clamp(0.35, 1.8);
    }
}
