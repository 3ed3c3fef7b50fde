//! How people write the ten digits: pen paths in a box of width and height 1, x to the right,
//! y down. Proportions come from knowledge of handwriting (school forms in Europe and America,
//! hurried forms of both), and how far they vary was widened after looking at training images of
//! MNIST that a network trained on drawn digits misread; no stroke is traced.

use super::hand::{Hand, cos_sin};

/// Writes one digit (0 to 9), freshly invented.
pub(super) fn write(digit: u8, hand: &mut Hand) {
    let digits = [zero, one, two, three, four, five, six, seven, eight, nine];
    digits[usize::from(digit)](hand);
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

fn zero(hand: &mut Hand) {
    let width = hand.between(0.25, 0.6);
    let start = -0.25 + hand.normal(0.07) + hand.sometimes(0.15, -0.15, 0.15);
    let length = 1.0 + hand.normal(0.06) + hand.sometimes(0.25, 0.0, 0.2);
    let direction = if hand.chance(0.85) { -1.0 } else { 1.0 };
    let (least, most) = [(0.85, 1.1), (0.65, 1.08)][usize::from(length > 1.0)];
    let growth = hand.between(least, most);
    let turn = (start, start + direction * length);
    arc(hand, 0.022, (0.5, 0.5), (width, 0.5), turn, growth, 9);
    if hand.chance(0.2) {
        // A flourish: the pen comes in from above or leaves to the right.
        let first = hand.stroke()[0];
        let [dx, dy] = hand.all([(0.0, 0.28), (0.0, 0.18)]);
        let before = hand.node((first.x - direction * dx, first.y - dy), 0.05, false);
        hand.stroke().insert(0, before);
    }
    if hand.chance(0.1) {
        let ring = hand.stroke();
        let end = ring[ring.len() - 1];
        add!(hand, 0.02; (end.x + hand.between(0.0, 0.3), end.y + hand.between(-0.12, 0.12)));
    }
    if hand.chance(0.01) {
        another!(hand, 0.04; (0.5 + width, 0.1) (0.5 - width, 0.9));
    }
}

fn one(hand: &mut Hand) {
    let bend = hand.normal(0.035);
    let form = hand.choose(&[0.77, 0.12, 0.1, 0.01]);
    add!(hand, 0.012; (0.5, 0.0) (0.5 + bend, 0.5) (0.5, 1.0));
    if form == 0 {
        return;
    }
    hand.stroke()[0].corner = true;
    let [dx, dy] = hand.all([(0.06, 0.42), (0.04, 0.36)]);
    if form != 3 {
        let tip = hand.node((0.5 - dx, dy), 0.02, false);
        hand.stroke().insert(0, tip);
    }
    if form >= 2 {
        let [left, right] = hand.all([(0.12, 0.5); 2]);
        let y = 1.0 + hand.normal(0.02);
        another!(hand, 0.02; (0.5 - left, y) (0.5 + right, y));
    }
}

fn two(hand: &mut Hand) {
    let right = hand.between(0.5, 0.92);
    match hand.choose(&[0.6, 0.25, 0.15]) {
        // A round head.
        0 => add!(hand, 0.03; (0.12, hand.between(0.12, 0.36)) (0.25, 0.09) (right * 0.64, 0.0)
            (right - 0.04, 0.13) (right, 0.32) (right * 0.77, 0.58)),
        // A flat head, as in a Z.
        1 => {
            add!(hand, 0.03; (0.08, 0.1) (0.42, 0.03) (right, 0.06));
            hand.stroke()[2].corner = hand.chance(0.5);
            add!(hand, 0.03; (0.6, 0.5));
        }
        // A head that begins with a curl.
        _ => add!(hand, 0.03; (0.32, 0.3) (0.14, 0.27) (0.2, 0.08) (0.52, 0.0) (right, 0.22)
            (0.66, 0.54)),
    }
    let (end_x, end_y) = (hand.between(0.7, 1.25), 0.95 + hand.normal(0.12));
    match hand.choose(&[0.38, 0.46, 0.16]) {
        // A sharp foot.
        0 => {
            let y = hand.between(0.82, 1.0);
            add!(hand, 0.03; (0.36, y - 0.19) SHARP (0.08, y));
            add!(hand, 0.015; (0.5, (y + end_y) / 2.0 + hand.normal(0.04)));
        }
        // A looped foot, from a mere knot to half of the digit.
        1 => {
            let large = hand.unit();
            let height = hand.between(0.08, 0.3) + 0.24 * large;
            let width = hand.between(0.12, 0.42) + 0.36 * large * hand.unit();
            let [low, left] = hand.all([(0.84, 1.0), (-0.06, 0.1)]);
            if height > 0.36 {
                // The loop takes the place of the way down to it.
                hand.stroke().pop();
            }
            let cross = left + width + 0.12;
            add!(hand, 0.02; (cross + 0.04, low - height * 0.55)
                (left + width * 0.6, low - 0.02) (left, low - height * 0.35)
                (left + width * 0.45, low - height) (cross, low - height * 0.5, 0.025));
            let (tail, drop) = (hand.between(0.05, 0.6), hand.normal(0.11));
            add!(hand, 0.025; (cross + tail * 0.5, low - height * 0.2 + drop * 0.5)
                (cross + tail, low + drop));
            return;
        }
        // A rounded foot.
        _ => add!(hand, 0.02; (0.3, 0.78, 0.03) (0.14, 0.95) (0.4, 0.97)),
    }
    add!(hand, 0.02; (end_x, end_y));
}

fn three(hand: &mut Hand) {
    let scatter = 0.028;
    let [upper, lower, waist, notch] =
        hand.all([(0.66, 0.9), (0.72, 0.98), (0.34, 0.58), (0.15, 0.62)]);
    if hand.chance(0.82) {
        add!(hand, scatter; (0.1, hand.between(0.06, 0.26)) (0.42, 0.0) (upper, 0.14)
            (upper - 0.04, waist - 0.14));
    } else {
        // A flat top with a sharp corner.
        add!(hand, scatter; (0.06, 0.06) (0.4, 0.03) SHARP (upper, 0.04));
    }
    match hand.choose(&[0.45, 0.4, 0.15]) {
        0 => add!(hand, scatter; SHARP (notch, waist)),
        1 => add!(hand, 0.015; (notch + 0.06, waist - 0.02) (notch + 0.08, waist + 0.02)),
        // A small loop at the waist.
        _ => add!(hand, 0.015; (notch + 0.05, waist + 0.03) (notch - 0.06, waist)
            (notch + 0.05, waist - 0.04)),
    }
    let [end_x, end_y] = hand.all([(-0.15, 0.2), (0.76, 1.0)]);
    add!(hand, scatter; (lower - 0.1, waist + 0.1) (lower, 0.5 + waist / 2.0)
        (lower - 0.16, 0.94));
    if hand.chance(0.12) {
        // The lower bow hardly turns back.
        add!(hand, 0.02; (hand.between(0.3, 0.6), 1.02));
        return;
    }
    add!(hand, scatter; (0.38, 1.0) (end_x, end_y, 0.02));
    if hand.chance(0.12) {
        // The end curls up.
        add!(hand, 0.02;
            (end_x + hand.between(-0.04, 0.08), end_y - hand.between(0.06, 0.16)));
    }
}

fn four(hand: &mut Hand) {
    let [bar, stem, overhang] = hand.all([(0.42, 0.7), (0.6, 0.8), (0.0, 0.36)]);
    let lean = hand.normal(0.05);
    let form = hand.choose(&[0.46, 0.18, 0.12, 0.24]);
    match form {
        // Open, a corner at the left, the stem apart.
        0 => {
            let [top, left] = hand.all([(0.0, 0.2), (0.05, 0.3)]);
            let tilt = hand.normal(0.04);
            add!(hand, 0.02; (left, top, 0.03) (left * 0.6, bar * 0.6) SHARP (0.02, bar, 0.03)
                (0.4, bar + tilt / 2.0) (stem + overhang, bar + tilt))
        }
        // Open and round, written as a u.
        1 => add!(hand, 0.03; (0.12, hand.between(0.0, 0.2)) (0.03, bar * 0.55)
            (0.1, bar * 0.95) (0.35, bar) (stem + overhang * 0.6, bar - 0.04)),
        // Closed at the top.
        2 => add!(hand, 0.02; (stem, 0.0) (stem * 0.5, bar * 0.5) SHARP (0.0, bar + 0.04, 0.03)
            (stem + overhang, bar + 0.02)),
        // In one line: down, across, up to the top right, and down again.
        _ => {
            let [top, peak] = hand.all([(0.0, 0.18), (-0.02, 0.2)]);
            let round = hand.chance(0.5);
            add!(hand, 0.025; (0.12, top) (0.04, bar * 0.6) (0.1, bar * 0.97)
                (0.38, bar));
            if !round {
                hand.stroke()[2] = hand.node((0.02, bar), 0.02, SHARP);
            }
            add!(hand, 0.02; (stem - 0.08, bar * 0.7, 0.025) SHARP (stem, peak)
                (stem - 0.02, 0.55) (stem - lean, 1.0));
            return;
        }
    }
    if form == 2 {
        another!(hand, 0.015; (stem, 0.0) (stem - lean, 0.5) (stem - lean, 1.0));
    } else {
        let (least, most) = [(-0.1, 0.3), (-0.08, 0.25)][form];
        another!(hand, 0.02; (stem + lean, hand.between(least, most)) (stem, 0.55)
            (stem - lean, 1.0));
    }
}

fn five(hand: &mut Hand) {
    let [left, waist, belly, bar_end] =
        hand.all([(0.12, 0.32), (0.32, 0.52), (0.66, 0.92), (0.62, 1.4)]);
    // Most bowls curl back to the left, some as far as the stem, some hardly.
    let form = hand.choose(&[0.6, 0.26, 0.14]);
    let [end_x, end_y] = hand.all(match form {
        0 => [(-0.08, 0.2), (0.82, 1.0)],
        1 => [(0.0, 0.2), (0.55, 0.85)],
        _ => [(0.3, 0.6), (0.98, 1.06)],
    });
    let bowl = |hand: &mut Hand| {
        add!(hand, 0.028; (0.5, waist - 0.03) (belly - 0.04, waist + 0.13) (belly - 0.02, 0.8));
        if form < 2 {
            add!(hand, 0.028; (0.48, 0.98));
        }
        add!(hand, 0.028; (end_x, end_y));
    };
    // The bar often climbs, the more the longer it is.
    let rise = hand.normal(0.05) - hand.between(0.0, 0.3) * (bar_end - 0.6);
    match hand.choose(&[0.42, 0.33, 0.25]) {
        // Stem and bowl, then the bar.
        0 => {
            add!(hand, 0.02; (left + 0.03, 0.03) SHARP (left - 0.04, waist, 0.025));
            bowl(hand);
            let lift = hand.normal(0.03);
            another!(hand, 0.02; (left + hand.between(-0.03, 0.1), 0.04 + lift)
                (bar_end * 0.6 + 0.1, 0.03 + lift) (bar_end, 0.01 + lift + rise));
        }
        // In one line, with corners.
        1 => {
            add!(hand, 0.02; (bar_end, 0.01 + rise) (0.5, 0.03)
                SHARP (left, 0.03, 0.025) SHARP (left - 0.04, waist, 0.025));
            bowl(hand);
        }
        // In one flow, as an S.
        _ => {
            add!(hand, 0.025; (bar_end, 0.01 + rise) (0.52, 0.02)
                (left + 0.02, 0.14) (left, waist - 0.1));
            if hand.chance(0.5) {
                add!(hand, 0.02; (0.42, waist + 0.02));
                bowl(hand);
                hand.stroke().remove(5); // the bowl's first
            } else {
                add!(hand, 0.02; SHARP (left, waist));
                bowl(hand);
            }
        }
    }
}

fn six(hand: &mut Hand) {
    let [start, belly, crown] = hand.all([(0.2, 1.05), (0.6, 1.0), (0.36, 0.74)]);
    let [close, left] = hand.all([(-0.04, 0.22), (0.0, 0.1)]);
    add!(hand, 0.026; (start, 0.0) (start * 0.5 + 0.1, 0.18) (left + 0.08, 0.42)
        (left, 0.7) (0.14, 0.93) (0.4, 1.0) (belly - 0.06, 0.9) (belly, crown * 0.5 + 0.42)
        (belly * 0.7, crown) (0.34, crown + 0.06));
    if hand.chance(0.85) {
        add!(hand, 0.03; (close + 0.04, crown + 0.22));
    }
    if hand.chance(0.25) {
        add!(hand, 0.03; (close + 0.06, crown + 0.32));
    }
    if hand.chance(0.08) {
        let before = (hand.stroke()[0].x + 0.12, 0.08);
        let before = hand.node(before, 0.03, false);
        hand.stroke().insert(0, before);
    }
}

fn seven(hand: &mut Hand) {
    let scatter = 0.025;
    let [corner, foot] = hand.all([(0.68, 0.95), (0.2, 0.62)]);
    let (bend, tilt) = (hand.normal(0.06), hand.normal(0.05));
    match hand.choose(&[0.55, 0.25, 0.2]) {
        0 => add!(hand, scatter; (0.02, 0.08 + tilt) (0.4, 0.06 + tilt / 2.0)),
        // A tick before the bar.
        1 => {
            add!(hand, scatter; (0.0, hand.between(0.12, 0.4)) (0.06, 0.07 + tilt));
            hand.stroke()[1].corner = hand.chance(0.7);
            add!(hand, 0.02; (0.4, 0.07));
        }
        // A waved bar.
        _ => {
            let sag = hand.between(0.06, 0.24);
            add!(hand, scatter; (0.0, 0.2) (0.16, 0.04 + sag / 3.0) (0.45, sag));
        }
    }
    if hand.chance(0.68) {
        add!(hand, scatter; SHARP (corner, 0.04));
    } else {
        add!(hand, 0.015; (corner - 0.08, 0.03) (corner - 0.01, 0.13));
    }
    add!(hand, 0.025; ((corner * 0.45 + foot * 0.55) + bend, 0.52, 0.02) (foot, 1.0));
    if hand.chance(0.05) {
        add!(hand, 0.02; (foot + hand.between(0.05, 0.2), 1.0));
    }
    if hand.chance(0.2) {
        let x = corner * 0.48 + foot * 0.52 + bend;
        let y = 0.52 + hand.normal(0.08);
        let [before, after] = hand.all([(0.12, 0.42); 2]);
        another!(hand, 0.025; (x - before, y + 0.02) (x + after, y - 0.02));
    }
}

fn eight(hand: &mut Hand) {
    let scatter = 0.025;
    let [waist, upper, lower] = hand.all([(0.38, 0.6), (0.17, 0.44), (0.15, 0.44)]);
    let shift = hand.normal(0.04);
    let (top, bottom) = (0.5 + shift, 0.5 - shift);
    match hand.choose(&[0.72, 0.12, 0.16]) {
        // An S, and back up across it.
        0 => {
            let [open, end_x, end_y] = hand.all([(-0.1, 0.24), (0.4, 1.5), (-0.12, 0.24)]);
            add!(hand, scatter; (top + upper * 0.85, 0.1 + open)
                (top + upper * 0.1, 0.0) (top - upper * 0.95, 0.16) (top - upper * 0.5, waist - 0.1)
                (0.5, waist + 0.01) (bottom + lower * 0.85, waist + 0.2)
                (bottom + lower * 0.7, 0.92) (bottom, 1.0) (bottom - lower * 0.85, 0.88)
                (bottom - lower * 0.75, waist + 0.2) (0.5, waist) (top + upper * 0.7, waist - 0.2)
                (top + upper * 0.3 + end_x * upper, end_y, 0.03));
            if hand.chance(0.12) {
                // The other way round.
                for node in hand.stroke() {
                    node.x = 1.0 - node.x;
                }
            } else if hand.chance(0.1) {
                // Begun and ended at the foot.
                for node in hand.stroke() {
                    node.y = 1.0 - node.y;
                }
            }
        }
        // Two circles.
        1 => {
            let [turn, back] = hand.all([(1.0, 1.12); 2]);
            let half = waist / 2.0;
            let (up, down) = ((top, half), (bottom, 0.5 + half));
            arc(
                hand,
                scatter,
                up,
                (upper, half),
                (0.25, 0.25 + turn),
                1.0,
                8,
            );
            another!(hand, scatter;);
            let (radii, turn) = ((lower, 0.5 - half), (-0.25, -0.25 - back));
            arc(hand, scatter, down, radii, turn, 1.0, 8);
        }
        // From the waist: around the top, then around the bottom.
        _ => add!(hand, scatter; (0.5, waist) (top - upper * 0.95, waist - 0.18)
                (top - upper * 0.4, 0.02) (top + upper * 0.5, 0.02) (top + upper * 0.95, 0.2)
                (0.5, waist) (bottom - lower * 0.9, waist + 0.24) (bottom - lower * 0.4, 0.97)
                (bottom + lower * 0.5, 0.97) (bottom + lower * 0.9, waist + 0.24) (0.5, waist)),
    }
}

fn nine(hand: &mut Hand) {
    let scatter = 0.025;
    let [width, depth, close] = hand.all([(0.45, 0.95), (0.26, 0.6), (-0.08, 0.32)]);
    let (least, most) = [(0.0, 0.3), (-0.3, 0.06)][usize::from(hand.chance(0.75))];
    let start = width + hand.between(least, most);
    add!(hand, scatter; (start, close * 0.7 + 0.02) (width * 0.55, 0.0)
        (0.08, depth * 0.38) (0.06, depth * 0.78) (width * 0.38, depth)
        (width * 0.8, depth * 0.72));
    hand.stroke()[3].corner = hand.chance(0.2); // an angular head
    let foot = hand.between(0.25, 0.85);
    let knee = (width + foot) / 2.0;
    match hand.choose(&[0.45, 0.25, 0.2, 0.1]) {
        // Up to the start, a sharp turn, a straight stem.
        0 => {
            add!(hand, scatter;
                SHARP (width, close * 0.7 - hand.sometimes(0.35, 0.0, 0.16)) (knee + 0.04, 0.5)
                (foot, 1.0));
        }
        // Rounded into the stem.
        1 => {
            if hand.chance(0.5) {
                add!(hand, scatter; (width, depth * 0.4));
            }
            add!(hand, scatter; (width - 0.02, depth * 0.95) (knee, 0.76) (foot, 1.0));
        }
        // A stem that curls to the left at the foot.
        2 => {
            add!(hand, scatter; SHARP (width, close * 0.7) (width, 0.5) (width - 0.05, 0.84)
                (width * 0.55, 1.0));
            add!(hand, 0.03; (0.08, hand.between(0.8, 0.98)));
        }
        // The stem apart.
        _ => {
            add!(hand, scatter; (width, close * 0.5));
            another!(hand, 0.02; (width, hand.between(-0.06, 0.06)) (knee + 0.04, 0.5)
                (foot, 1.0));
        }
    }
}
