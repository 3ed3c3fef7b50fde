use std::panic::catch_unwind;

use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{
    Epilogue, FusedAdam, Implementation, conv_block, conv_block_implementation, dense,
    dense_implementation, dropout_implementation,
};

use crate::cases::{ALL, by_burn, case, results, take_turns, values};

#[test]
fn sizes_and_types_outside_the_kernels_take_burns_operations() {
    let device = Device::flex();
    let path = |image: [usize; 4], weights: [usize; 4], epilogue, dtype: DType| {
        conv_block_implementation(
            &Tensor::zeros(image, (&device, dtype)),
            &Tensor::zeros(weights, (&device, dtype)),
            [0; 4],
            epilogue,
        )
    };
    let (f32, relu) = (DType::F32, Epilogue::Relu);
    let window = [1, 1, 3, 3];
    assert_eq!(path([1, 1, 3, 3], window, relu, f32), Implementation::Fused);
    let pooled = path([1, 1, 3, 3], window, Epilogue::ReluPool, f32);
    assert_eq!(pooled, Implementation::Fallback);
    assert_eq!(
        path([1, 1, 2, 3], window, relu, f32),
        Implementation::Fallback
    );
    assert_eq!(
        path([0, 1, 3, 3], window, relu, f32),
        Implementation::Fallback
    );
    assert_eq!(
        path([1, 1, 3, 3], window, relu, DType::F16),
        Implementation::Fallback
    );

    let matrix = |shape: [usize; 2], dtype| Tensor::<2>::zeros(shape, (&device, dtype));
    let dense_path_of = |x, w, dtype| dense_implementation(&matrix(x, dtype), &matrix(w, dtype));
    assert_eq!(dense_path_of([2, 3], [3, 4], f32), Implementation::Fused);
    assert_eq!(dense_path_of([0, 3], [3, 4], f32), Implementation::Fallback);
    assert_eq!(
        dense_path_of([2, 3], [3, 4], DType::F16),
        Implementation::Fallback
    );
    assert_eq!(
        dropout_implementation(&matrix([2, 3], f32)),
        Implementation::Fused
    );
    assert_eq!(
        dropout_implementation(&matrix([2, 3], DType::F16)),
        Implementation::Fallback
    );
    let adam = |dtype| FusedAdam::implementation(&matrix([2, 3], dtype), &matrix([2, 3], dtype));
    assert_eq!(adam(f32), Implementation::Fused);
    assert_eq!(adam(DType::F16), Implementation::Fallback);
}

#[test]
fn sizes_that_overflow_are_outside_the_kernels() {
    let large = burn_fused_cpu::Geometry {
        batch: 1 << 40,
        channels_in: 1 << 30,
        image: [1 << 20; 2],
        channels_out: 1 << 30,
        kernel: [3; 2],
        padding: [usize::MAX, 0, 1, 0],
        epilogue: Epilogue::Relu,
    };
    assert!(!large.is_supported());
    assert_eq!(large.output(), None);
    let padded = burn_fused_cpu::Geometry {
        padding: [1; 4],
        ..large
    };
    assert!(!padded.is_supported());
}

#[test]
fn in_f16_the_fallback_gives_burns_results() {
    let _turn = take_turns();
    for epilogue in ALL {
        let case = case(2, [6, 7], 3, 3, 1, epilogue);
        let from = case.numbers(8);
        // ndarray has no F16.
        let device = Device::flex().autodiff();
        let found = results(
            |images, weights, bias| conv_block(images, weights, Some(bias), [1; 4], epilogue),
            case.tensors(&from, &device, DType::F16),
        );
        assert_eq!(found, by_burn(&case, &from, &device, DType::F16));
    }
}

/// Whether it panics, without its message on the terminal of the tests.
fn panics(work: impl FnOnce() + std::panic::UnwindSafe) -> bool {
    catch_unwind(work).is_err()
}

#[test]
fn what_does_not_fit_panics_as_documented() {
    let _turn = take_turns();
    for make in [Device::flex, Device::ndarray] {
        let bias = |length: usize, dtype| Tensor::<1>::ones([length], (&make(), dtype));
        let conv = |bias: Tensor<1>| {
            let images = Tensor::<4>::ones([1, 1, 4, 4], &make());
            let weights = Tensor::<4>::ones([3, 1, 3, 3], &make());
            conv_block(images, weights, Some(bias), [0; 4], Epilogue::Relu)
        };
        let layer = |bias: Tensor<1>| {
            let x = Tensor::<2>::ones([2, 4], &make());
            dense(x, Tensor::ones([4, 3], &make()), Some(bias))
        };
        assert_eq!(values(conv(bias(3, DType::F32))), [10.0; 12]);
        assert_eq!(values(layer(bias(3, DType::F32))), [5.0; 6]);
        for (length, dtype) in [(2, DType::F32), (4, DType::F32), (3, DType::F64)] {
            assert!(
                panics(|| drop(conv(bias(length, dtype)))),
                "{length} {dtype:?}"
            );
            assert!(
                panics(|| drop(layer(bias(length, dtype)))),
                "{length} {dtype:?}"
            );
        }
        // A kernel larger than the padded image, other channels.
        let conv = |image: [usize; 4]| {
            let weights = Tensor::<4>::ones([3, 1, 3, 3], &make());
            conv_block(
                Tensor::ones(image, &make()),
                weights,
                None,
                [0; 4],
                Epilogue::Relu,
            )
        };
        assert!(panics(|| drop(conv([1, 1, 2, 2]))));
        assert!(panics(|| drop(conv([1, 2, 4, 4]))));
    }
}
