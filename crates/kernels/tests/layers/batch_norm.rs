use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{Implementation, batch_norm_relu, batch_norm_relu_implementation};

use crate::common::*;

/// Output, mean, variance, and the gradients by x, γ and β of one channel, from the definition.
fn normalized(x: &[f64], g: &[f64], [gamma, beta]: [f64; 2], epsilon: f64) -> [Vec<f64>; 6] {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let deviation = (variance + epsilon).sqrt();
    let unit: Vec<f64> = x.iter().map(|x| (x - mean) / deviation).collect();
    let before: Vec<f64> = unit.iter().map(|u| gamma * u + beta).collect();
    let g: Vec<f64> = g
        .iter()
        .zip(&before)
        .map(|(g, y)| if *y > 0.0 { *g } else { 0.0 })
        .collect();
    // By the chain rule through variance and mean, as in the paper.
    let by_variance: f64 = (0..x.len())
        .map(|i| g[i] * gamma * (x[i] - mean) * -0.5 * deviation.powi(-3))
        .sum();
    let by_mean: f64 = g.iter().map(|g| -g * gamma / deviation).sum::<f64>();
    let by_x = (0..x.len())
        .map(|i| g[i] * gamma / deviation + by_variance * 2.0 * (x[i] - mean) / n + by_mean / n)
        .collect();
    let by_gamma = g.iter().zip(&unit).map(|(g, u)| g * u).sum();
    let by_beta = g.iter().sum();
    let y = before.iter().map(|y| y.max(0.0)).collect();
    [
        y,
        vec![mean],
        vec![variance],
        by_x,
        vec![by_gamma],
        vec![by_beta],
    ]
}

/// [`batch_norm_relu`] and its gradients, in the order of [`normalized`].
fn batch_norm(
    shape: [usize; 4],
    [x, g, gamma, beta]: [&[f64]; 4],
    device: &Device,
    dtype: DType,
) -> [Vec<f64>; 6] {
    let x = tensor(x, shape, device, dtype).require_grad();
    let [gamma, beta] =
        [gamma, beta].map(|of| tensor(of, [shape[1]], device, dtype).require_grad());
    let result = batch_norm_relu(x.clone(), gamma.clone(), beta.clone(), 1e-5);
    let gradients = (result.output.clone() * tensor(g, shape, device, dtype))
        .sum()
        .backward();
    [
        values(result.output.inner()),
        values(result.mean.inner()),
        values(result.variance.inner()),
        values(x.grad(&gradients).unwrap()),
        values(gamma.grad(&gradients).unwrap()),
        values(beta.grad(&gradients).unwrap()),
    ]
}

const NORM_SHAPES: [[usize; 4]; 6] = [
    [1, 1, 3, 4],
    [13, 3, 1, 1],
    [5, 4, 3, 7],
    [3, 7, 4, 4],
    [1, 2, 28, 28],
    [128, 3, 14, 14],
];

#[test]
fn batch_normalization_and_its_gradients_agree_with_the_definition() {
    for shape in NORM_SHAPES {
        let [batch, channels, height, width] = shape;
        let (plane, count) = (height * width, batch * channels * height * width);
        // A mean many times the deviation, which a sum of squares would not survive.
        let x: Vec<f64> = numbers(count, 1).into_iter().map(|x| 20.0 + x).collect();
        let g = numbers(count, 2);
        let [gamma, beta] = [3, 4].map(|seed| numbers(channels, seed));
        let of_channel = |numbers: &[f64], channel| -> Vec<f64> {
            numbers
                .chunks_exact(plane)
                .skip(channel)
                .step_by(channels)
                .flatten()
                .copied()
                .collect()
        };
        let types = [(DType::F32, 1e-5), (DType::F64, TOLERANCE_F64)];
        for (device, (dtype, tolerance)) in both(&devices().map(Device::autodiff), &types) {
            let found = batch_norm(shape, [&x, &g, &gamma, &beta], &device, dtype);
            for channel in 0..channels {
                let expected = normalized(
                    &of_channel(&x, channel),
                    &of_channel(&g, channel),
                    [gamma[channel], beta[channel]],
                    1e-5,
                );
                let names = ["output", "mean", "variance", "∂x", "∂γ", "∂β"];
                for (at, name) in names.into_iter().enumerate() {
                    let found = if found[at].len() == count {
                        of_channel(&found[at], channel)
                    } else {
                        vec![found[at][channel]]
                    };
                    // Of a difference of nearly equal numbers, the difference's error counts.
                    let scale = if dtype == DType::F32 { 20.0 } else { 100.0 };
                    let what = format!("{name} of {shape:?} in {dtype:?} on {device:?}");
                    assert_close(&found, &expected[at], scale * tolerance, &what);
                }
            }
        }
    }
}

#[test]
fn batch_normalization_gives_the_same_bits_with_any_number_of_threads() {
    let shape = [64, 5, 14, 14];
    let [x, g] = [1, 2].map(|seed| numbers(64 * 5 * 14 * 14, seed));
    let [gamma, beta] = [3, 4].map(|seed| numbers(5, seed));
    let device = Device::flex().autodiff();
    let [one, two, three] = [1, 2, 3].map(|threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| batch_norm(shape, [&x, &g, &gamma, &beta], &device, DType::F32))
    });
    assert_eq!(one, two);
    assert_eq!(one, three);
}

#[test]
fn batch_normalization_elsewhere_takes_burns_operations() {
    let device = Device::flex().autodiff();
    let path = |shape: [usize; 4], dtype: DType| {
        batch_norm_relu_implementation(&Tensor::zeros(shape, (&device, dtype)))
    };
    assert_eq!(path([2, 3, 4, 4], DType::F32), Implementation::Fused);
    assert_eq!(path([0, 3, 4, 4], DType::F32), Implementation::Fallback);
    assert_eq!(path([2, 3, 4, 4], DType::F16), Implementation::Fallback);
    let shape = [4, 3, 5, 5];
    let [x, g] = [1, 2].map(|seed| numbers(300, seed));
    let [gamma, beta] = [3, 4].map(|seed| numbers(3, seed));
    let run = |dtype| batch_norm(shape, [&x, &g, &gamma, &beta], &device, dtype);
    for (half, single) in run(DType::F16).iter().zip(run(DType::F32)) {
        assert_close(half, &single, 0.01, "f16");
    }
}

#[test]
fn a_nan_in_a_channel_makes_all_of_the_channel_nan_and_no_other() {
    for device in devices() {
        let mut x = numbers(2 * 3 * 4, 1);
        x[5] = f64::NAN; // image 0, channel 1
        let x: Tensor<4> = tensor(&x, [2, 3, 2, 2], &device, DType::F32);
        let [gamma, beta] = [1.0, 0.0].map(|value| Tensor::<1>::full([3], value, &device));
        let result = batch_norm_relu(x, gamma, beta, 1e-5);
        for (at, y) in values(result.output).into_iter().enumerate() {
            assert_eq!(y.is_nan(), at / 4 % 3 == 1, "{at}: {y}");
        }
    }
}
