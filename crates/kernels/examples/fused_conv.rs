//! A fused convolution in a plain Burn model: ReLU and pool without a tensor in between.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Tensor};
use burn_fused_cpu::{Epilogue, conv_block};

#[derive(Module, Debug)]
struct Model {
    conv: Conv2d,
    output: Linear,
}

impl Model {
    /// images `[batch, 1, 28, 28]` → logits `[batch, 10]`
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let bias = self.conv.bias.as_ref().map(|bias| bias.val());
        let x = conv_block(
            images,
            self.conv.weight.val(),
            bias,
            [2; 4],
            Epilogue::ReluPool,
        );
        self.output.forward(x.flatten(1, 3)) // [batch, 16 · 14 · 14]
    }
}

fn main() {
    let device = Device::flex().autodiff();
    let model = Model {
        conv: Conv2dConfig::new([1, 16], [5, 5]).init(&device),
        output: LinearConfig::new(16 * 14 * 14, 10).init(&device),
    };
    let images = Tensor::random([8, 1, 28, 28], Distribution::Default, &device);
    let loss = model.forward(images).square().mean();
    let gradients = loss.backward();
    println!("{:?}", model.conv.weight.grad(&gradients).map(|g| g.dims()));
}
