//! Batch normalization (Ioffe and Szegedy 2015) and ReLU in two passes over memory forward and two
//! backward. Sums are taken plane by plane and added up in f64: the statistics of 50,000 numbers
//! in one running sum of f32 are wrong in the fourth digit of the gradient.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Tensor, activation};
use rayon::prelude::*;

use crate::host::{Host, Number, typed};
use crate::operation::{Implementation, Operation, check_bias, run};
use crate::simd::{CHUNK, Float};

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
    let (gamma, beta) = (gamma.into_dispatch(), beta.into_dispatch());
    let operation = BatchNormRelu { epsilon };
    let [output, mean, variance] = run(operation, [x.into_dispatch(), gamma, beta]);
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

/// Of images `[batch, channels, plane]`.
#[derive(Debug, Clone, Copy)]
struct Planes {
    channels: usize,
    /// Pixels of one channel of one image.
    plane: usize,
}

impl Planes {
    fn of<B: Host>(x: &FloatTensor<B>) -> Self {
        let [_, channels, height, width] = x.shape().dims();
        Self {
            channels,
            plane: height * width,
        }
    }

    /// Sums of each channel over all images, `plane_sum` being that of one plane and its place.
    ///
    /// In the same order with any number of threads.
    fn sums<const N: usize>(
        self,
        planes: usize,
        plane_sum: impl Fn(usize, usize) -> [f64; N] + Sync,
    ) -> Vec<[f64; N]> {
        let parts: Vec<[f64; N]> = (0..planes)
            .into_par_iter()
            .with_min_len(self.at_once())
            .map(|at| plane_sum(at % self.channels, at * self.plane))
            .collect();
        let mut sums = vec![[0.0; N]; self.channels];
        for image in parts.chunks_exact(self.channels) {
            for (sum, part) in sums.iter_mut().zip(image) {
                for (sum, part) in sum.iter_mut().zip(part) {
                    *sum += part;
                }
            }
        }
        sums
    }

    /// New numbers, `f(channel, index)` each.
    fn map<T: Float>(self, length: usize, f: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
        let mut result = Vec::with_capacity(length);
        result.spare_capacity_mut()[..length]
            .par_chunks_mut(self.plane)
            .with_min_len(self.at_once())
            .enumerate()
            .for_each(|(at, plane)| {
                let (channel, start) = (at % self.channels, at * self.plane);
                for (index, to) in (start..).zip(plane) {
                    to.write(f(channel, index));
                }
            });
        // SAFETY: the planes cover all of the buffer, and every number of each was written.
        unsafe { result.set_len(length) };
        result
    }

    fn at_once(self) -> usize {
        CHUNK.div_ceil(self.plane)
    }
}

/// Σ f(x) for the numbers of one plane. Several sums, so that they become vectors, and short ones.
#[inline(always)]
fn sum<T: Float, const N: usize>(length: usize, f: impl Fn(usize) -> [T; N]) -> [f64; N] {
    const LANES: usize = 16;
    let mut lanes = [[T::default(); LANES]; N];
    let whole = length / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            let values = f(start + lane);
            for n in 0..N {
                lanes[n][lane] += values[n];
            }
        }
    }
    let mut sums = lanes.map(|lanes| lanes.into_iter().map(Float::to_f64).sum());
    for index in whole..length {
        let values = f(index);
        for n in 0..N {
            let sum: &mut f64 = &mut sums[n];
            *sum += values[n].to_f64();
        }
    }
    sums
}

/// max(0, γ·(x − mean)/√(variance + ε) + β), and the statistics: mean and variance of each channel,
/// Σ(x − mean)²/n.
fn forward<B: Host, T: Number>(tensors: [&FloatTensor<B>; 3], epsilon: f64) -> [FloatTensor<B>; 3] {
    let planes = Planes::of::<B>(tensors[0]);
    let numbers = tensors.map(B::read::<T>);
    let [x, gamma, beta] = numbers.each_ref().map(|numbers| &**numbers);
    let count = x.len() / planes.plane;
    let per_channel = (x.len() / planes.channels) as f64;
    let means = |sums: Vec<[f64; 1]>| -> Vec<T> {
        let mean = |[sum]: [f64; 1]| T::from_f64(sum / per_channel);
        sums.into_iter().map(mean).collect()
    };
    let mean = means(planes.sums(count, |_, start| {
        let x = &x[start..][..planes.plane];
        sum(x.len(), |i| [x[i]])
    }));
    let variance = means(planes.sums(count, |channel, start| {
        let (x, mean) = (&x[start..][..planes.plane], mean[channel]);
        sum(x.len(), |i| {
            let centered = x[i] - mean;
            [centered * centered]
        })
    }));
    let scale = |(g, v): (&T, &T)| T::from_f64(g.to_f64() / (v.to_f64() + epsilon).sqrt());
    let scale: Vec<T> = gamma.iter().zip(&variance).map(scale).collect();
    let output = planes.map(x.len(), |channel, i| {
        let y = (x[i] - mean[channel]) * scale[channel] + beta[channel];
        // So, and not by a maximum, a NaN stays one.
        if y <= T::default() { T::default() } else { y }
    });
    let [mean, variance] = [mean, variance].map(|of| B::make(of, tensors[1].shape()));
    [B::make(output, tensors[0].shape()), mean, variance]
}

/// The gradients by x, γ and β; the statistics depend on x as well.
///
/// With d = x − mean, s = 1/√(variance + ε), and g the gradient where ReLU lets it through:
/// ∂β = Σg, ∂γ = s·Σ(g·d), ∂x = γ·s·(g − ∂β/n − d·s·∂γ/n).
fn backward<B: Host, T: Number>(
    saved: &[FloatTensor<B>; 5],
    gradient: &FloatTensor<B>,
    epsilon: f64,
) -> [FloatTensor<B>; 3] {
    let planes = Planes::of::<B>(gradient);
    let (numbers, gradient) = (saved.each_ref().map(B::read::<T>), B::read::<T>(gradient));
    let [x, gamma, output, mean, variance] = numbers.each_ref().map(|numbers| &**numbers);
    let gradient = &*gradient;
    let through = |y: T, g: T| if y <= T::default() { T::default() } else { g };
    let sums = planes.sums(x.len() / planes.plane, |channel, start| {
        let [x, y, g] = [x, output, gradient].map(|numbers| &numbers[start..][..planes.plane]);
        let mean = mean[channel];
        sum(x.len(), |i| {
            let g = through(y[i], g[i]);
            [g, g * (x[i] - mean)]
        })
    });
    let per_channel = (x.len() / planes.channels) as f64;
    // ∂x = scale·g − shift − slope·d
    let (mut by_gammas, mut by_betas, mut factors) = (Vec::new(), Vec::new(), Vec::new());
    for (channel, [by_beta, centered]) in sums.into_iter().enumerate() {
        let s = 1.0 / (variance[channel].to_f64() + epsilon).sqrt();
        let by_gamma = s * centered;
        let scale = gamma[channel].to_f64() * s;
        let shift = scale * by_beta / per_channel;
        let slope = scale * s * by_gamma / per_channel;
        by_gammas.push(T::from_f64(by_gamma));
        by_betas.push(T::from_f64(by_beta));
        factors.push([scale, shift, slope].map(T::from_f64));
    }
    let by_x = planes.map(x.len(), |channel, i| {
        let [scale, shift, slope] = factors[channel];
        let d = x[i] - mean[channel];
        let g = through(output[i], gradient[i]);
        scale * g - shift - slope * d
    });
    let [by_gamma, by_beta] = [by_gammas, by_betas].map(|of| B::make(of, saved[1].shape()));
    [B::make(by_x, saved[0].shape()), by_gamma, by_beta]
}
