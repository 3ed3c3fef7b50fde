//! Autodiff through the block against central differences, in f64.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{Epilogue, Implementation, conv_block, conv_block_implementation};
use burn_gradcheck::{GradcheckOptions, gradcheck};

use crate::cases::{ALL, case, devices, few, take_turns, tensor};

/// A block whose images are parameters as well.
#[derive(Module, Debug)]
struct Block {
    images: Param<Tensor<4>>,
    weights: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

fn check(padding: [usize; 4], epilogue: Epilogue, device: &Device) {
    let mut case = case(3, [5, 6], 4, 3, 0, epilogue);
    case.padding = padding;
    let from = case.numbers(9);
    let tensors = case.tensors(&from, device, DType::F64);
    let path = conv_block_implementation(&tensors.images, &tensors.weights, padding, epilogue);
    assert_eq!(path, Implementation::Fused);
    let block = Block {
        images: Param::from_tensor(tensors.images),
        weights: Param::from_tensor(tensors.weights),
        bias: Param::from_tensor(tensors.bias),
    };
    let shape = tensors.gradient.dims();
    let factors: Tensor<4> = tensor(&from.gradient, shape, device, DType::F64);
    let loss = |block: &Block| {
        let bias = Some(block.bias.val());
        let y = conv_block(
            block.images.val(),
            block.weights.val(),
            bias,
            padding,
            epilogue,
        );
        (y * factors.clone()).sum()
    };
    let options = GradcheckOptions {
        samples: if few() { 3 } else { 100 },
        ..GradcheckOptions::default()
    };
    let report = gradcheck(&block, loss, &options).unwrap();
    assert!(report.passed(), "{padding:?} {epilogue:?}: {report}");
    assert_eq!(report.parameters.len(), 3);
}

#[test]
fn gradcheck_accepts_every_block_on_both_backends() {
    let _turn = take_turns();
    for device in devices() {
        for padding in [[0; 4], [1; 4], [0, 2, 1, 0]] {
            for epilogue in ALL {
                check(padding, epilogue, &device);
            }
        }
    }
}
