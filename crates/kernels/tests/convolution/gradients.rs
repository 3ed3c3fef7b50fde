//! Autodiff through the block against central differences, in f64.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use digits_kernels::{Path, Then, conv_block, conv_block_path};
use digits_verify::gradcheck::{GradcheckOptions, gradcheck};

use crate::cases::{ALL, case, devices, few, take_turns, tensor};

/// A block whose images are parameters as well.
#[derive(Module, Debug)]
struct Block {
    images: Param<Tensor<4>>,
    weights: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

fn check(padding: [usize; 4], then: Then, device: &Device) {
    let mut case = case(3, [5, 6], 4, 3, 0, then);
    case.padding = padding;
    let from = case.numbers(9);
    let tensors = case.tensors(&from, device, DType::F64);
    let path = conv_block_path(&tensors.images, &tensors.weights, padding, then);
    assert_eq!(path, Path::Fused);
    let block = Block {
        images: Param::from_tensor(tensors.images),
        weights: Param::from_tensor(tensors.weights),
        bias: Param::from_tensor(tensors.bias),
    };
    let shape = tensors.gradient.dims();
    let factors: Tensor<4> = tensor(&from.gradient, shape, device, DType::F64);
    let loss = |block: &Block| {
        let bias = Some(block.bias.val());
        let y = conv_block(block.images.val(), block.weights.val(), bias, padding, then);
        (y * factors.clone()).sum()
    };
    let options = GradcheckOptions {
        samples: if few() { 3 } else { 100 },
        ..GradcheckOptions::default()
    };
    let report = gradcheck(&block, loss, &options).unwrap();
    assert!(report.passed(), "{padding:?} {then:?}: {report}");
    assert_eq!(report.parameters.len(), 3);
}

#[test]
fn gradcheck_accepts_every_block_on_both_backends() {
    let _turn = take_turns();
    for device in devices() {
        for padding in [[0; 4], [1; 4], [0, 2, 1, 0]] {
            for then in ALL {
                check(padding, then, &device);
            }
        }
    }
}
