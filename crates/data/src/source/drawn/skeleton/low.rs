//! The digits 0 to 4.

use super::{SHARP, add, another, arc};
use crate::source::drawn::hand::Hand;

pub(super) fn zero(hand: &mut Hand) {
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

pub(super) fn one(hand: &mut Hand) {
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

pub(super) fn two(hand: &mut Hand) {
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

pub(super) fn three(hand: &mut Hand) {
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

pub(super) fn four(hand: &mut Hand) {
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
