//! The convolution block in every class of sizes.

use burn::tensor::{DType, Device};
use burn_fused_cpu::{Epilogue, conv_block};
use proptest::prelude::*;

use crate::common::*;
use crate::conv_cases::{Case, EPILOGUES, case};

/// 1 channel, primes, less and more than a vector, odd images, kernels as large as the image, one
/// row, one column, uneven padding.
const CASES: [Case; 16] = [
    case(1, [8, 9], 16, 5, 2, Epilogue::ReluPool),
    case(3, [5, 6], 7, 3, 0, Epilogue::Relu),
    case(16, [7, 7], 32, 5, 2, Epilogue::ReluPool),
    case(5, [6, 5], 33, 4, 1, Epilogue::Nothing),
    case(2, [3, 3], 3, 3, 0, Epilogue::Relu),
    case(1, [1, 4], 1, 1, 0, Epilogue::Nothing),
    case(1, [5, 1], 2, 1, 0, Epilogue::Relu),
    case(32, [9, 9], 64, 3, 0, Epilogue::ReluPool),
    case(13, [7, 8], 17, 7, 3, Epilogue::ReluPool),
    case(50, [4, 4], 20, 3, 1, Epilogue::Relu),
    case(97, [3, 4], 5, 3, 1, Epilogue::Nothing),
    case(6, [12, 12], 6, 5, 0, Epilogue::ReluPool),
    case(1, [28, 28], 24, 7, 3, Epilogue::ReluPool),
    case(4, [2, 2], 9, 2, 0, Epilogue::Relu),
    Case {
        batch: 1,
        kernel: [2, 5],
        padding: [0, 2, 1, 2],
        ..case(3, [6, 9], 11, 1, 0, Epilogue::ReluPool)
    },
    Case {
        batch: 33,
        kernel: [3, 1],
        padding: [1, 0, 1, 0],
        ..case(2, [4, 4], 18, 1, 0, Epilogue::Relu)
    },
];

/// Every group of rows and vectors that the backward pass holds in registers, and every tile of
/// squares and channels of the forward pass, for vectors of 4, 8 and 16.
fn tiles() -> Vec<Case> {
    let mut tiles = Vec::new();
    let groups = both(&[1, 2, 3, 4, 5, 6, 7], &[1, 2, 3, 4, 5, 6, 7, 8]);
    for (lanes, (vectors, rows)) in both(&[4, 8, 16], &groups) {
        let inputs = lanes * vectors - 3;
        let mut tile = case(inputs, [rows + 1, 4], 3, 1, 0, Epilogue::Relu);
        (tile.batch, tile.kernel) = (2, [rows, 1]);
        tiles.push(tile);
    }
    let pixels = both(&[1, 2, 3, 4, 5, 6, 7, 8, 9], &EPILOGUES);
    for (outputs, (squares, epilogue)) in both(&[1, 4, 5, 8, 9, 16, 17, 32, 33, 65], &pixels) {
        let mut tile = case(1, [2, 2 * squares], outputs, 1, 0, epilogue);
        tile.batch = 1;
        tiles.push(tile);
    }
    // Winograd's algorithm: strips of 24 squares, whole and not, last blocks of one vector and two.
    let channels = both(&[8, 13, 32], &[16, 17, 33, 48]);
    let images = both(&[[4, 4], [5, 4], [9, 13], [13, 14]], &EPILOGUES);
    for ((inputs, outputs), (image, epilogue)) in both(&channels, &images) {
        tiles.push(case(inputs, image, outputs, 3, 0, epilogue));
    }
    let step = if few() { 17 } else { 1 };
    tiles.into_iter().step_by(step).collect()
}

#[test]
fn every_class_of_sizes_agrees_with_a_naive_loop_by_all_instructions_and_any_threads() {
    on_all_instructions(|instructions| {
        let cases = &CASES[if few() { 10 } else { 0 }..];
        for (case, place) in both(cases, &places()) {
            let from = case.draw(numbers, 1);
            let what = format!("{instructions:?} {:?} {case:?}", place.1);
            let found = with_any_threads(&what, || case.ours(&from, &place));
            assert_close(&found, &case.naive(&from), tolerance(&place), &what);
        }
    });
}

#[test]
fn every_group_of_registers_and_every_tile_agrees_with_a_naive_loop() {
    let place = (Device::flex().autodiff(), DType::F32);
    on_all_instructions(|instructions| {
        for case in tiles() {
            let from = case.draw(numbers, 7);
            let found = case.ours(&from, &place);
            let what = format!("{instructions:?} {case:?}");
            assert_close(&found, &case.naive(&from), TOLERANCE_F32, &what);
        }
    });
}

#[test]
fn without_a_gradient_the_result_is_the_same_from_any_layout_in_memory() {
    on_all_instructions(|instructions| {
        for (case, tracked) in both(&CASES, &devices()) {
            let from = case.draw(numbers, 5);
            let expected = &case.ours(&from, &(tracked.clone(), DType::F32))[0];
            let (images, weights, bias) = case.inputs(&from, &(tracked.inner(), DType::F32));
            // The same images, but with the channels of a pixel side by side in memory.
            let turned = images.clone().permute([0, 2, 3, 1]);
            let turned = turned.clone() + turned.zeros_like();
            for images in [images, turned.permute([0, 3, 1, 2])] {
                let (weights, bias) = (weights.clone(), Some(bias.clone()));
                let plain = conv_block(images, weights, bias, case.padding, case.epilogue);
                assert_eq!(&values(plain), expected, "{instructions:?} {case:?}");
            }
        }
    });
}

/// −0 as 0.
fn plus_zero(results: Results) -> Results {
    let plus = |numbers: Vec<f64>| numbers.into_iter().map(|x| x + 0.0).collect();
    results.into_iter().map(plus).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 96 }))]
    #[test]
    fn random_sizes_give_burns_results_exactly(
        (batch, inputs, outputs) in (1_usize..5, 1_usize..20, 1_usize..40),
        image in [2_usize..12, 2_usize..12],
        kernel in [1_usize..6, 1_usize..6],
        padding in [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3],
        epilogue in proptest::sample::select(EPILOGUES.to_vec()),
        seed in 0_u64..1000,
    ) {
        let case = Case { batch, inputs, image, outputs, kernel, padding, epilogue };
        let fits = image[0] + padding[0] + padding[2] > kernel[0]
            && image[1] + padding[1] + padding[3] > kernel[1];
        prop_assume!(fits);
        let from = case.draw(dyadic, seed);
        let reference = (Device::flex().autodiff(), DType::F64);
        let expected = plus_zero(case.by_burn(&from, &reference));
        on_all_instructions(|instructions| {
            for place in places() {
                let found = plus_zero(case.ours(&from, &place));
                assert_same_bits(&found, &expected, &format!("{instructions:?} {:?}", place.1));
            }
        });
    }
}
