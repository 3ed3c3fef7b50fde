//! Autodiff through every operation against central differences, in f64.

use burn::module::Param;
use burn::tensor::{DType, Tensor};
use burn_fused_cpu::{Geometry, batch_norm_relu, dense, dense_relu, dropout};
use burn_gradcheck::{GradcheckOptions, gradcheck};

use crate::common::*;
use crate::conv::{EPILOGUES, case, drawn, pair};

/// All tensors of an operation, its input as well.
type Parameters = Vec<Param<Tensor<1>>>;

/// Checks the gradients of Σ y · factors on both backends, the factors being the last of `inputs`.
fn check(what: &str, inputs: &[Vec<f64>], operation: &Operation) {
    let (factors, inputs) = inputs.split_last().unwrap();
    for device in devices() {
        let place = (device, DType::F64);
        let parameter = |numbers: &Vec<f64>| Param::from_tensor(tensor(numbers, &place));
        let parameters: Parameters = inputs.iter().map(parameter).collect();
        let loss = |parameters: &Parameters| {
            let tensors: Vec<_> = parameters.iter().map(Param::val).collect();
            (operation(&tensors).swap_remove(0) * tensor(factors, &place)).sum()
        };
        let options = GradcheckOptions {
            samples: if few() { 3 } else { 100 },
            ..GradcheckOptions::default()
        };
        let report = gradcheck(&parameters, loss, &options).unwrap();
        assert!(report.passed(), "{what}: {report}");
        assert_eq!(report.parameters.len(), inputs.len());
    }
}

#[test]
fn gradcheck_accepts_every_block_on_both_backends() {
    let paddings = [[0; 4], [1; 4], [0, 2, 1, 0]];
    for (padding, epilogue) in both(&paddings, &EPILOGUES) {
        let case = Geometry {
            padding,
            ..case(3, [5, 6], 4, 3, 0, epilogue)
        };
        check(
            &format!("{case:?}"),
            &drawn(&case, numbers, 9),
            &pair(case).ours,
        );
    }
}

#[test]
fn gradcheck_accepts_all_layers_one_behind_the_other_on_both_backends() {
    let lengths = [72, 3, 3, 18 * 7, 7, 7 * 5, 5, 4 * 5];
    let inputs: Numbers = lengths
        .into_iter()
        .zip(9..)
        .map(|(n, seed)| numbers(n, seed))
        .collect();
    let operation: Operation = Box::new(|p| {
        let of = |index: usize| p[index].clone();
        let x = of(0).reshape([4, 3, 2, 3]);
        let x = batch_norm_relu(x, of(1), of(2), 1e-3).output;
        let x = dropout(x.flatten(1, 3), 0.3, 11);
        let x = dense_relu(x, of(3).reshape([18, 7]), Some(of(4)));
        vec![dense(x, of(5).reshape([7, 5]), Some(of(6))).reshape([-1])]
    });
    check("layers", &inputs, &operation);
}
