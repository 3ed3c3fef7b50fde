//! Batch normalization (Ioffe and Szegedy 2015) with the parameters of Burn's layer, then ReLU.

use burn::module::Param;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use burn_fused_cpu::batch_norm_relu;

/// Normalizes by the statistics of the batch, then ReLU; moves the running statistics.
///
/// # Shapes
/// `[batch, channels, height, width]` → the same
pub(crate) fn train(norm: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    let [batch, _, height, width] = x.dims();
    let count = (batch * height * width) as f64;
    let result = batch_norm_relu(x, norm.gamma.val(), norm.beta.val(), norm.epsilon);
    // An estimate for other images: the paper (algorithm 2) and PyTorch take the unbiased
    // variance, Burn 0.22.1 the biased one. A single number has none.
    let correction = count / (count - 1.0).max(1.0);
    let moved = |running: Tensor<1>, of_batch: Tensor<1>| {
        (running * (1.0 - norm.momentum) + of_batch.detach() * norm.momentum).detach()
    };
    let device = result.output.device();
    let mean = norm.running_mean.value_sync().to_device(&device);
    let variance = norm.running_var.value_sync().to_device(&device);
    norm.running_mean.update(moved(mean, result.mean));
    norm.running_var
        .update(moved(variance, result.variance * correction));
    result.output
}

/// The convolution that gives what `conv` and then `norm` by its running statistics give:
/// normalization is a factor and a sum for each channel, and both can be those of the weights.
pub(crate) fn folded(norm: &BatchNorm, conv: &Conv2d) -> Conv2d {
    let device = conv.weight.val().device();
    let mean = norm.running_mean.value().to_device(&device);
    let variance = norm.running_var.value().to_device(&device);
    let factor = norm.gamma.val() / (variance + norm.epsilon).sqrt(); // [channels]
    let mut bias = norm.beta.val() - mean * factor.clone();
    if let Some(before) = &conv.bias {
        bias = bias + before.val() * factor.clone();
    }
    let channels = factor.dims()[0];
    let weight = conv.weight.val() * factor.reshape([channels, 1, 1, 1]);
    let mut folded = conv.clone();
    folded.weight = Param::initialized(conv.weight.id, weight);
    folded.bias = Some(Param::initialized(norm.beta.id, bias));
    folded
}
