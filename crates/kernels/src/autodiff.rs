//! The operations under Burn's autodiff: hand-written backward passes.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, TensorMetadata};
use burn::tensor::{DType, Shape};

use crate::conv::{Epilogue, Geometry, Inputs, ReluPoolMask, unpool};
use crate::elementwise::{self, AdamStep};
use crate::fallback;
use crate::gemm::Matrix;
use crate::host::{Host, Number};
use crate::norm;
use crate::operations::{AdamState, BatchNormResult, Kernels, Marks, conv, planes, typed};

/// The nodes of an operation's three tensors in the graph, and the tensors themselves.
fn apart<B: Backend, C: CheckpointStrategy>(
    tensors: [FloatTensor<Autodiff<B, C>>; 3],
) -> ([NodeGuard; 3], [FloatTensor<B>; 3]) {
    let [(a, a_node), (b, b_node), (c, c_node)] = tensors.map(|tensor| tensor.into_parts());
    ([a_node, b_node, c_node], [a, b, c])
}

impl<B: Host + Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn conv_block(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        let (nodes, [images, weights, bias]) = apart::<B, C>([images, weights, bias]);
        match ConvBlock.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, marks) =
                    typed!(images, conv::<B>(&images, &weights, &bias, geometry, true));
                let saved = Saved {
                    output: (geometry.epilogue == Epilogue::Relu).then(|| output.clone()),
                    images,
                    weights,
                    bias,
                    geometry,
                    marks,
                };
                prep.finish(saved, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv_block(images, weights, bias, geometry)),
        }
    }

    fn dense(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        let (nodes, [x, weights, bias]) = apart::<B, C>([x, weights, bias]);
        match Dense.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::dense(x.clone(), weights.clone(), bias, relu);
                prep.finish((x, weights, relu.then(|| y.clone())), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::dense(x, weights, bias, relu)),
        }
    }

    fn batch_norm_relu(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> BatchNormResult<Self> {
        let (nodes, [x, gamma, beta]) = apart::<B, C>([x, gamma, beta]);
        let result = B::batch_norm_relu(x.clone(), gamma.clone(), beta, epsilon);
        let output = match BatchNormRelu.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = SavedNorm {
                    x,
                    gamma,
                    output: result.output.clone(),
                    mean: result.mean.clone(),
                    variance: result.variance.clone(),
                    epsilon,
                };
                prep.finish(saved, result.output)
            }
            OpsKind::UnTracked(prep) => prep.finish(result.output),
        };
        BatchNormResult {
            output,
            mean: <FloatTensor<Self>>::new(result.mean),
            variance: <FloatTensor<Self>>::new(result.variance),
        }
    }

    fn dropout(x: FloatTensor<Self>, seed: u64, probability: f64) -> FloatTensor<Self> {
        let node = x.node();
        let y = B::dropout(x.into_primitive(), seed, probability);
        match Dropout.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((seed, probability), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn adam(_: AdamState<Self>, _: FloatTensor<Self>, _: AdamStep) -> AdamState<Self> {
        unreachable!("the function on tensors takes none that is tracked")
    }
}

#[derive(Debug)]
struct ConvBlock;

/// What the backward pass of a convolution block needs.
#[derive(Debug, Clone)]
struct Saved<B: Backend> {
    images: FloatTensor<B>,
    weights: FloatTensor<B>,
    bias: FloatTensor<B>,
    geometry: Geometry,
    marks: Marks,
    output: Option<FloatTensor<B>>,
}

impl<B: Host> Backward<B, 3> for ConvBlock {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [images, weights, bias] = ops.parents;
        let results = typed!(
            gradient,
            conv_backward::<B>(&ops.state, gradient.clone(), images.is_some())
        );
        for (node, result) in [images, weights, bias].into_iter().zip(results) {
            if let (Some(node), Some(result)) = (node, result) {
                grads.register::<B>(node.id, result);
            }
        }
    }
}

fn conv_backward<B: Host, T: Number>(
    saved: &Saved<B>,
    gradient: FloatTensor<B>,
    for_images: bool,
) -> [Option<FloatTensor<B>>; 3] {
    let output = saved.output.as_ref().map(B::read::<T>);
    let mask = match (&output, &saved.marks) {
        (Some(output), _) => ReluPoolMask::Relu(output),
        (_, Some(marks)) => ReluPoolMask::Marks(marks),
        _ => ReluPoolMask::Through,
    };
    let result = T::backward(
        &saved.geometry,
        Inputs {
            images: &B::read::<T>(&saved.images),
            weights: &B::read::<T>(&saved.weights),
            gradients: &B::read::<T>(&gradient),
            mask,
            for_images,
        },
    );
    match result {
        Some(result) => [
            result
                .images
                .map(|images| B::make(images, saved.images.shape())),
            Some(B::make(result.weights, saved.weights.shape())),
            Some(B::make(result.bias, saved.bias.shape())),
        ],
        // Infinite or NaN: Burn's convolutions, which multiply by every 0. Which pixels ReLU and
        // pool let through is as the forward pass had it, as the result that the user saw: Burn's
        // pool on ndarray would pass over a NaN.
        None => {
            let before = unpool(&saved.geometry, &B::read::<T>(&gradient), mask);
            let [height, width] = saved.geometry.convolved().unwrap_or_default();
            let shape = [
                saved.geometry.batch,
                saved.geometry.channels_out,
                height,
                width,
            ];
            fallback::conv_backward::<B>(
                &saved.geometry,
                saved.images.clone(),
                saved.weights.clone(),
                saved.bias.clone(),
                B::make(before, Shape::from(shape)),
                for_images,
            )
        }
    }
}

#[derive(Debug)]
struct Dense;

impl<B: Host> Backward<B, 3> for Dense {
    /// Input, weights and, where ReLU follows, the result.
    type State = (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (x, weights, y) = ops.state;
        let gradient = match y {
            Some(y) => typed!(gradient, relu_backward::<B>(&gradient, &y)),
            None => gradient,
        };
        let [x_node, weights_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let result = typed!(gradient, dense_x::<B>(&gradient, &weights));
            grads.register::<B>(node.id, result);
        }
        if let Some(node) = weights_node {
            let result = typed!(gradient, dense_weights::<B>(&x, &gradient));
            grads.register::<B>(node.id, result);
        }
        if let Some(node) = bias_node {
            let result = typed!(gradient, column_sums::<B>(&gradient));
            grads.register::<B>(node.id, result);
        }
    }
}

fn relu_backward<B: Host, T: Number>(g: &FloatTensor<B>, y: &FloatTensor<B>) -> FloatTensor<B> {
    let before = elementwise::relu_backward(&B::read::<T>(g), &B::read::<T>(y));
    B::make(before, g.shape())
}

/// ∂L/∂x = g · wᵀ
fn dense_x<B: Host, T: Number>(g: &FloatTensor<B>, weights: &FloatTensor<B>) -> FloatTensor<B> {
    let (shape, g_shape) = (weights.shape(), g.shape());
    let [m, n, k] = [g_shape[0], shape[0], shape[1]];
    let result = T::multiply(
        [m, n, k],
        Matrix::rows(&B::read::<T>(g), k),
        Matrix::rows(&B::read::<T>(weights), k).transposed(),
        None,
    );
    B::make(result, Shape::from([m, n]))
}

/// ∂L/∂w = xᵀ · g
fn dense_weights<B: Host, T: Number>(x: &FloatTensor<B>, g: &FloatTensor<B>) -> FloatTensor<B> {
    let (x_shape, g_shape) = (x.shape(), g.shape());
    let [m, n, k] = [x_shape[1], g_shape[1], g_shape[0]];
    let result = T::multiply(
        [m, n, k],
        Matrix::rows(&B::read::<T>(x), m).transposed(),
        Matrix::rows(&B::read::<T>(g), n),
        None,
    );
    B::make(result, Shape::from([m, n]))
}

/// ∂L/∂b = Σ g over the batch
fn column_sums<B: Host, T: Number>(g: &FloatTensor<B>) -> FloatTensor<B> {
    let columns = g.shape()[1];
    let mut sums = vec![T::default(); columns];
    for row in B::read::<T>(g).chunks_exact(columns) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum = sum.plus(x);
        }
    }
    B::make(sums, Shape::from([columns]))
}

#[derive(Debug)]
struct BatchNormRelu;

/// What the backward pass of batch normalization needs.
#[derive(Debug, Clone)]
struct SavedNorm<B: Backend> {
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    output: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
}

impl<B: Host> Backward<B, 3> for BatchNormRelu {
    type State = SavedNorm<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let results = typed!(gradient, norm_backward::<B>(&ops.state, &gradient));
        for (node, result) in ops.parents.into_iter().zip(results) {
            if let Some(node) = node {
                grads.register::<B>(node.id, result);
            }
        }
    }
}

fn norm_backward<B: Host, T: Number>(
    saved: &SavedNorm<B>,
    gradient: &FloatTensor<B>,
) -> [FloatTensor<B>; 3] {
    let result = norm::backward(
        planes::<B>(&saved.x),
        norm::Saved {
            x: &B::read::<T>(&saved.x),
            output: &B::read::<T>(&saved.output),
            gamma: &B::read::<T>(&saved.gamma),
            mean: &B::read::<T>(&saved.mean),
            variance: &B::read::<T>(&saved.variance),
            epsilon: saved.epsilon,
            gradient: &B::read::<T>(gradient),
        },
    );
    [
        B::make(result.x, saved.x.shape()),
        B::make(result.gamma, saved.gamma.shape()),
        B::make(result.beta, saved.gamma.shape()),
    ]
}

#[derive(Debug)]
struct Dropout;

impl<B: Host + Kernels> Backward<B, 1> for Dropout {
    type State = (u64, f64);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (seed, probability) = ops.state;
        if let [Some(node)] = ops.parents {
            // The mask is a function of the seed: the same again.
            grads.register::<B>(node.id, B::dropout(gradient, seed, probability));
        }
    }
}
