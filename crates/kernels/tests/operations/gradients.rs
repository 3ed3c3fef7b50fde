//! Autodiff through every operation against central differences, in f64.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{
    Implementation, batch_norm_relu, conv_block, conv_block_implementation, dense, dense_relu,
    dropout,
};
use burn_gradcheck::{GradcheckOptions, gradcheck};

use crate::common::*;
use crate::conv_cases::{EPILOGUES, case};

fn check<M: Module>(module: &M, parameters: usize, what: &str, loss: impl Fn(&M) -> Tensor<1>) {
    let options = GradcheckOptions {
        samples: if few() { 3 } else { 100 },
        ..GradcheckOptions::default()
    };
    let report = gradcheck(module, loss, &options).unwrap();
    assert!(report.passed(), "{what}: {report}");
    assert_eq!(report.parameters.len(), parameters);
}

/// Σ of the results times numbers that look random.
fn weighted<const D: usize>(y: Tensor<D>) -> Tensor<1> {
    let factors = numbers(y.shape().num_elements(), 9);
    (y.clone() * tensor(&factors, y.dims(), &y.device(), y.dtype())).sum()
}

/// A block whose images are parameters as well.
#[derive(Module, Debug)]
struct Block {
    images: Param<Tensor<4>>,
    weights: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

#[test]
fn gradcheck_accepts_every_block_on_both_backends() {
    let paddings = [[0; 4], [1; 4], [0, 2, 1, 0]];
    for (device, (padding, epilogue)) in both(&devices(), &both(&paddings, &EPILOGUES)) {
        let mut case = case(3, [5, 6], 4, 3, 0, epilogue);
        case.padding = padding;
        let (images, weights, bias) = case.inputs(&case.numbers(9), &device, DType::F64);
        let chosen = conv_block_implementation(&images, &weights, padding, epilogue);
        assert_eq!(chosen, Implementation::Fused);
        let block = Block {
            images: Param::from_tensor(images),
            weights: Param::from_tensor(weights),
            bias: Param::from_tensor(bias),
        };
        check(&block, 3, &format!("{padding:?} {epilogue:?}"), |block| {
            let (images, weights) = (block.images.val(), block.weights.val());
            let bias = Some(block.bias.val());
            weighted(conv_block(images, weights, bias, padding, epilogue))
        });
    }
}

/// All layers one behind the other.
#[derive(Module, Debug)]
struct Layers {
    x: Param<Tensor<4>>,
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    hidden: Param<Tensor<2>>,
    hidden_bias: Param<Tensor<1>>,
    output: Param<Tensor<2>>,
    output_bias: Param<Tensor<1>>,
}

impl Layers {
    fn new(device: &Device) -> Self {
        fn parameter<const D: usize>(
            shape: [usize; D],
            seed: u64,
            device: &Device,
        ) -> Param<Tensor<D>> {
            let numbers = numbers(shape.iter().product(), seed);
            Param::from_tensor(tensor(&numbers, shape, device, DType::F64))
        }
        Self {
            x: parameter([4, 3, 2, 3], 1, device),
            gamma: parameter([3], 2, device),
            beta: parameter([3], 3, device),
            hidden: parameter([18, 7], 4, device),
            hidden_bias: parameter([7], 5, device),
            output: parameter([7, 5], 6, device),
            output_bias: parameter([5], 7, device),
        }
    }

    fn loss(&self) -> Tensor<1> {
        let x = batch_norm_relu(self.x.val(), self.gamma.val(), self.beta.val(), 1e-3).output;
        let x = dropout(x.flatten(1, 3), 0.3, 11);
        let x = dense_relu(x, self.hidden.val(), Some(self.hidden_bias.val()));
        weighted(dense(x, self.output.val(), Some(self.output_bias.val())))
    }
}

#[test]
fn gradcheck_accepts_every_layer_on_both_backends() {
    for device in devices() {
        check(&Layers::new(&device), 7, "layers", Layers::loss);
    }
}
