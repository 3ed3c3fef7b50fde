//! NaN, ∞, ties and −0, as Burn's flex has them. Burn's pool on ndarray passes over NaN; there, as
//! well, the kernels do as flex does: NaN never vanishes, and the gradient goes where the result
//! came from.

use burn::tensor::{DType, Device};

use crate::common::*;
use crate::conv_cases::{EPILOGUES, case};

#[test]
fn nan_infinity_ties_and_negative_zero_are_treated_as_by_burn_on_all_instructions() {
    let specials = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0];
    let specials = &specials[if few() { 3 } else { 0 }..];
    // Which number of which tensor: images, weights, bias, gradient.
    let places = [(0, 40), (1, 13), (2, 2), (3, 7)];
    // Few channels for narrow vectors; many, so that AVX-512 takes its own code.
    let cases = both(&[(2, 5), (4, 17)], &EPILOGUES);
    for (((inputs, outputs), epilogue), (special, (which, at))) in
        both(&cases, &both(specials, &places))
    {
        let case = case(inputs, [6, 6], outputs, 3, 1, epilogue);
        let mut from = case.draw(numbers, 4);
        // Whole numbers and repeated ones: ties in the windows of the pool.
        from[0].iter_mut().for_each(|x| *x = (*x * 2.0).round());
        from[1].iter_mut().for_each(|x| *x = x.round());
        from[2].fill(0.0);
        from[which][at] = special;
        let expected = case.by_burn(&from, &(Device::flex().autodiff(), DType::F32));
        on_all_instructions(|instructions| {
            for device in devices() {
                let found = case.ours(&from, &(device, DType::F32));
                for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                    let same = (found - expected).abs() <= TOLERANCE_F32 * expected.abs().max(1.0)
                        || found == expected
                        || found.is_nan() && expected.is_nan();
                    let what = format!("{instructions:?} {case:?}, {special} in tensor {which}");
                    assert!(same, "{what}: {found}, Burn {expected}");
                }
            }
        });
    }
}

#[test]
fn relu_makes_no_negative_zero() {
    let place = (Device::flex().autodiff(), DType::F32);
    on_all_instructions(|instructions| {
        for (outputs, epilogue) in both(&[5, 17], &EPILOGUES[1..]) {
            let case = case(1, [4, 4], outputs, 1, 0, epilogue);
            let mut from = case.draw(numbers, 1);
            // −1 · 0 + −0 = −0.
            for (numbers, value) in from.iter_mut().zip([-1.0, 0.0, -0.0]) {
                numbers.fill(value);
            }
            let found = case.ours(&from, &place);
            let expected = case.by_burn(&from, &place);
            assert_same_bits(
                &found[..1],
                &expected[..1],
                &format!("{instructions:?} {case:?}"),
            );
        }
    });
}
