//! Batch normalization as an operation on tensors, with its gradients.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Tensor, activation};

use super::kernel::{self, Planes};
use crate::host::{Host, Number, typed};
use crate::implementation::{Implementation, check_bias};
use crate::operation::{Operation, run};

/// What [`batch_norm_relu`] returns.
#[derive(Debug)]
pub struct Normalized {
    /// `[batch, channels, height, width]`
    pub output: Tensor<4>,
    /// Mean of each channel, `[channels]`; carries no gradient.
    pub mean: Tensor<1>,
    /// Biased variance of each channel, Σ(x − mean)²/n, `[channels]`; carries no gradient.
    pub variance: Tensor<1>,
}

/// The code that [`batch_norm_relu`] takes for a tensor like this.
pub fn batch_norm_relu_implementation(x: &Tensor<4>) -> Implementation {
    Implementation::choose(x.shape().num_elements() > 0, x)
}

/// Batch normalization by the batch's own statistics (Ioffe and Szegedy 2015) and ReLU,
/// max(0, γ·(x − mean)/√(variance + ε) + β), differentiable in all three tensors.
///
/// # Shapes
/// x `[batch, channels, height, width]`, gamma and beta `[channels]`
///
/// # Panics
/// On a gamma or beta of another length or type than x's channels.
pub fn batch_norm_relu(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Normalized {
    for of_channels in [&gamma, &beta] {
        check_bias(of_channels, x.dims()[1], x.dtype());
    }
    if batch_norm_relu_implementation(&x) == Implementation::Fallback {
        let result = burn::tensor::module::batch_norm_train(x, gamma, beta, epsilon);
        return Normalized {
            output: activation::relu(result.output),
            mean: result.mean,
            variance: result.variance,
        };
    }
    let tensors = [
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
    ];
    let [output, mean, variance] = run(BatchNormRelu { epsilon }, tensors);
    Normalized {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::from_dispatch(variance),
    }
}

#[derive(Debug, Clone)]
struct BatchNormRelu {
    epsilon: f64,
}

impl Operation<3> for BatchNormRelu {
    /// Input, γ, and the results: output, mean and variance.
    type Saved<B: Host> = [FloatTensor<B>; 5];

    fn forward<B: Host>(
        &self,
        [x, gamma, beta]: [FloatTensor<B>; 3],
        _: bool,
    ) -> (Vec<FloatTensor<B>>, Self::Saved<B>) {
        let results = typed!(x, forward::<B>([&x, &gamma, &beta], self.epsilon));
        let [output, mean, variance] = results.clone();
        (results.into(), [x, gamma, output, mean, variance])
    }

    fn backward<B: Host>(
        &self,
        saved: Self::Saved<B>,
        gradient: FloatTensor<B>,
        _: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        typed!(gradient, backward::<B>(&saved, &gradient, self.epsilon)).map(Some)
    }
}

fn planes<B: Host>(x: &FloatTensor<B>) -> Planes {
    let [_, channels, height, width] = x.shape().dims();
    Planes {
        channels,
        plane: height * width,
    }
}

fn forward<B: Host, T: Number>(
    [x, gamma, beta]: [&FloatTensor<B>; 3],
    epsilon: f64,
) -> [FloatTensor<B>; 3] {
    let (gamma_values, beta) = (B::read::<T>(gamma), B::read::<T>(beta));
    let parameters = [&*gamma_values, &*beta];
    let [output, mean, variance] =
        kernel::forward(planes::<B>(x), &B::read::<T>(x), parameters, epsilon);
    let [mean, variance] = [mean, variance].map(|of| B::make(of, gamma.shape()));
    [B::make(output, x.shape()), mean, variance]
}

fn backward<B: Host, T: Number>(
    [x, gamma, output, mean, variance]: &[FloatTensor<B>; 5],
    gradient: &FloatTensor<B>,
    epsilon: f64,
) -> [FloatTensor<B>; 3] {
    let saved = kernel::Saved {
        x: &B::read::<T>(x),
        output: &B::read::<T>(output),
        gamma: &B::read::<T>(gamma),
        mean: &B::read::<T>(mean),
        variance: &B::read::<T>(variance),
        epsilon,
        gradient: &B::read::<T>(gradient),
    };
    let [by_x, by_gamma, by_beta] = kernel::backward(planes::<B>(x), saved);
    let [by_gamma, by_beta] = [by_gamma, by_beta].map(|of| B::make(of, gamma.shape()));
    [B::make(by_x, x.shape()), by_gamma, by_beta]
}
