//! Dense layers as an operation on tensors, with its gradients; [`gemm`] has the matrix products.

mod gemm;

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape, Tensor, activation};
use rayon::prelude::*;

use self::gemm::{Matrix, Product};
use crate::host::{Host, Number, typed};
use crate::operation::{Implementation, Operation, check_bias, or_zeros, run};
use crate::simd::CHUNK;

/// The code that [`dense`] and [`dense_relu`] take for tensors like these.
pub fn dense_implementation(x: &Tensor<2>, weights: &Tensor<2>) -> Implementation {
    let ([batch, inputs], [rows, units]) = (x.dims(), weights.dims());
    let fit = inputs == rows && batch > 0 && inputs > 0 && units > 0;
    Implementation::choose(fit && x.dtype() == weights.dtype(), x)
}

/// A dense layer, x·w + b, differentiable in all three tensors.
///
/// # Shapes
/// x `[batch, inputs]`, weights `[inputs, units]`, bias `[units]` → `[batch, units]`
///
/// # Panics
/// As Burn's `matmul`: sizes that do not fit; and on a bias of another length or type.
pub fn dense(x: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    layer(x, weights, bias, false)
}

/// [`dense`] and ReLU as one operation, max(0, x·w + b).
///
/// # Panics
/// As [`dense`].
pub fn dense_relu(x: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    layer(x, weights, bias, true)
}

fn layer(x: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>, relu: bool) -> Tensor<2> {
    let units = weights.dims()[1];
    if let Some(bias) = &bias {
        check_bias(bias, units, weights.dtype());
    }
    if dense_implementation(&x, &weights) == Implementation::Fallback {
        let mut y = x.matmul(weights);
        if let Some(bias) = bias {
            y = y + bias.unsqueeze();
        }
        return if relu { activation::relu(y) } else { y };
    }
    let bias = or_zeros(bias, units, &x).into_dispatch();
    let [y] = run(
        Dense { relu },
        [x.into_dispatch(), weights.into_dispatch(), bias],
    );
    Tensor::from_dispatch(y)
}

#[derive(Debug, Clone)]
struct Dense {
    relu: bool,
}

impl Operation<3> for Dense {
    /// Input, weights and, where ReLU follows, the result.
    type Saved<B: Host> = (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>);

    fn forward<B: Host>(
        &self,
        [x, weights, bias]: [FloatTensor<B>; 3],
        _: bool,
    ) -> (Vec<FloatTensor<B>>, Self::Saved<B>) {
        let y = typed!(x, forward::<B>([&x, &weights, &bias], self.relu));
        let output = self.relu.then(|| y.clone());
        (vec![y], (x, weights, output))
    }

    fn backward<B: Host>(
        &self,
        (x, weights, y): Self::Saved<B>,
        gradient: FloatTensor<B>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let gradient = match y {
            Some(y) => typed!(gradient, relu_backward::<B>(&gradient, &y)),
            None => gradient,
        };
        typed!(gradient, backward::<B>([&x, &weights, &gradient], wanted))
    }
}

fn forward<B: Host, T: Number>(
    [x, weights, bias]: [&FloatTensor<B>; 3],
    relu: bool,
) -> FloatTensor<B> {
    let (x_shape, shape) = (x.shape(), weights.shape());
    let [m, n, k] = [x_shape[0], shape[1], shape[0]];
    let [x, weights] = [x, weights].map(B::read::<T>);
    let product = Product {
        sizes: [m, n, k],
        a: Matrix::rows(&x, k),
        b: Matrix::rows(&weights, n),
        bias: Some(&B::read::<T>(bias)),
    };
    let mut y = T::run(product, usize::MAX);
    if relu {
        // Except that a NaN stays one.
        y.par_chunks_mut(CHUNK).for_each(|chunk| {
            for y in chunk {
                *y = if *y <= T::default() { T::default() } else { *y };
            }
        });
    }
    B::make(y, Shape::from([m, n]))
}

/// The gradient before ReLU, of which `y` is the result.
fn relu_backward<B: Host, T: Number>(g: &FloatTensor<B>, y: &FloatTensor<B>) -> FloatTensor<B> {
    let (gradient, y) = (B::read::<T>(g), B::read::<T>(y));
    assert_eq!(gradient.len(), y.len(), "ReLU: gradient and result");
    let through = |(&g, &y): (&T, &T)| if y <= T::default() { T::default() } else { g };
    let pairs = gradient.par_iter().zip(&*y).with_min_len(CHUNK);
    B::make(pairs.map(through).collect(), g.shape())
}

/// The gradients of input, weights and bias: g · wᵀ, xᵀ · g, and Σ g over the batch.
fn backward<B: Host, T: Number>(
    [x, weights, g]: [&FloatTensor<B>; 3],
    [for_x, for_weights, for_bias]: [bool; 3],
) -> [Option<FloatTensor<B>>; 3] {
    let (inputs, [batch, units]) = (x.shape()[1], g.shape().dims());
    let [x, weights, gradient] = &[x, weights, g].map(B::read::<T>);
    let rows = Matrix::rows(gradient, units);
    let multiply = |sizes: [usize; 3], a, b| {
        let bias = None;
        let result = T::run(Product { sizes, a, b, bias }, usize::MAX);
        B::make(result, Shape::from([sizes[0], sizes[1]]))
    };
    let turned = Matrix::rows(weights, units).transposed();
    let by_x = for_x.then(|| multiply([batch, inputs, units], rows, turned));
    let turned = Matrix::rows(x, inputs).transposed();
    let by_weights = for_weights.then(|| multiply([inputs, units, batch], turned, rows));
    let by_bias = for_bias.then(|| {
        let mut sums = vec![T::default(); units];
        for row in gradient.chunks_exact(units) {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
        B::make(sums, Shape::from([units]))
    });
    [by_x, by_weights, by_bias]
}
