//! The kernels as operations of Burn: one trait for its CPU backends.

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, Flex, NdArray, TensorMetadata, backend_extension};
use burn::tensor::{DType, Shape};

use crate::conv::Geometry;
use crate::elementwise::{self, AdamStep};
use crate::gemm::Matrix;
use crate::host::{Host, Number};
use crate::norm::{self, Planes};

/// Parameters and moments after a step of Adam.
#[derive(ExtensionType)]
pub(crate) struct AdamState<B: Backend> {
    pub values: FloatTensor<B>,
    pub first: FloatTensor<B>,
    pub second: FloatTensor<B>,
}

/// Results of batch normalization, and the statistics of the batch.
#[derive(ExtensionType)]
pub(crate) struct BatchNormResult<B: Backend> {
    pub output: FloatTensor<B>,
    pub mean: FloatTensor<B>,
    pub variance: FloatTensor<B>,
}

/// The operations. Sizes and types were checked by the functions on tensors.
#[backend_extension(Flex, NdArray, Autodiff)]
pub(crate) trait Kernels: Backend {
    fn conv_block(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;
    fn dense(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;
    fn batch_norm_relu(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> BatchNormResult<Self>;
    fn dropout(x: FloatTensor<Self>, seed: u64, probability: f64) -> FloatTensor<Self>;
    fn adam(
        #[extension_type] state: AdamState<Self>,
        gradient: FloatTensor<Self>,
        step: AdamStep,
    ) -> AdamState<Self>;
}

/// Calls `$function::<T>` for the type of `$tensor`.
macro_rules! typed {
    ($tensor:expr, $function:ident::<$($generic:ty),+>($($argument:expr),*)) => {
        match $tensor.dtype() {
            DType::F64 => $function::<$($generic),+, f64>($($argument),*),
            _ => $function::<$($generic),+, f32>($($argument),*),
        }
    };
}

pub(crate) use typed;

macro_rules! on_host {
    ($backend:ty) => {
        impl Kernels for $backend {
            fn conv_block(
                images: FloatTensor<Self>,
                weights: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                geometry: Geometry,
            ) -> FloatTensor<Self> {
                typed!(
                    images,
                    conv::<Self>(&images, &weights, &bias, geometry, false)
                )
                .0
            }
            fn dense(
                x: FloatTensor<Self>,
                weights: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                relu: bool,
            ) -> FloatTensor<Self> {
                typed!(x, dense::<Self>(&x, &weights, &bias, relu))
            }
            fn batch_norm_relu(
                x: FloatTensor<Self>,
                gamma: FloatTensor<Self>,
                beta: FloatTensor<Self>,
                epsilon: f64,
            ) -> BatchNormResult<Self> {
                typed!(x, batch_norm::<Self>(&x, &gamma, &beta, epsilon))
            }
            fn dropout(x: FloatTensor<Self>, seed: u64, probability: f64) -> FloatTensor<Self> {
                typed!(x, dropout::<Self>(&x, seed, probability))
            }
            fn adam(
                state: AdamState<Self>,
                gradient: FloatTensor<Self>,
                step: AdamStep,
            ) -> AdamState<Self> {
                typed!(gradient, adam::<Self>(state, &gradient, step))
            }
        }
    };
}
on_host!(Flex);
on_host!(NdArray);

pub(crate) type Marks = Option<Arc<Vec<u8>>>;

pub(crate) fn conv<B: Host, T: Number>(
    images: &FloatTensor<B>,
    weights: &FloatTensor<B>,
    bias: &FloatTensor<B>,
    geometry: Geometry,
    marks: bool,
) -> (FloatTensor<B>, Marks) {
    let output = geometry.output();
    let results = T::forward(
        &geometry,
        &B::read::<T>(images),
        &B::read::<T>(weights),
        Some(&B::read::<T>(bias)),
        marks,
    );
    match (output, results) {
        (Some([height, width]), Some((values, marks))) => {
            let shape = [geometry.batch, geometry.channels_out, height, width];
            (B::make(values, Shape::from(shape)), marks.map(Arc::new))
        }
        _ => unreachable!("the function on tensors asks Geometry::is_supported first"),
    }
}

fn dense<B: Host, T: Number>(
    x: &FloatTensor<B>,
    weights: &FloatTensor<B>,
    bias: &FloatTensor<B>,
    relu: bool,
) -> FloatTensor<B> {
    let (x_shape, shape) = (x.shape(), weights.shape());
    let [m, n, k] = [x_shape[0], shape[1], shape[0]];
    let mut y = T::multiply(
        [m, n, k],
        Matrix::rows(&B::read::<T>(x), k),
        Matrix::rows(&B::read::<T>(weights), n),
        Some(&B::read::<T>(bias)),
    );
    if relu {
        elementwise::relu(&mut y);
    }
    B::make(y, Shape::from([m, n]))
}

pub(crate) fn planes<B: Host>(x: &FloatTensor<B>) -> Planes {
    let shape = x.shape();
    Planes {
        channels: shape[1],
        plane: shape[2] * shape[3],
    }
}

fn batch_norm<B: Host, T: Number>(
    x: &FloatTensor<B>,
    gamma: &FloatTensor<B>,
    beta: &FloatTensor<B>,
    epsilon: f64,
) -> BatchNormResult<B> {
    let planes = planes::<B>(x);
    let (gamma, beta) = (B::read::<T>(gamma), B::read::<T>(beta));
    let result = norm::forward(planes, &B::read::<T>(x), [&gamma, &beta], epsilon);
    let of_channels = |numbers| B::make(numbers, Shape::from([planes.channels]));
    BatchNormResult {
        output: B::make(result.output, x.shape()),
        mean: of_channels(result.mean),
        variance: of_channels(result.variance),
    }
}

fn dropout<B: Host, T: Number>(x: &FloatTensor<B>, seed: u64, probability: f64) -> FloatTensor<B> {
    B::make(T::dropout(seed, probability, &B::read::<T>(x)), x.shape())
}

fn adam<B: Host, T: Number>(
    state: AdamState<B>,
    gradient: &FloatTensor<B>,
    step: AdamStep,
) -> AdamState<B> {
    let gradient = B::read::<T>(gradient);
    let [values, first, second] = B::change::<T, 3>(
        [state.values, state.first, state.second],
        |[values, first, second]| T::adam(step, values, &gradient, [first, second]),
    );
    AdamState {
        values,
        first,
        second,
    }
}
