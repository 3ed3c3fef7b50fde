//! The same by Burn's own operations: for other backends, other sizes, and numbers that are not
//! finite.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation};

use crate::conv::{Epilogue, Geometry};

fn options([top, left, bottom, right]: [usize; 4]) -> ConvOptions<2> {
    ConvOptions::new_with_padding([1, 1], [(top, bottom), (left, right)], [1, 1], 1)
}

/// A convolution block of Burn's operations.
pub(crate) fn conv_block(
    images: Tensor<4>,
    weights: Tensor<4>,
    bias: Option<Tensor<1>>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Tensor<4> {
    let x = conv2d(images, weights, bias, options(padding));
    match epilogue {
        Epilogue::Nothing => x,
        Epilogue::Relu => activation::relu(x),
        Epilogue::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2, 2])),
    }
}

/// Gradients of images (where asked for), weights and bias by Burn's operations, `gradient` being
/// that of the convolution's result, before ReLU and pool.
pub(crate) fn conv_backward<B: Backend>(
    geometry: &Geometry,
    images: FloatTensor<B>,
    weights: FloatTensor<B>,
    bias: FloatTensor<B>,
    gradient: FloatTensor<B>,
    for_images: bool,
) -> [Option<FloatTensor<B>>; 3] {
    let options = options(geometry.padding);
    [
        for_images.then(|| {
            B::conv2d_x_backward(
                images.clone(),
                weights.clone(),
                gradient.clone(),
                options.clone(),
            )
        }),
        Some(B::conv2d_weight_backward(
            images.clone(),
            weights,
            gradient.clone(),
            options,
        )),
        Some(B::conv2d_bias_backward(images, bias, gradient)),
    ]
}
