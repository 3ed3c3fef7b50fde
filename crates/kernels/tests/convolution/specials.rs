//! NaN, ∞, ties and −0, as Burn's flex has them. Burn's pool on ndarray passes over NaN; there,
//! too, the kernels do as flex does: NaN never vanishes, and the gradient goes where the result
//! came from.

use burn::tensor::{DType, Device};
use burn_fused_cpu::Instructions;

use crate::cases::{ALL, Numbers, TOLERANCE_F32, by_burn, case, devices, few, fused, take_turns};

const SPECIALS: [f64; 5] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0];

fn spoil(from: &mut Numbers, what: &str, special: f64) {
    // Whole numbers and repeated ones: ties in the windows of the pool.
    for image in &mut from.images {
        *image = (*image * 2.0).round();
    }
    for weight in &mut from.weights {
        *weight = weight.round();
    }
    from.bias.fill(0.0);
    match what {
        "images" => from.images[40] = special,
        "weights" => from.weights[13] = special,
        "bias" => from.bias[2] = special,
        _ => from.gradient[7] = special,
    }
}

#[test]
fn nan_infinity_ties_and_negative_zero_are_treated_as_by_burn_on_all_instructions() {
    let _turn = take_turns();
    for epilogue in ALL {
        // Few channels for narrow vectors; many, so that AVX-512 takes its own code.
        for case in [
            case(2, [6, 6], 5, 3, 1, epilogue),
            case(4, [6, 6], 17, 3, 1, epilogue),
        ] {
            for special in &SPECIALS[if few() { 3 } else { 0 }..] {
                for spoilt in ["images", "weights", "bias", "gradient"] {
                    let mut from = case.numbers(4);
                    spoil(&mut from, spoilt, *special);
                    let expected = by_burn(&case, &from, &Device::flex().autodiff(), DType::F32);
                    for instructions in Instructions::available() {
                        assert!(instructions.force());
                        for device in devices() {
                            let found = fused(&case, &from, &device, DType::F32);
                            for (index, (found, expected)) in
                                found.iter().zip(&expected).enumerate()
                            {
                                for (found, expected) in found.iter().zip(expected) {
                                    let scale = expected.abs().max(1.0);
                                    let same = (found - expected).abs() <= TOLERANCE_F32 * scale
                                        || found == expected
                                        || found.is_nan() && expected.is_nan();
                                    assert!(
                                        same,
                                        "{instructions:?} {epilogue:?}, {special} in {spoilt}, \
                                         output {index}: {found}, Burn {expected}"
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn relu_makes_no_negative_zero() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for epilogue in &ALL[1..] {
            for outputs in [5, 17] {
                let case = case(1, [4, 4], outputs, 1, 0, *epilogue);
                let mut from = case.numbers(1);
                // −1 · 0 + −0 = −0.
                from.images.fill(-1.0);
                from.weights.fill(0.0);
                from.bias.fill(-0.0);
                let device = Device::flex().autodiff();
                let [result, ..] = fused(&case, &from, &device, DType::F32);
                let [expected, ..] = by_burn(&case, &from, &device, DType::F32);
                let signs =
                    |x: &[f64]| -> Vec<bool> { x.iter().map(|x| x.is_sign_negative()).collect() };
                assert_eq!(
                    signs(&result),
                    signs(&expected),
                    "{instructions:?} {epilogue:?}"
                );
            }
        }
    }
}
