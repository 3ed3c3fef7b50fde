//! From inked lines to 28×28 pixels, with MNIST's preparation: the ink's box fits 20×20, its
//! center of mass sits in the middle of the field (LeCun, Bottou, Bengio and Haffner 1998).

use super::hand::Hand;
use super::stroke::Inked;
use super::style;
use crate::images::center_of_mass;

/// Height and width of an image in pixels.
pub(super) const SIDE: usize = 28;
/// Pixels of an image.
pub(super) const PIXELS: usize = SIDE * SIDE;
/// Side of the box that the ink fits, in pixels.
const BOX: usize = 20;

/// Draws the lines; the result has ink.
pub(super) fn render(digit: u8, lines: &mut [Vec<Inked>], hand: &mut Hand) -> [u8; PIXELS] {
    let thick = hand.unit();
    let most = style::PEN.2[usize::from(digit == 1)];
    let pen = style::PEN.0 + style::PEN.1 * hand.unit() + most * thick * thick * thick;
    let fade = hand.between(style::EDGE.0, style::EDGE.1);
    fit(lines, pen);
    let mut cover = [0.0_f64; BOX * BOX];
    for line in lines.iter() {
        for pair in line.windows(2) {
            segment(&mut cover, pair[0], pair[1], fade);
        }
    }
    center(&cover)
}

/// Scales and moves the lines so that the ink's box, the pen's radius included, fills the
/// 20×20 box in its longer direction and is centered in the other.
fn fit(lines: &mut [Vec<Inked>], pen: f64) {
    for point in lines.iter_mut().flatten() {
        point.radius *= pen;
    }
    // The pen has a width in pixels, the lines have not yet a scale, so it takes a few rounds
    // to find the one at which both together fit.
    let box_at = |scale: f64| {
        let mut bounds = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
        for point in lines.iter().flatten() {
            bounds[0] = bounds[0].min(point.x * scale - point.radius);
            bounds[1] = bounds[1].min(point.y * scale - point.radius);
            bounds[2] = bounds[2].max(point.x * scale + point.radius);
            bounds[3] = bounds[3].max(point.y * scale + point.radius);
        }
        bounds
    };
    let mut scale = BOX as f64 - 2.0 * pen;
    for _ in 0..4 {
        let [left, top, right, bottom] = box_at(scale);
        let size = (right - left).max(bottom - top);
        scale *= (BOX as f64 - 2.0 * pen) / (size - 2.0 * pen).max(1e-6);
    }
    let [left, top, right, bottom] = box_at(scale);
    let center = |low: f64, high: f64| (BOX as f64 - low - high) / 2.0;
    let (dx, dy) = (center(left, right), center(top, bottom));
    for point in lines.iter_mut().flatten() {
        point.x = point.x * scale + dx;
        point.y = point.y * scale + dy;
    }
}

/// Adds a line between two points, whose radius changes evenly, to the cover of each pixel.
fn segment(cover: &mut [f64; BOX * BOX], from: Inked, to: Inked, fade: f64) {
    let reach = from.radius.max(to.radius) + fade;
    let range = |a: f64, b: f64| {
        let low = (a.min(b) - reach - 0.5).floor().clamp(0.0, BOX as f64) as usize;
        let high = (a.max(b) + reach + 0.5).ceil().clamp(0.0, BOX as f64) as usize;
        low..high
    };
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let square = (dx * dx + dy * dy).max(1e-12);
    for row in range(from.y, to.y) {
        let y = row as f64 + 0.5 - from.y;
        for column in range(from.x, to.x) {
            let x = column as f64 + 0.5 - from.x;
            let along = ((x * dx + y * dy) / square).clamp(0.0, 1.0);
            let (ox, oy) = (x - along * dx, y - along * dy);
            let away = (ox * ox + oy * oy).sqrt();
            let radius = from.radius + along * (to.radius - from.radius);
            let value = (radius - away) / fade + 0.5;
            let pixel = &mut cover[row * BOX + column];
            if value > *pixel {
                *pixel = value.min(1.0);
            }
        }
    }
}

/// Places the box in the field so that the center of mass is as near the middle as whole
/// pixels allow.
fn center(cover: &[f64; BOX * BOX]) -> [u8; PIXELS] {
    let (x, y) = center_of_mass(cover.iter().copied(), BOX);
    let offset = |center: f64| {
        let offset = (SIDE as f64 / 2.0 - center + 0.5).floor();
        offset.clamp(0.0, (SIDE - BOX) as f64) as usize
    };
    let (left, top) = (offset(x), offset(y));
    let mut pixels = [0; PIXELS];
    for (place, value) in cover.iter().enumerate() {
        pixels[(top + place / BOX) * SIDE + left + place % BOX] = (value * 255.0 + 0.5) as u8;
    }
    pixels
}
