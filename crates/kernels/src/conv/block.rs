//! The block as an operation on tensors, with its gradients.

use std::sync::Arc;

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Shape, Tensor, activation};

use super::backward::{Backward, ReluPoolMask, unpool};
use super::forward::Forward;
use super::geometry::{Epilogue, Geometry};
use crate::host::{Host, Number, typed};
use crate::operation::{Implementation, Operation, check_bias, or_zeros, run};

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
    if conv_block_implementation(&images, &weights, padding, epilogue) == Implementation::Fallback {
        return epilogue.apply(conv2d(images, weights, bias, options(padding)));
    }
    let bias = or_zeros(bias, sizes.channels_out, &images);
    let (images, weights) = (images.into_dispatch(), weights.into_dispatch());
    let [y] = run(ConvBlock(sizes), [images, weights, bias.into_dispatch()]);
    Tensor::from_dispatch(y)
}

#[derive(Debug, Clone)]
struct ConvBlock(Geometry);

impl Operation<3> for ConvBlock {
    /// Images, weights and bias; the marks of the pool; where there is a ReLU without one, the
    /// result.
    type Saved<B: Host> = (
        [FloatTensor<B>; 3],
        Option<Arc<Vec<u8>>>,
        Option<FloatTensor<B>>,
    );

    fn forward<B: Host>(
        &self,
        tensors: [FloatTensor<B>; 3],
        tracked: bool,
    ) -> (Vec<FloatTensor<B>>, Self::Saved<B>) {
        let (y, marks) = typed!(tensors[0], run_forward::<B>(&self.0, &tensors, tracked));
        let output = (self.0.epilogue == Epilogue::Relu).then(|| y.clone());
        (vec![y], (tensors, marks.map(Arc::new), output))
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
    [images, weights, bias]: &[FloatTensor<B>; 3],
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
    ([images, weights, bias], marks, output): <ConvBlock as Operation<3>>::Saved<B>,
    gradient: &FloatTensor<B>,
    for_images: bool,
) -> [Option<FloatTensor<B>>; 3] {
    let output = output.as_ref().map(B::read::<T>);
    let mask = match (&output, &marks) {
        (Some(output), _) => ReluPoolMask::Relu(output),
        (_, Some(marks)) => ReluPoolMask::Marks(marks),
        _ => ReluPoolMask::Through,
    };
    let gradients = B::read::<T>(gradient);
    let pass = Backward {
        geometry,
        images: &B::read::<T>(&images),
        weights: &B::read::<T>(&weights),
        gradients: &gradients,
        mask,
        for_images,
    };
    if let Some((x, w, b)) = T::run(pass, geometry.channels_in * geometry.kernel[1]) {
        return [
            x.map(|x| B::make(x, images.shape())),
            Some(B::make(w, weights.shape())),
            Some(B::make(b, bias.shape())),
        ];
    }
    // Infinite or NaN: Burn's convolutions, which multiply by every 0. Which pixels ReLU and pool
    // let through is as the forward pass had it, as the result that the user saw: Burn's pool on
    // ndarray would pass over a NaN.
    let before = unpool(geometry, &gradients, mask);
    let [height, width] = geometry.convolved().unwrap_or_default();
    let shape = [geometry.batch, geometry.channels_out, height, width];
    let g = B::make(before, Shape::from(shape));
    let options = options(geometry.padding);
    let (x, w) = (images.clone(), weights.clone());
    let by_images = for_images.then(|| B::conv2d_x_backward(x, w, g.clone(), options.clone()));
    let by_weights = B::conv2d_weight_backward(images.clone(), weights, g.clone(), options);
    [
        by_images,
        Some(by_weights),
        Some(B::conv2d_bias_backward(images, bias, g)),
    ]
}

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
