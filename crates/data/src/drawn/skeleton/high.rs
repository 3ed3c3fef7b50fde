//! The digits 5 to 9.

use super::super::hand::Hand;
use super::{Stroke, arc, path, scattered, sharp, soft};

pub(super) fn five(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.028;
    let left = hand.between(0.12, 0.32);
    let waist = hand.between(0.32, 0.52);
    let belly = hand.between(0.66, 0.92);
    let bar_end = hand.between(0.62, 1.4);
    // Most bowls curl back to the left, some as far as the stem, some hardly.
    let (end_x, end_y, curl) = match hand.choose(&[0.6, 0.26, 0.14]) {
        0 => (hand.between(-0.08, 0.2), hand.between(0.82, 1.0), true),
        1 => (hand.between(0.0, 0.2), hand.between(0.55, 0.85), true),
        _ => (hand.between(0.3, 0.6), hand.between(0.98, 1.06), false),
    };
    let bowl = |hand: &mut Hand| {
        let mut bowl = path(
            hand,
            scatter,
            [
                (0.5, waist - 0.03),
                (belly - 0.04, waist + 0.13),
                (belly - 0.02, 0.8),
            ],
        );
        if curl {
            bowl.push(soft(hand, 0.48, 0.98, scatter));
        }
        bowl.push(soft(hand, end_x, end_y, scatter));
        bowl
    };
    // The bar often climbs, the more the longer it is.
    let rise = hand.normal(0.05) - hand.between(0.0, 0.3) * (bar_end - 0.6);
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

pub(super) fn six(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.026;
    let start = hand.between(0.2, 1.05);
    let belly = hand.between(0.6, 1.0);
    let crown = hand.between(0.36, 0.74);
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

pub(super) fn seven(hand: &mut Hand) -> Vec<Stroke> {
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
            let depth = hand.between(0.12, 0.4);
            stroke.push(soft(hand, 0.0, depth, scatter));
            let mut top = soft(hand, 0.06, 0.07 + tilt, scatter);
            top.corner = hand.chance(0.7);
            stroke.push(top);
            stroke.push(soft(hand, 0.4, 0.07, 0.02));
        }
        // A waved bar.
        _ => {
            let sag = hand.between(0.06, 0.24);
            stroke.extend(path(
                hand,
                scatter,
                [(0.0, 0.2), (0.16, 0.04 + sag / 3.0), (0.45, sag)],
            ));
        }
    }
    if hand.chance(0.68) {
        stroke.push(sharp(hand, corner, 0.04, scatter));
    } else {
        stroke.push(soft(hand, corner - 0.08, 0.03, 0.015));
        stroke.push(soft(hand, corner - 0.01, 0.13, 0.015));
    }
    stroke.push(soft(hand, (corner * 0.45 + foot * 0.55) + bend, 0.52, 0.02));
    stroke.push(soft(hand, foot, 1.0, 0.025));
    if hand.chance(0.05) {
        let hook = hand.between(0.05, 0.2);
        stroke.push(soft(hand, foot + hook, 1.0, 0.02));
    }
    let mut strokes = vec![stroke];
    if hand.chance(0.2) {
        let x = corner * 0.48 + foot * 0.52 + bend;
        let y = 0.52 + hand.normal(0.08);
        let (before, after) = (hand.between(0.12, 0.42), hand.between(0.12, 0.42));
        strokes.push(path(
            hand,
            0.025,
            [(x - before, y + 0.02), (x + after, y - 0.02)],
        ));
    }
    strokes
}

pub(super) fn eight(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.025;
    let waist = hand.between(0.38, 0.6);
    let upper = hand.between(0.17, 0.44);
    let lower = hand.between(0.15, 0.44);
    let shift = hand.normal(0.04);
    let (top, bottom) = (0.5 + shift, 0.5 - shift);
    match hand.choose(&[0.72, 0.12, 0.16]) {
        // An S, and back up across it.
        0 => {
            let open = hand.between(-0.1, 0.24);
            let end_x = hand.between(0.4, 1.5);
            let end_y = hand.between(-0.12, 0.24);
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
            if hand.chance(0.12) {
                // The other way round.
                for node in &mut stroke {
                    node.x = 1.0 - node.x;
                }
            } else if hand.chance(0.1) {
                // Begun and ended at the foot.
                for node in &mut stroke {
                    node.y = 1.0 - node.y;
                }
            }
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

pub(super) fn nine(hand: &mut Hand) -> Vec<Stroke> {
    let scatter = 0.025;
    let width = hand.between(0.45, 0.95);
    let depth = hand.between(0.26, 0.6);
    let close = hand.between(-0.08, 0.32);
    let start_x = width
        + if hand.chance(0.75) {
            hand.between(-0.3, 0.06)
        } else {
            hand.between(0.0, 0.3)
        };
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
    if hand.chance(0.2) {
        // An angular head.
        stroke[3].corner = true;
    }
    let foot = hand.between(0.25, 0.85);
    match hand.choose(&[0.45, 0.25, 0.2, 0.1]) {
        // Up to the start, a sharp turn, a straight stem.
        0 => {
            let above = if hand.chance(0.35) {
                hand.between(0.0, 0.16)
            } else {
                0.0
            };
            stroke.push(sharp(hand, width, close * 0.7 - above, 0.025));
            stroke.push(soft(hand, (width + foot) / 2.0 + 0.04, 0.5, 0.025));
            stroke.push(soft(hand, foot, 1.0, 0.025));
        }
        // Rounded into the stem.
        1 => {
            if hand.chance(0.5) {
                stroke.push(soft(hand, width, depth * 0.4, 0.025));
            }
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
