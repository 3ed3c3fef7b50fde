use burn::tensor::module::batch_norm_train;
use burn::tensor::{Tensor, activation};
use burn_fused_cpu::batch_norm_relu;

use crate::common::*;

const EPSILON: f64 = 1e-5;

/// x, γ, β, and the gradient of the output, x's mean being `mean`.
pub fn drawn([batch, channels, height, width]: [usize; 4], mean: f64) -> Numbers {
    let count = batch * channels * height * width;
    let mut from = draw([count, channels, channels, count], numbers, 1);
    from[0].iter_mut().for_each(|x| *x += mean);
    from
}

/// Output, mean and variance.
pub fn pair(shape: [usize; 4]) -> Pair {
    let shaped = move |from: &[Tensor<1>]| {
        let x = from[0].clone().reshape(shape);
        (x, from[1].clone(), from[2].clone())
    };
    Pair {
        ours: Box::new(move |from| {
            let (x, gamma, beta) = shaped(from);
            let result = batch_norm_relu(x, gamma, beta, EPSILON);
            vec![result.output.reshape([-1]), result.mean, result.variance]
        }),
        burns: Box::new(move |from| {
            let (x, gamma, beta) = shaped(from);
            let result = batch_norm_train(x, gamma, beta, EPSILON);
            let output = activation::relu(result.output).reshape([-1]);
            vec![output, result.mean, result.variance]
        }),
    }
}

#[test]
fn batch_normalization_and_its_gradients_agree_with_burn_by_any_threads() {
    let small = [[1, 1, 3, 4], [13, 3, 1, 1], [5, 4, 3, 7], [3, 7, 4, 4]];
    for shape in [&small[..], &[[1, 2, 28, 28], [128, 3, 14, 14]]].concat() {
        // A mean many times the deviation, which a sum of squares would not survive: of a
        // difference of nearly equal numbers, the difference's error counts.
        let from = drawn(shape, 20.0);
        pair(shape).agree(&format!("{shape:?}"), &from, &places(), 20.0);
    }
}

#[test]
fn a_nan_in_a_channel_makes_all_of_the_channel_nan_and_no_other() {
    let shape = [2, 3, 2, 2];
    for place in places() {
        let mut from = drawn(shape, 0.0);
        from[0][5] = f64::NAN; // image 0, channel 1
        for (at, y) in results(&pair(shape).ours, &from, &place)[0]
            .iter()
            .enumerate()
        {
            assert_eq!(y.is_nan(), at / 4 % 3 == 1, "{at}: {y}");
        }
    }
}
