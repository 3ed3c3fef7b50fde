//! The convolution block in every class of sizes, and with NaN, ∞, ties and −0, as Burn's flex has
//! them. Burn's pool on ndarray passes over NaN; there, as well, the kernels do as flex does: NaN
//! never vanishes, and the gradient goes where the result came from.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{Epilogue, Geometry, Implementation, conv_block, conv_block_implementation};
use proptest::prelude::*;

use crate::common::*;

pub const EPILOGUES: [Epilogue; 3] = [Epilogue::Nothing, Epilogue::Relu, Epilogue::ReluPool];

pub const fn case(
    channels_in: usize,
    image: [usize; 2],
    channels_out: usize,
    kernel: usize,
    padding: usize,
    epilogue: Epilogue,
) -> Geometry {
    Geometry {
        batch: 3,
        channels_in,
        image,
        channels_out,
        kernel: [kernel; 2],
        padding: [padding; 4],
        epilogue,
    }
}

/// Images, weights, bias, and the gradient of the result.
pub fn drawn(case: &Geometry, by: fn(usize, u64) -> Vec<f64>, seed: u64) -> Numbers {
    let area = |[height, width]: [usize; 2]| height * width;
    let images = case.batch * case.channels_in * area(case.image);
    let weights = case.channels_out * case.channels_in * area(case.kernel);
    let gradient = case.batch * case.channels_out * area(case.output().unwrap());
    draw([images, weights, case.channels_out, gradient], by, seed)
}

fn shaped(case: &Geometry, from: &[Tensor<1>]) -> (Tensor<4>, Tensor<4>, Option<Tensor<1>>) {
    let ([height, width], [ky, kx]) = (case.image, case.kernel);
    let images = [case.batch, case.channels_in, height, width];
    let weights = [case.channels_out, case.channels_in, ky, kx];
    let [x, w, b] = [0, 1, 2].map(|index: usize| from[index].clone());
    (x.reshape(images), w.reshape(weights), Some(b))
}

pub fn pair(case: Geometry) -> Pair {
    let (padding, epilogue) = (case.padding, case.epilogue);
    let ours = move |from: &[Tensor<1>]| {
        let (images, weights, bias) = shaped(&case, from);
        let chosen = conv_block_implementation(&images, &weights, padding, epilogue);
        let fused = images.dtype() != DType::F16;
        assert_eq!(chosen == Implementation::Fused, fused);
        let y = conv_block(images, weights, bias, padding, epilogue);
        vec![y.reshape([-1])]
    };
    let burns = move |from: &[Tensor<1>]| {
        let (images, weights, bias) = shaped(&case, from);
        let pairs = [(padding[0], padding[2]), (padding[1], padding[3])];
        let options = ConvOptions::new_with_padding([1, 1], pairs, [1, 1], 1);
        let y = epilogue.apply(conv2d(images, weights, bias, options));
        vec![y.reshape([-1])]
    };
    Pair {
        ours: Box::new(ours),
        burns: Box::new(burns),
    }
}

/// 1 channel, primes, less and more than a vector, odd images, kernels as large as the image, one
/// row, one column, uneven padding.
const CASES: [Geometry; 16] = [
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
    Geometry {
        batch: 1,
        kernel: [2, 5],
        padding: [0, 2, 1, 2],
        ..case(3, [6, 9], 11, 1, 0, Epilogue::ReluPool)
    },
    Geometry {
        batch: 33,
        kernel: [3, 1],
        padding: [1, 0, 1, 0],
        ..case(2, [4, 4], 18, 1, 0, Epilogue::Relu)
    },
];

/// Every group of rows and vectors that the backward pass holds in registers, and every tile of
/// squares and channels of the forward pass, for vectors of 4, 8 and 16.
fn tiles() -> Vec<Geometry> {
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
fn every_class_of_sizes_and_every_tile_agrees_with_burn_by_all_instructions_and_any_threads() {
    let classes = &CASES[if few() { 10 } else { 0 }..];
    let single = [(Device::flex().autodiff(), DType::F32)];
    for (cases, places) in [(classes, &places()[..]), (&tiles(), &single)] {
        for &case in cases {
            let from = drawn(&case, numbers, 1);
            pair(case).agree(&format!("{case:?}"), &from, places, 1.0);
        }
    }
}

#[test]
fn without_a_gradient_the_result_is_the_same_from_any_layout_in_memory() {
    on_all_instructions(|instructions| {
        for (case, tracked) in both(&CASES, &devices()) {
            let from = drawn(&case, numbers, 5);
            let place = |device| (device, DType::F32);
            let expected = &results(&pair(case).ours, &from, &place(tracked.clone()))[0];
            let place = place(tracked.inner());
            let from: Vec<_> = from.iter().map(|numbers| tensor(numbers, &place)).collect();
            let (images, weights, bias) = shaped(&case, &from);
            // The same images, but with the channels of a pixel side by side in memory.
            let turned = images.clone().permute([0, 2, 3, 1]);
            let turned = turned.clone() + turned.zeros_like();
            for images in [images, turned.permute([0, 3, 1, 2])] {
                let (weights, bias) = (weights.clone(), bias.clone());
                let plain = conv_block(images, weights, bias, case.padding, case.epilogue);
                assert_eq!(&values(plain), expected, "{instructions:?} {case:?}");
            }
        }
    });
}

/// −0 as 0.
fn plus_zero(results: Numbers) -> Numbers {
    let plus = |numbers: Vec<f64>| numbers.into_iter().map(|x| x + 0.0).collect();
    results.into_iter().map(plus).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 96 }))]
    #[test]
    fn random_sizes_give_burns_results_exactly(
        (batch, channels_in, channels_out) in (1_usize..5, 1_usize..20, 1_usize..40),
        image in [2_usize..12, 2_usize..12],
        kernel in [1_usize..6, 1_usize..6],
        padding in [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3],
        epilogue in proptest::sample::select(EPILOGUES.to_vec()),
        seed in 0_u64..1000,
    ) {
        let case = Geometry { batch, channels_in, image, channels_out, kernel, padding, epilogue };
        prop_assume!(case.output().is_some());
        let from = drawn(&case, dyadic, seed);
        let Pair { ours, burns } = pair(case);
        let expected = plus_zero(results(&burns, &from, &reference()));
        on_all_instructions(|instructions| {
            for place in places() {
                let found = plus_zero(results(&ours, &from, &place));
                assert_same_bits(&found, &expected, &format!("{instructions:?} {:?}", place.1));
            }
        });
    }
}

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
        let mut from = drawn(&case, numbers, 4);
        // Whole numbers and repeated ones: ties in the windows of the pool.
        from[0].iter_mut().for_each(|x| *x = (*x * 2.0).round());
        from[1].iter_mut().for_each(|x| *x = x.round());
        from[2].fill(0.0);
        from[which][at] = special;
        let Pair { ours, burns } = pair(case);
        let expected = results(&burns, &from, &(Device::flex().autodiff(), DType::F32));
        on_all_instructions(|instructions| {
            for device in devices() {
                let found = results(&ours, &from, &(device, DType::F32));
                for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                    let same = (found - expected).abs() <= 1e-5 * expected.abs().max(1.0)
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
            let mut from = drawn(&case, numbers, 1);
            // −1 · 0 + −0 = −0.
            for (numbers, value) in from.iter_mut().zip([-1.0, 0.0, -0.0]) {
                numbers.fill(value);
            }
            let Pair { ours, burns } = pair(case);
            let [found, expected] = [ours, burns].map(|by| results(&by, &from, &place));
            let what = format!("{instructions:?} {case:?}");
            assert_same_bits(&found[..1], &expected[..1], &what);
        }
    });
}
