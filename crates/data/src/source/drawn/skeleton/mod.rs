//! How people write the ten digits: pen paths in a box of width and height 1, x to the right,
//! y down. Proportions come from knowledge of handwriting (school forms in Europe and America,
//! hurried forms of both), and how far they vary was widened after looking at training images of
//! MNIST that a network trained on drawn digits misread; no stroke is traced.

mod high;
mod low;
mod pen;

use super::hand::Hand;
pub(super) use pen::{Node, Stroke};

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
