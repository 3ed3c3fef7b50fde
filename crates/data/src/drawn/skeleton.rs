//! How people write the ten digits: pen paths in a box of width and height 1, x to the right,
//! y down. Proportions come from knowledge of handwriting (school forms in Europe and America,
//! hurried forms of both), not from any data set.

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
        0 => zero(hand),
        1 => one(hand),
        2 => two(hand),
        3 => three(hand),
        4 => four(hand),
        5 => five(hand),
        6 => six(hand),
        7 => seven(hand),
        8 => eight(hand),
        9 => nine(hand),
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

fn zero(hand: &mut Hand) -> Vec<Stroke> {
    let width = hand.between(0.2, 0.5);
    let start = -0.25
        + hand.normal(0.07)
        + if hand.chance(0.15) {
            hand.between(-0.15, 0.15)
        } else {
            0.0
        };
    let length = 1.0
        + hand.normal(0.06)
        + if hand.chance(0.25) {
            hand.between(0.0, 0.2)
        } else {
            0.0
        };
    let direction = if hand.chance(0.85) { -1.0 } else { 1.0 };
    let growth = if length > 1.0 {
        hand.between(0.65, 1.08)
    } else {
        hand.between(0.85, 1.1)
    };
    let ring = arc(
        (0.5, 0.5),
        (width, 0.5),
        start,
        start + direction * length,
        growth,
        9,
    );
    let mut ring = scattered(hand, 0.022, ring);
    if hand.chance(0.12) {
        // A flourish: the pen comes in from above or leaves to the right.
        let (x, y) = (ring[0].x, ring[0].y);
        ring.insert(0, soft(hand, x - direction * 0.12, y - 0.07, 0.06));
    }
    if hand.chance(0.1) {
        let end = ring[ring.len() - 1];
        let (dx, dy) = (hand.between(0.0, 0.3), hand.between(-0.12, 0.12));
        ring.push(soft(hand, end.x + dx, end.y + dy, 0.02));
    }
    let mut strokes = vec![ring];
    if hand.chance(0.01) {
        strokes.push(path(hand, 0.04, [(0.5 + width, 0.1), (0.5 - width, 0.9)]));
    }
    strokes
}

fn one(hand: &mut Hand) -> Vec<Stroke> {
    let bend = hand.normal(0.035);
    let stem = |hand: &mut Hand| path(hand, 0.012, [(0.5, 0.0), (0.5 + bend, 0.5), (0.5, 1.0)]);
    match hand.choose(&[0.83, 0.08, 0.07, 0.02]) {
        0 => vec![stem(hand)],
        flagged => {
            let mut stroke = stem(hand);
            stroke[0].corner = true;
            let (dx, dy) = (hand.between(0.06, 0.42), hand.between(0.04, 0.36));
            if flagged != 3 {
                stroke.insert(0, soft(hand, 0.5 - dx, dy, 0.02));
            }
            let mut strokes = vec![stroke];
            if flagged >= 2 {
                let (left, right) = (hand.between(0.12, 0.6), hand.between(0.12, 0.6));
                let y = 1.0 + hand.normal(0.02);
                strokes.push(path(hand, 0.02, [(0.5 - left, y), (0.5 + right, y)]));
            }
            strokes
        }
    }
}

fn two(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.03;
    let right = hand.between(0.68, 0.92);
    let mut stroke = match hand.choose(&[0.6, 0.25, 0.15]) {
        // A round head.
        0 => {
            let start = hand.between(0.12, 0.36);
            path(
                hand,
                scatter,
                [
                    (0.12, start),
                    (0.25, 0.09),
                    (0.52, 0.0),
                    (right - 0.04, 0.13),
                    (right, 0.32),
                    (0.62, 0.58),
                ],
            )
        }
        // A flat head, as in a Z.
        1 => {
            let mut head = path(hand, scatter, [(0.08, 0.1), (0.42, 0.03), (right, 0.06)]);
            head[2].corner = hand.chance(0.5);
            head.push(soft(hand, 0.6, 0.5, scatter));
            head
        }
        // A head that begins with a curl.
        _ => path(
            hand,
            scatter,
            [
                (0.32, 0.3),
                (0.14, 0.27),
                (0.2, 0.08),
                (0.52, 0.0),
                (right, 0.22),
                (0.66, 0.54),
            ],
        ),
    };
    let end_x = hand.between(0.78, 1.15);
    let end_y = 0.95 + hand.normal(0.09);
    match hand.choose(&[0.45, 0.37, 0.18]) {
        // A sharp foot.
        0 => {
            let y = 0.97 + hand.normal(0.02);
            stroke.push(soft(hand, 0.36, 0.78, scatter));
            stroke.push(sharp(hand, 0.08, y, 0.03));
            let sag = hand.normal(0.04);
            stroke.push(soft(hand, 0.5, 0.96 + sag, 0.015));
        }
        // A looped foot.
        1 => {
            let height = hand.between(0.08, 0.34);
            let width = hand.between(0.12, 0.42);
            let low = hand.between(0.86, 1.0);
            let left = hand.between(-0.06, 0.1);
            stroke.push(soft(hand, left + width + 0.16, low - height * 0.55, 0.02));
            stroke.push(soft(hand, left + width * 0.6, low - 0.02, 0.02));
            stroke.push(soft(hand, left, low - height * 0.35, 0.02));
            stroke.push(soft(hand, left + width * 0.45, low - height, 0.02));
            stroke.push(soft(hand, left + width + 0.12, low - height * 0.5, 0.025));
            stroke.push(soft(hand, left + width + 0.35, low - 0.01, 0.025));
        }
        // A rounded foot.
        _ => {
            stroke.push(soft(hand, 0.3, 0.78, scatter));
            stroke.push(soft(hand, 0.14, 0.95, 0.02));
            stroke.push(soft(hand, 0.4, 0.97, 0.02));
        }
    }
    stroke.push(soft(hand, end_x, end_y, 0.02));
    vec![stroke]
}

fn three(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.028;
    let upper = hand.between(0.66, 0.9);
    let lower = hand.between(0.72, 0.98);
    let waist = hand.between(0.38, 0.54);
    let notch = hand.between(0.22, 0.6);
    let mut stroke = if hand.chance(0.82) {
        let start = hand.between(0.06, 0.26);
        path(
            hand,
            scatter,
            [
                (0.1, start),
                (0.42, 0.0),
                (upper, 0.14),
                (upper - 0.04, waist - 0.14),
            ],
        )
    } else {
        // A flat top with a sharp corner.
        let mut top = path(hand, scatter, [(0.06, 0.06), (0.4, 0.03), (upper, 0.04)]);
        top[2].corner = true;
        top
    };
    match hand.choose(&[0.45, 0.4, 0.15]) {
        0 => stroke.push(sharp(hand, notch, waist, scatter)),
        1 => {
            stroke.push(soft(hand, notch + 0.06, waist - 0.02, 0.015));
            stroke.push(soft(hand, notch + 0.08, waist + 0.02, 0.015));
        }
        // A small loop at the waist.
        _ => {
            stroke.push(soft(hand, notch + 0.05, waist + 0.03, 0.015));
            stroke.push(soft(hand, notch - 0.06, waist, 0.015));
            stroke.push(soft(hand, notch + 0.05, waist - 0.04, 0.015));
        }
    }
    let end_x = hand.between(-0.05, 0.2);
    let end_y = hand.between(0.78, 0.99);
    stroke.push(soft(hand, lower - 0.1, waist + 0.1, scatter));
    stroke.push(soft(hand, lower, 0.5 + waist / 2.0, scatter));
    stroke.push(soft(hand, lower - 0.16, 0.94, scatter));
    stroke.push(soft(hand, 0.38, 1.0, scatter));
    stroke.push(soft(hand, end_x, end_y, 0.02));
    vec![stroke]
}

fn four(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.03;
    let bar = hand.between(0.42, 0.7);
    let stem = hand.between(0.6, 0.8);
    let overhang = hand.between(0.0, 0.36);
    let lean = hand.normal(0.05);
    match hand.choose(&[0.4, 0.22, 0.14, 0.24]) {
        // Open, a corner at the left, the stem apart.
        0 => {
            let top = hand.between(0.0, 0.2);
            let left = hand.between(0.05, 0.3);
            let tilt = hand.normal(0.04);
            let hook = vec![
                soft(hand, left, top, scatter),
                soft(hand, left * 0.6, bar * 0.6, 0.02),
                sharp(hand, 0.02, bar, 0.03),
                soft(hand, 0.4, bar + tilt / 2.0, 0.02),
                soft(hand, stem + overhang, bar + tilt, 0.02),
            ];
            let from = hand.between(-0.1, 0.3);
            vec![
                hook,
                path(
                    hand,
                    0.02,
                    [(stem + lean, from), (stem, 0.55), (stem - lean, 1.0)],
                ),
            ]
        }
        // Open and round, written as a u.
        1 => {
            let top = hand.between(0.0, 0.2);
            let hook = path(
                hand,
                scatter,
                [
                    (0.12, top),
                    (0.03, bar * 0.55),
                    (0.1, bar * 0.95),
                    (0.35, bar),
                    (stem + overhang * 0.6, bar - 0.04),
                ],
            );
            let from = hand.between(-0.08, 0.25);
            vec![
                hook,
                path(
                    hand,
                    0.02,
                    [(stem + lean, from), (stem, 0.55), (stem - lean, 1.0)],
                ),
            ]
        }
        // Closed at the top.
        2 => {
            let hook = vec![
                soft(hand, stem, 0.0, 0.02),
                soft(hand, stem * 0.5, bar * 0.5, 0.02),
                sharp(hand, 0.0, bar + 0.04, 0.03),
                soft(hand, stem + overhang, bar + 0.02, 0.02),
            ];
            vec![
                hook,
                path(
                    hand,
                    0.015,
                    [(stem, 0.0), (stem - lean, 0.5), (stem - lean, 1.0)],
                ),
            ]
        }
        // In one line: down, across, up to the top right, and down again.
        _ => {
            let top = hand.between(0.0, 0.18);
            let peak = hand.between(-0.02, 0.2);
            let round = hand.chance(0.5);
            let mut stroke = path(
                hand,
                0.025,
                [
                    (0.12, top),
                    (0.04, bar * 0.6),
                    (0.1, bar * 0.97),
                    (0.38, bar),
                ],
            );
            if !round {
                stroke[2] = sharp(hand, 0.02, bar, 0.02);
            }
            stroke.push(soft(hand, stem - 0.08, bar * 0.7, 0.025));
            stroke.push(sharp(hand, stem, peak, 0.02));
            stroke.push(soft(hand, stem - 0.02, 0.55, 0.02));
            stroke.push(soft(hand, stem - lean, 1.0, 0.02));
            vec![stroke]
        }
    }
}

fn five(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.028;
    let left = hand.between(0.12, 0.32);
    let waist = hand.between(0.32, 0.52);
    let belly = hand.between(0.66, 0.92);
    let bar_end = hand.between(0.62, 1.15);
    let end_y = hand.between(0.82, 1.0);
    let end_x = hand.between(-0.08, 0.2);
    let bowl = |hand: &mut Hand| {
        path(
            hand,
            scatter,
            [
                (0.5, waist - 0.03),
                (belly - 0.04, waist + 0.13),
                (belly - 0.02, 0.8),
                (0.48, 0.98),
                (end_x, end_y),
            ],
        )
    };
    let rise = hand.normal(0.05);
    match hand.choose(&[0.42, 0.33, 0.25]) {
        // Stem and bowl, then the bar.
        0 => {
            let mut body = vec![
                soft(hand, left + 0.03, 0.03, 0.02),
                sharp(hand, left - 0.04, waist, 0.025),
            ];
            body.extend(bowl(hand));
            let lift = hand.normal(0.03);
            let start = left + hand.between(-0.03, 0.1);
            vec![
                body,
                path(
                    hand,
                    0.02,
                    [
                        (start, 0.04 + lift),
                        (bar_end * 0.6 + 0.1, 0.03 + lift),
                        (bar_end, 0.01 + lift + rise),
                    ],
                ),
            ]
        }
        // In one line, with corners.
        1 => {
            let mut body = vec![
                soft(hand, bar_end, 0.01 + rise, 0.02),
                soft(hand, 0.5, 0.03, 0.02),
                sharp(hand, left, 0.03, 0.025),
                sharp(hand, left - 0.04, waist, 0.025),
            ];
            body.extend(bowl(hand));
            vec![body]
        }
        // In one flow, as an S.
        _ => {
            let mut body = path(
                hand,
                0.025,
                [
                    (bar_end, 0.01 + rise),
                    (0.52, 0.02),
                    (left + 0.02, 0.14),
                    (left, waist - 0.1),
                ],
            );
            let softness = hand.chance(0.5);
            if softness {
                body.push(soft(hand, 0.42, waist + 0.02, 0.02));
                body.extend(bowl(hand).into_iter().skip(1));
            } else {
                body.push(sharp(hand, left, waist, 0.02));
                body.extend(bowl(hand));
            }
            vec![body]
        }
    }
}

fn six(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.026;
    let start = hand.between(0.3, 1.1);
    let belly = hand.between(0.6, 0.95);
    let crown = hand.between(0.38, 0.74);
    let close = hand.between(-0.04, 0.22);
    let left = hand.between(0.0, 0.1);
    let mut stroke = path(
        hand,
        scatter,
        [
            (start, 0.0),
            (start * 0.5 + 0.1, 0.18),
            (left + 0.08, 0.42),
            (left, 0.7),
            (0.14, 0.93),
            (0.4, 1.0),
            (belly - 0.06, 0.9),
            (belly, crown * 0.5 + 0.42),
            (belly * 0.7, crown),
            (0.34, crown + 0.06),
        ],
    );
    if hand.chance(0.85) {
        stroke.push(soft(hand, close + 0.04, crown + 0.22, 0.03));
    }
    if hand.chance(0.25) {
        stroke.push(soft(hand, close + 0.06, crown + 0.32, 0.03));
    }
    if hand.chance(0.08) {
        let first = stroke[0];
        stroke.insert(0, soft(hand, first.x + 0.12, 0.08, 0.03));
    }
    vec![stroke]
}

fn seven(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.025;
    let corner = hand.between(0.68, 0.95);
    let foot = hand.between(0.2, 0.62);
    let bend = hand.normal(0.06);
    let tilt = hand.normal(0.05);
    let mut stroke = Vec::new();
    match hand.choose(&[0.55, 0.25, 0.2]) {
        0 => stroke.extend(path(
            hand,
            scatter,
            [(0.02, 0.08 + tilt), (0.4, 0.06 + tilt / 2.0)],
        )),
        // A tick before the bar.
        1 => {
            let depth = hand.between(0.12, 0.32);
            stroke.push(soft(hand, 0.0, depth, scatter));
            let mut top = soft(hand, 0.06, 0.07 + tilt, scatter);
            top.corner = hand.chance(0.7);
            stroke.push(top);
            stroke.push(soft(hand, 0.4, 0.07, 0.02));
        }
        // A waved bar.
        _ => stroke.extend(path(
            hand,
            scatter,
            [(0.0, 0.2), (0.16, 0.04), (0.45, 0.08)],
        )),
    }
    if hand.chance(0.68) {
        stroke.push(sharp(hand, corner, 0.04, scatter));
    } else {
        stroke.push(soft(hand, corner - 0.08, 0.03, 0.015));
        stroke.push(soft(hand, corner - 0.01, 0.13, 0.015));
    }
    stroke.push(soft(hand, (corner * 0.45 + foot * 0.55) + bend, 0.52, 0.02));
    stroke.push(soft(hand, foot, 1.0, 0.025));
    let mut strokes = vec![stroke];
    if hand.chance(0.1) {
        let x = corner * 0.48 + foot * 0.52 + bend;
        let y = 0.5 + hand.normal(0.05);
        let (before, after) = (hand.between(0.15, 0.36), hand.between(0.15, 0.36));
        strokes.push(path(
            hand,
            0.025,
            [(x - before, y + 0.02), (x + after, y - 0.02)],
        ));
    }
    strokes
}

fn eight(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.025;
    let waist = hand.between(0.38, 0.6);
    let upper = hand.between(0.14, 0.42);
    let lower = hand.between(0.1, 0.42);
    let shift = hand.normal(0.04);
    let (top, bottom) = (0.5 + shift, 0.5 - shift);
    match hand.choose(&[0.72, 0.12, 0.16]) {
        // An S, and back up across it.
        0 => {
            let open = hand.between(-0.1, 0.2);
            let end_x = hand.between(0.5, 1.15);
            let end_y = hand.between(-0.06, 0.24);
            let mut stroke = path(
                hand,
                scatter,
                [
                    (top + upper * 0.85, 0.1 + open),
                    (top + upper * 0.1, 0.0),
                    (top - upper * 0.95, 0.16),
                    (top - upper * 0.5, waist - 0.1),
                    (0.5, waist + 0.01),
                    (bottom + lower * 0.85, waist + 0.2),
                    (bottom + lower * 0.7, 0.92),
                    (bottom, 1.0),
                    (bottom - lower * 0.85, 0.88),
                    (bottom - lower * 0.75, waist + 0.2),
                    (0.5, waist),
                    (top + upper * 0.7, waist - 0.2),
                ],
            );
            stroke.push(soft(hand, top + upper * 0.3 + end_x * upper, end_y, 0.03));
            vec![stroke]
        }
        // Two circles.
        1 => {
            let (turn, back) = (hand.between(1.0, 1.12), hand.between(1.0, 1.12));
            let above = arc(
                (top, waist / 2.0),
                (upper, waist / 2.0),
                0.25,
                0.25 + turn,
                1.0,
                8,
            );
            let below = arc(
                (bottom, 0.5 + waist / 2.0),
                (lower, 0.5 - waist / 2.0),
                -0.25,
                -0.25 - back,
                1.0,
                8,
            );
            vec![
                scattered(hand, scatter, above),
                scattered(hand, scatter, below),
            ]
        }
        // From the waist: around the top, then around the bottom.
        _ => {
            let stroke = path(
                hand,
                scatter,
                [
                    (0.5, waist),
                    (top - upper * 0.95, waist - 0.18),
                    (top - upper * 0.4, 0.02),
                    (top + upper * 0.5, 0.02),
                    (top + upper * 0.95, 0.2),
                    (0.5, waist),
                    (bottom - lower * 0.9, waist + 0.24),
                    (bottom - lower * 0.4, 0.97),
                    (bottom + lower * 0.5, 0.97),
                    (bottom + lower * 0.9, waist + 0.24),
                    (0.5, waist),
                ],
            );
            vec![stroke]
        }
    }
}

fn nine(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.025;
    let width = hand.between(0.45, 0.95);
    let depth = hand.between(0.26, 0.6);
    let close = hand.between(-0.06, 0.24);
    let start_x = width + hand.between(-0.3, 0.06);
    let mut stroke = path(
        hand,
        scatter,
        [
            (start_x, close * 0.7 + 0.02),
            (width * 0.55, 0.0),
            (0.08, depth * 0.38),
            (0.06, depth * 0.78),
            (width * 0.38, depth),
            (width * 0.8, depth * 0.72),
        ],
    );
    let foot = hand.between(0.25, 0.85);
    match hand.choose(&[0.45, 0.25, 0.2, 0.1]) {
        // Up to the start, a sharp turn, a straight stem.
        0 => {
            stroke.push(sharp(hand, width, close * 0.7, 0.025));
            stroke.push(soft(hand, (width + foot) / 2.0 + 0.04, 0.5, 0.025));
            stroke.push(soft(hand, foot, 1.0, 0.025));
        }
        // Rounded into the stem.
        1 => {
            stroke.push(soft(hand, width, depth * 0.4, 0.025));
            stroke.push(soft(hand, width - 0.02, depth * 0.95, 0.025));
            stroke.push(soft(hand, (width + foot) / 2.0, 0.76, 0.025));
            stroke.push(soft(hand, foot, 1.0, 0.025));
        }
        // A stem that curls to the left at the foot.
        2 => {
            stroke.push(sharp(hand, width, close * 0.7, 0.025));
            stroke.push(soft(hand, width + 0.0, 0.5, 0.025));
            stroke.push(soft(hand, width - 0.05, 0.84, 0.025));
            stroke.push(soft(hand, width * 0.55, 1.0, 0.025));
            let up = hand.between(0.8, 0.98);
            stroke.push(soft(hand, 0.08, up, 0.03));
        }
        // The stem apart.
        _ => {
            stroke.push(soft(hand, width, close * 0.5, 0.025));
            let from = hand.between(-0.06, 0.06);
            let stem = path(
                hand,
                0.02,
                [
                    (width, from),
                    ((width + foot) / 2.0 + 0.04, 0.5),
                    (foot, 1.0),
                ],
            );
            return vec![stroke, stem];
        }
    }
    vec![stroke]
}
