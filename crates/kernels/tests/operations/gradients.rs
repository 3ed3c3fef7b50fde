//! Autodiff through every operation against central differences, in f64.

use burn::module::Param;
use burn::tensor::{DType, Tensor};
use burn_fused_cpu::{batch_norm_relu, conv_block, dense, dense_relu, dropout};
use burn_gradcheck::{GradcheckOptions, gradcheck};

use crate::common::*;
use crate::conv_cases::EPILOGUES;

/// All tensors of an operation, its input as well.
type Parameters = Vec<Param<Tensor<2>>>;

/// Checks the gradients of Σ y · numbers that look random, y being the result of `operation`.
fn check<const D: usize>(
    what: &str,
    shapes: &[[usize; 2]],
    place: &Place,
    operation: impl Fn(&[Tensor<2>]) -> Tensor<D>,
) {
    let parameter = |(shape, seed): (&[usize; 2], u64)| {
        let numbers = numbers(shape[0] * shape[1], seed);
        Param::from_tensor(tensor(&numbers, *shape, place))
    };
    let parameters: Parameters = shapes.iter().zip(9..).map(parameter).collect();
    let loss = |parameters: &Parameters| {
        let tensors: Vec<_> = parameters.iter().map(Param::val).collect();
        let y = operation(&tensors);
        let factors = numbers(y.shape().num_elements(), 1);
        (y.clone() * tensor(&factors, y.dims(), place)).sum()
    };
    let options = GradcheckOptions {
        samples: if few() { 3 } else { 100 },
        ..GradcheckOptions::default()
    };
    let report = gradcheck(&parameters, loss, &options).unwrap();
    assert!(report.passed(), "{what}: {report}");
    assert_eq!(report.parameters.len(), shapes.len());
}

#[test]
fn gradcheck_accepts_every_block_on_both_backends() {
    let paddings = [[0; 4], [1; 4], [0, 2, 1, 0]];
    for (device, (padding, epilogue)) in both(&devices(), &both(&paddings, &EPILOGUES)) {
        let place = (device, DType::F64);
        // 3 images of 3 channels, 5×6 pixels; 4 kernels, 3×3; biases.
        let shapes = [[9, 30], [12, 9], [1, 4]];
        check(&format!("{padding:?} {epilogue:?}"), &shapes, &place, |p| {
            let [images, weights, bias] = [0, 1, 2].map(|index: usize| p[index].clone());
            let (images, weights) = (images.reshape([3, 3, 5, 6]), weights.reshape([4, 3, 3, 3]));
            conv_block(images, weights, Some(bias.reshape([4])), padding, epilogue)
        });
    }
}

#[test]
fn gradcheck_accepts_all_layers_one_behind_the_other_on_both_backends() {
    for device in devices() {
        let place = (device, DType::F64);
        let shapes = [[12, 6], [1, 3], [1, 3], [18, 7], [1, 7], [7, 5], [1, 5]];
        check("layers", &shapes, &place, |p| {
            let row = |index: usize| p[index].clone().flatten::<1>(0, 1);
            let x = p[0].clone().reshape([4, 3, 2, 3]);
            let x = batch_norm_relu(x, row(1), row(2), 1e-3).output;
            let x = dropout(x.flatten(1, 3), 0.3, 11);
            let x = dense_relu(x, p[3].clone(), Some(row(4)));
            dense(x, p[5].clone(), Some(row(6)))
        });
    }
}
