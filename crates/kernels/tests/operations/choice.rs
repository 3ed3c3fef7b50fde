//! Which code an operation takes, what the fallback gives, and what panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::Implementation::{self, Fallback, Fused};
use burn_fused_cpu::{
    Epilogue, FusedAdam, Geometry, batch_norm_relu_implementation, conv_block,
    conv_block_implementation, dense_implementation, dropout_implementation,
};

use crate::common::*;
use crate::{batch_norm, conv, dense};

#[test]
fn sizes_and_types_outside_the_kernels_take_burns_operations() {
    use DType::{F16, F32, F64};
    fn zeros<const D: usize>(shape: [usize; D], dtype: DType) -> Tensor<D> {
        Tensor::zeros(shape, (&Device::flex(), dtype))
    }
    let conv = |image, epilogue, [images, weights]: [DType; 2]| -> Implementation {
        let weights = zeros([1, 1, 3, 3], weights);
        conv_block_implementation(&zeros(image, images), &weights, [0; 4], epilogue)
    };
    let relu = Epilogue::Relu;
    assert_eq!(conv([1, 1, 3, 3], relu, [F32; 2]), Fused);
    assert_eq!(conv([1, 1, 3, 3], relu, [F64; 2]), Fused);
    assert_eq!(conv([1, 1, 3, 3], relu, [F16; 2]), Fallback);
    assert_eq!(conv([1, 1, 3, 3], relu, [F32, F64]), Fallback);
    assert_eq!(conv([1, 1, 3, 3], Epilogue::ReluPool, [F32; 2]), Fallback);
    assert_eq!(conv([1, 1, 2, 3], relu, [F32; 2]), Fallback);
    assert_eq!(conv([0, 1, 3, 3], relu, [F32; 2]), Fallback);

    for (batch, dtype, expected) in [(2, F32, Fused), (0, F32, Fallback), (2, F16, Fallback)] {
        let (x, weights) = (zeros([batch, 3], dtype), zeros([3, 4], dtype));
        assert_eq!(dense_implementation(&x, &weights), expected);
        let maps = zeros([batch, 3, 4, 4], dtype);
        assert_eq!(batch_norm_relu_implementation(&maps), expected);
    }
    for (dtype, expected) in [(F32, Fused), (F64, Fused), (F16, Fallback)] {
        let x = zeros([2, 3], dtype);
        assert_eq!(dropout_implementation(&x), expected);
        assert_eq!(FusedAdam::implementation(&x, &x), expected);
    }
}

#[test]
fn sizes_that_overflow_are_outside_the_kernels() {
    let large = Geometry {
        batch: 1 << 40,
        padding: [usize::MAX, 0, 1, 0],
        ..conv::case(1 << 30, [1 << 20; 2], 1 << 30, 3, 0, Epilogue::Relu)
    };
    assert!(!large.is_supported());
    assert_eq!(large.output(), None);
    let padding = [1; 4];
    assert!(!Geometry { padding, ..large }.is_supported());
}

#[test]
fn in_f16_the_fallback_gives_burns_results() {
    // ndarray has no F16.
    let place = &(Device::flex().autodiff(), DType::F16);
    let check = |pair: Pair, from: Numbers| {
        let [found, expected] = [pair.ours, pair.burns].map(|by| results(&by, &from, place));
        assert_eq!(found, expected);
    };
    for epilogue in conv::EPILOGUES {
        let case = conv::case(2, [6, 7], 3, 3, 1, epilogue);
        check(conv::pair(case), conv::drawn(&case, numbers, 8));
    }
    let (shape, sizes) = ([4, 3, 5, 5], [5, 7, 3]);
    check(batch_norm::pair(shape), batch_norm::drawn(shape, 0.0));
    check(dense::pair(sizes), draw(dense::lengths(sizes), numbers, 1));
}

#[test]
fn what_does_not_fit_panics_as_documented() {
    let panics = |work: &dyn Fn()| catch_unwind(AssertUnwindSafe(work)).is_err();
    for device in devices() {
        let bias = |length: usize, dtype| Tensor::<1>::ones([length], (&device, dtype));
        let conv = |image: [usize; 4], bias: Tensor<1>| {
            let weights = Tensor::<4>::ones([3, 1, 3, 3], &device);
            let images = Tensor::ones(image, &device);
            conv_block(images, weights, Some(bias), [0; 4], Epilogue::Relu)
        };
        let layer = |bias: Tensor<1>| {
            let x = Tensor::<2>::ones([2, 4], &device);
            burn_fused_cpu::dense(x, Tensor::ones([4, 3], &device), Some(bias))
        };
        let fits = || bias(3, DType::F32);
        assert_eq!(values(conv([1, 1, 4, 4], fits()).inner()), [10.0; 12]);
        assert_eq!(values(layer(fits()).inner()), [5.0; 6]);
        for (length, dtype) in [(2, DType::F32), (4, DType::F32), (3, DType::F64)] {
            let other = || bias(length, dtype);
            let both =
                panics(&|| drop(conv([1, 1, 4, 4], other()))) && panics(&|| drop(layer(other())));
            assert!(both, "{length} {dtype:?}");
        }
        // A kernel larger than the padded image, other channels.
        assert!(panics(&|| drop(conv([1, 1, 2, 2], fits()))));
        assert!(panics(&|| drop(conv([1, 2, 4, 4], fits()))));
    }
}
