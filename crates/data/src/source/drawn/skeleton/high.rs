//! The digits 5 to 9.

use super::{SHARP, add, another, arc};
use crate::source::drawn::hand::Hand;

pub(super) fn five(hand: &mut Hand) {
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

pub(super) fn six(hand: &mut Hand) {
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

pub(super) fn seven(hand: &mut Hand) {
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

pub(super) fn eight(hand: &mut Hand) {
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

pub(super) fn nine(hand: &mut Hand) {
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
