//! The same by Burn's own operations: for other backends, other sizes, and numbers that are not
//! finite.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation};

use super::geometry::{Epilogue, Geometry};

impl Epilogue {
    /// The same on the result of a convolution, by Burn's own operations.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` → the same, or half of each edge after the pool
    pub fn apply(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Nothing => x,
            Self::Relu => activation::relu(x),
            Self::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2, 2])),
        }
    }
}

fn options([top, left, bottom, right]: [usize; 4]) -> ConvOptions<2> {
    ConvOptions::new_with_padding([1, 1], [(top, bottom), (left, right)], [1, 1], 1)
}

/// A convolution block of Burn's operations.
pub(super) fn conv_block(
    images: Tensor<4>,
    weights: Tensor<4>,
    bias: Option<Tensor<1>>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Tensor<4> {
    epilogue.apply(conv2d(images, weights, bias, options(padding)))
}

/// Gradients of images (where asked for), weights and bias by Burn's operations, `gradient` being
/// that of the convolution's result, before ReLU and pool.
pub(super) fn backward<B: Backend>(
    geometry: &Geometry,
    [images, weights, bias]: [FloatTensor<B>; 3],
    gradient: FloatTensor<B>,
    for_images: bool,
) -> [Option<FloatTensor<B>>; 3] {
    let options = options(geometry.padding);
    let (x, w, g) = (images.clone(), weights.clone(), gradient.clone());
    let by_images = for_images.then(|| B::conv2d_x_backward(x, w, g, options.clone()));
    let by_weights = B::conv2d_weight_backward(images.clone(), weights, gradient.clone(), options);
    let by_bias = B::conv2d_bias_backward(images, bias, gradient);
    [by_images, Some(by_weights), Some(by_bias)]
}
