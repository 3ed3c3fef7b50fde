//! Random sizes, with numbers that f32 adds and multiplies exactly: no rounding can move a number
//! across the kink of a ReLU or the tie of a pool, so results must be the same, not only close.

use burn::tensor::{DType, Device};
use burn_fused_cpu::{Epilogue, Instructions};
use proptest::prelude::*;

use crate::cases::{Case, Numbers, assert_same_bits, by_burn, devices, few, fused, take_turns};

/// Multiples of ¼ in [−1, 1]; as sums of at most 2¹⁴ products of two, exact.
fn dyadic(mut from: Numbers) -> Numbers {
    for numbers in [
        &mut from.images,
        &mut from.weights,
        &mut from.bias,
        &mut from.gradient,
    ] {
        for x in numbers.iter_mut() {
            // No −0: adding zeros in another order may change its sign.
            *x = (*x * 4.0).round() / 4.0 + 0.0;
        }
    }
    from
}

/// −0 as 0.
fn plus_zero(results: [Vec<f64>; 4]) -> [Vec<f64>; 4] {
    results.map(|numbers| numbers.into_iter().map(|x| x + 0.0).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 96 }))]
    #[test]
    fn random_sizes_give_burns_results_exactly(
        (batch, inputs, outputs) in (1_usize..5, 1_usize..20, 1_usize..40),
        image in [2_usize..12, 2_usize..12],
        kernel in [1_usize..6, 1_usize..6],
        padding in [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3],
        epilogue in prop_oneof![Just(Epilogue::Nothing), Just(Epilogue::Relu), Just(Epilogue::ReluPool)],
        seed in 0_u64..1000,
    ) {
        let _turn = take_turns();
        let case = Case { batch, inputs, image, outputs, kernel, padding, epilogue };
        let fits = image[0] + padding[0] + padding[2] > kernel[0]
            && image[1] + padding[1] + padding[3] > kernel[1];
        prop_assume!(fits);
        let from = dyadic(case.numbers(seed));
        let reference = Device::flex().autodiff();
        let expected = plus_zero(by_burn(&case, &from, &reference, DType::F64));
        for device in devices() {
            let found = plus_zero(fused(&case, &from, &device, DType::F64));
            assert_same_bits(&found, &expected, "f64");
            for instructions in Instructions::available() {
                assert!(instructions.force());
                let found = plus_zero(fused(&case, &from, &device, DType::F32));
                assert_same_bits(&found, &expected, &format!("{instructions:?}"));
            }
        }
    }
}
