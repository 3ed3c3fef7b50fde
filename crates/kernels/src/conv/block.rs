//! The block as an operation on tensors, with its gradients.

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Shape, Tensor, activation};

use super::backward::Backward;
use super::forward::Forward;
use super::geometry::{Epilogue, Geometry};
use super::mask::{ReluPoolMask, unpool};
use crate::host::{Host, Number, typed};
use crate::implementation::{Implementation, check_bias, or_zeros};
use crate::operation::{Operation, run};

/// The code that [`conv_block`] takes for tensors like these.
pub fn conv_block_implementation(
    images: &Tensor<4>,
    weights: &Tensor<4>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Implementation {
    let fit = geometry(images, weights, padding, epilogue).is_supported()
        && images.dtype() == weights.dtype()
        && images.dims()[1] == weights.dims()[1];
    Implementation::choose(fit, images)
}

fn geometry(
    images: &Tensor<4>,
    weights: &Tensor<4>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Geometry {
    let [batch, channels_in, height, width] = images.dims();
    let [channels_out, _, kernel_height, kernel_width] = weights.dims();
    Geometry {
        batch,
        channels_in,
        image: [height, width],
        channels_out,
        kernel: [kernel_height, kernel_width],
        padding,
        epilogue,
    }
}

/// Convolution (cross-correlation, stride 1), bias, and what `epilogue` says, as one operation,
/// differentiable in all three tensors.
///
/// # Shapes
/// images `[batch, in, height, width]`, weights `[out, in, ky, kx]`, bias `[out]` →
/// `[batch, out, height', width']`; `padding` counts the rows and columns of zeros at the top,
/// left, bottom and right.
///
/// # Panics
/// As Burn's `conv2d`: tensors of unequal types or channels, a bias of another length, a kernel
/// larger than the image.
pub fn conv_block(
    images: Tensor<4>,
    weights: Tensor<4>,
    bias: Option<Tensor<1>>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Tensor<4> {
    if let Some(bias) = &bias {
        check_bias(bias, weights.dims()[0], weights.dtype());
    }
    let sizes = geometry(&images, &weights, padding, epilogue);
    assert_eq!(
        sizes.channels_in,
        weights.dims()[1],
        "the weights have the images' channels"
    );
    // Burn's backends do not check it, and return whatever.
    assert!(
        sizes.convolved().is_some(),
        "the kernel fits in the image with its padding: {sizes:?}"
    );
    match conv_block_implementation(&images, &weights, padding, epilogue) {
        Implementation::Fallback => burns_block(images, weights, bias, padding, epilogue),
        Implementation::Fused => {
            let bias = or_zeros(bias, sizes.channels_out, &images);
            let tensors = [
                images.into_dispatch(),
                weights.into_dispatch(),
                bias.into_dispatch(),
            ];
            let [y] = run(ConvBlock(sizes), tensors);
            Tensor::from_dispatch(y)
        }
    }
}

#[derive(Debug, Clone)]
struct ConvBlock(Geometry);

/// What the backward pass of a block needs.
#[derive(Debug, Clone)]
struct Saved<F> {
    images: F,
    weights: F,
    bias: F,
    marks: Option<Arc<Vec<u8>>>,
    /// Where there is a ReLU without a pool.
    output: Option<F>,
}

impl Operation<3> for ConvBlock {
    type Saved<B: Host> = Saved<FloatTensor<B>>;

    fn forward<B: Host>(
        &self,
        [images, weights, bias]: [FloatTensor<B>; 3],
        tracked: bool,
    ) -> (Vec<FloatTensor<B>>, Self::Saved<B>) {
        let tensors = [&images, &weights, &bias];
        let (output, marks) = typed!(images, run_forward::<B>(&self.0, tensors, tracked));
        let saved = Saved {
            output: (self.0.epilogue == Epilogue::Relu).then(|| output.clone()),
            images,
            weights,
            bias,
            marks: marks.map(Arc::new),
        };
        (vec![output], saved)
    }

    fn backward<B: Host>(
        &self,
        saved: Self::Saved<B>,
        gradient: FloatTensor<B>,
        [for_images, ..]: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        typed!(
            gradient,
            run_backward::<B>(&self.0, saved, &gradient, for_images)
        )
    }
}

/// The result, and the marks of the pool.
fn run_forward<B: Host, T: Number>(
    geometry: &Geometry,
    [images, weights, bias]: [&FloatTensor<B>; 3],
    marks: bool,
) -> (FloatTensor<B>, Option<Vec<u8>>) {
    let pass = Forward {
        geometry,
        images: &B::read::<T>(images),
        weights: &B::read::<T>(weights),
        bias: &B::read::<T>(bias),
        marks,
    };
    match (geometry.output(), T::run(pass, geometry.channels_out)) {
        (Some([height, width]), Some((values, marks))) => {
            let shape = [geometry.batch, geometry.channels_out, height, width];
            (B::make(values, Shape::from(shape)), marks)
        }
        _ => unreachable!("the function on tensors asks Geometry::is_supported first"),
    }
}

/// The gradients of images (where asked for), weights and bias.
fn run_backward<B: Host, T: Number>(
    geometry: &Geometry,
    saved: Saved<FloatTensor<B>>,
    gradient: &FloatTensor<B>,
    for_images: bool,
) -> [Option<FloatTensor<B>>; 3] {
    let output = saved.output.as_ref().map(B::read::<T>);
    let mask = match (&output, &saved.marks) {
        (Some(output), _) => ReluPoolMask::Relu(output),
        (_, Some(marks)) => ReluPoolMask::Marks(marks),
        _ => ReluPoolMask::Through,
    };
    let gradients = B::read::<T>(gradient);
    let pass = Backward {
        geometry,
        images: &B::read::<T>(&saved.images),
        weights: &B::read::<T>(&saved.weights),
        gradients: &gradients,
        mask,
        for_images,
    };
    if let Some(result) = T::run(pass, geometry.channels_in * geometry.kernel[1]) {
        let images = result
            .images
            .map(|images| B::make(images, saved.images.shape()));
        let weights = B::make(result.weights, saved.weights.shape());
        return [
            images,
            Some(weights),
            Some(B::make(result.bias, saved.bias.shape())),
        ];
    }
    // Infinite or NaN: Burn's convolutions, which multiply by every 0. Which pixels ReLU and pool
    // let through is as the forward pass had it, as the result that the user saw: Burn's pool on
    // ndarray would pass over a NaN.
    let before = unpool(geometry, &gradients, mask);
    let [height, width] = geometry.convolved().unwrap_or_default();
    let shape = [geometry.batch, geometry.channels_out, height, width];
    let before = B::make(before, Shape::from(shape));
    let tensors = [
        saved.images.clone(),
        saved.weights.clone(),
        saved.bias.clone(),
    ];
    burns_backward::<B>(geometry, tensors, before, for_images)
}

// The same by Burn's own operations: for other backends, other sizes, and numbers that are not finite.

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
fn burns_block(
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
fn burns_backward<B: Backend>(
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
