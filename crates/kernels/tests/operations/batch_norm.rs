use burn::tensor::DType;
use burn_fused_cpu::batch_norm_relu;

use crate::common::*;

/// x and its gradient `[batch, channels, height, width]`, γ, β.
fn draw([batch, channels, height, width]: [usize; 4]) -> Numbers {
    let count = batch * channels * height * width;
    // A mean many times the deviation, which a sum of squares would not survive.
    let x = numbers(count, 1).into_iter().map(|x| 20.0 + x).collect();
    [
        x,
        numbers(count, 2),
        numbers(channels, 3),
        numbers(channels, 4),
    ]
}

/// Output, the gradients by x, γ and β, mean and variance of one channel, from the definition.
fn naive(x: &[f64], g: &[f64], [gamma, beta]: [f64; 2], epsilon: f64) -> Results {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let deviation = (variance + epsilon).sqrt();
    let unit: Vec<f64> = x.iter().map(|x| (x - mean) / deviation).collect();
    let before: Vec<f64> = unit.iter().map(|u| gamma * u + beta).collect();
    let through = |(g, y): (&f64, &f64)| if *y > 0.0 { *g } else { 0.0 };
    let g: Vec<f64> = g.iter().zip(&before).map(through).collect();
    // By the chain rule through variance and mean, as in the paper.
    let by_variance: f64 = (0..x.len())
        .map(|i| g[i] * gamma * (x[i] - mean) * -0.5 * deviation.powi(-3))
        .sum();
    let by_mean: f64 = g.iter().map(|g| -g * gamma / deviation).sum::<f64>();
    let by_x = (0..x.len())
        .map(|i| g[i] * gamma / deviation + by_variance * 2.0 * (x[i] - mean) / n + by_mean / n)
        .collect();
    let by_gamma = g.iter().zip(&unit).map(|(g, u)| g * u).sum();
    let y = before.iter().map(|y| y.max(0.0)).collect();
    vec![
        y,
        by_x,
        vec![by_gamma],
        vec![g.iter().sum()],
        vec![mean],
        vec![variance],
    ]
}

/// In the order of [`naive`].
fn ours(shape: [usize; 4], [x, g, gamma, beta]: &Numbers, place: &Place) -> Results {
    let x = tensor(x, shape, place).require_grad();
    let [gamma, beta] = [gamma, beta].map(|of| tensor(of, [shape[1]], place).require_grad());
    let result = batch_norm_relu(x.clone(), gamma.clone(), beta.clone(), 1e-5);
    let mut results = with_gradients(result.output, g, &[&x, &gamma, &beta]);
    results.extend([result.mean, result.variance].map(|statistic| values(statistic.inner())));
    results
}

#[test]
fn batch_normalization_and_its_gradients_agree_with_the_definition_by_any_threads() {
    let small = [[1, 1, 3, 4], [13, 3, 1, 1], [5, 4, 3, 7], [3, 7, 4, 4]];
    let shapes = [&small[..], &[[1, 2, 28, 28], [128, 3, 14, 14]]].concat();
    for (shape, place) in both(&shapes, &places()) {
        let [_, channels, height, width] = shape;
        let from = draw(shape);
        let of_channel = |numbers: &Vec<f64>, channel| -> Vec<f64> {
            // A plane of an image, or one number.
            let plane = (numbers.len() / channels).min(height * width);
            let planes = numbers.chunks_exact(plane).skip(channel).step_by(channels);
            planes.flatten().copied().collect()
        };
        let what = format!("{shape:?} on {place:?}");
        let found = with_any_threads(&what, || ours(shape, &from, &place));
        // Of a difference of nearly equal numbers, the difference's error counts.
        let scale = if place.1 == DType::F32 { 20.0 } else { 100.0 };
        for channel in 0..channels {
            let [x, g, gamma, beta] = from.each_ref().map(|of| of_channel(of, channel));
            let found: Results = found.iter().map(|of| of_channel(of, channel)).collect();
            let expected = naive(&x, &g, [gamma[0], beta[0]], 1e-5);
            assert_close(&found, &expected, scale * tolerance(&place), &what);
        }
    }
}

#[test]
fn batch_normalization_in_f16_takes_burns_operations() {
    let shape = [4, 3, 5, 5];
    let [_, g, gamma, beta] = draw(shape);
    let from = [numbers(300, 1), g, gamma, beta];
    let [half, single] =
        [DType::F16, DType::F32].map(|dtype| ours(shape, &from, &(devices()[0].clone(), dtype)));
    assert_close(&half, &single, 0.01, "f16");
}

#[test]
fn a_nan_in_a_channel_makes_all_of_the_channel_nan_and_no_other() {
    for place in places() {
        let mut from = draw([2, 3, 2, 2]);
        from[0][5] = f64::NAN; // image 0, channel 1
        let y = &ours([2, 3, 2, 2], &from, &place)[0];
        for (at, y) in y.iter().enumerate() {
            assert_eq!(y.is_nan(), at / 4 % 3 == 1, "{at}: {y}");
        }
    }
}
