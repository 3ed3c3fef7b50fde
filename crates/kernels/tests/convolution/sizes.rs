use burn::tensor::{DType, Device};
use burn_fused_cpu::{Epilogue, Instructions, conv_block};

use crate::cases::{
    ALL, Case, TOLERANCE_F32, TOLERANCE_F64, assert_close, assert_same_bits, case, devices, few,
    fused, naive, take_turns, values,
};

/// Every class of sizes: 1 channel, primes, less and more than a vector, odd images, kernels as
/// large as the image, one row, one column, uneven padding.
pub const CASES: [Case; 16] = [
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
        inputs: 3,
        image: [6, 9],
        outputs: 11,
        kernel: [2, 5],
        padding: [0, 2, 1, 2],
        epilogue: Epilogue::ReluPool,
    },
    Case {
        batch: 33,
        inputs: 2,
        image: [4, 4],
        outputs: 18,
        kernel: [3, 1],
        padding: [1, 0, 1, 0],
        epilogue: Epilogue::Relu,
    },
];

/// Every group of rows and vectors that the backward pass holds in registers, and every tile of
/// squares and channels of the forward pass, for vectors of 4, 8 and 16.
fn tiles() -> Vec<Case> {
    let mut tiles = Vec::new();
    for lanes in [4, 8, 16] {
        for vectors in 1..=7 {
            for rows in [1, 2, 3, 4, 5, 6, 7, 8] {
                let mut tile = case(lanes * vectors - 3, [rows + 1, 4], 3, 1, 0, Epilogue::Relu);
                tile.batch = 2;
                tile.kernel = [rows, 1];
                tiles.push(tile);
            }
        }
    }
    for outputs in [1, 4, 5, 8, 9, 16, 17, 32, 33, 65] {
        for squares in 1..=9 {
            for epilogue in ALL {
                let mut tile = case(1, [2, 2 * squares], outputs, 1, 0, epilogue);
                tile.batch = 1;
                tiles.push(tile);
            }
        }
    }
    // Winograd's algorithm: strips of 24 squares, whole and not, last blocks of one vector and two.
    for inputs in [8, 13, 32] {
        for outputs in [16, 17, 33, 48] {
            for image in [[4, 4], [5, 4], [9, 13], [13, 14]] {
                for epilogue in ALL {
                    tiles.push(case(inputs, image, outputs, 3, 0, epilogue));
                }
            }
        }
    }
    let step = if few() { 17 } else { 1 };
    tiles.into_iter().step_by(step).collect()
}

#[test]
fn every_class_of_sizes_agrees_with_a_naive_loop_on_all_instructions_and_backends() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for device in devices() {
            for case in &CASES[if few() { 10 } else { 0 }..] {
                let from = case.numbers(1);
                let found = fused(case, &from, &device, DType::F32);
                let what = format!("{instructions:?} {case:?}");
                assert_close(&found, &naive(case, &from), TOLERANCE_F32, &what);
            }
        }
    }
    for device in devices() {
        for case in &CASES[if few() { 10 } else { 0 }..] {
            let from = case.numbers(2);
            let found = fused(case, &from, &device, DType::F64);
            let what = format!("f64 {case:?}");
            assert_close(&found, &naive(case, &from), TOLERANCE_F64, &what);
        }
    }
}

#[test]
fn every_group_of_registers_and_every_tile_agrees_with_a_naive_loop() {
    let _turn = take_turns();
    let device = Device::flex().autodiff();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for case in &tiles() {
            let from = case.numbers(7);
            let found = fused(case, &from, &device, DType::F32);
            let what = format!("{instructions:?} {case:?}");
            assert_close(&found, &naive(case, &from), TOLERANCE_F32, &what);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits_on_all_instructions_and_backends() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for dtype in [DType::F32, DType::F64] {
            for device in devices() {
                for case in &CASES[if few() { 14 } else { 0 }..] {
                    let from = case.numbers(3);
                    let [one, two, three] = [1, 2, 3].map(|threads| {
                        rayon::ThreadPoolBuilder::new()
                            .num_threads(threads)
                            .build()
                            .unwrap()
                            .install(|| fused(case, &from, &device, dtype))
                    });
                    let what = format!("{instructions:?} {dtype:?} {case:?}");
                    assert_same_bits(&one, &two, &what);
                    assert_same_bits(&one, &three, &what);
                }
            }
        }
    }
}

#[test]
fn without_a_gradient_the_result_is_the_same() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for case in &CASES {
            let from = case.numbers(5);
            let tracked = fused(case, &from, &Device::flex().autodiff(), DType::F32);
            let tensors = case.tensors(&from, &Device::flex(), DType::F32);
            let plain = conv_block(
                tensors.images,
                tensors.weights,
                Some(tensors.bias),
                case.padding,
                case.epilogue,
            );
            assert_eq!(values(plain), tracked[0], "{instructions:?} {case:?}");
        }
    }
}

#[test]
fn a_tensor_that_lies_otherwise_in_memory_is_read_rightly() {
    let _turn = take_turns();
    let case = CASES[2];
    let from = case.numbers(6);
    for device in [Device::flex(), Device::ndarray()] {
        let tensors = case.tensors(&from, &device, DType::F32);
        let block = |images, weights| conv_block(images, weights, None, [2; 4], Epilogue::Relu);
        let expected = block(tensors.images.clone(), tensors.weights.clone());
        let turned = tensors.images.permute([2, 3, 1, 0]);
        let turned = turned.clone() + turned.zeros_like();
        let found = block(turned.permute([3, 2, 0, 1]), tensors.weights);
        assert_eq!(values(found), values(expected));
    }
}
