//! `gradcheck` accepts right backward passes and finds wrong ones.

use std::cell::Cell;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig,
};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};
use burn_gradcheck::{GradcheckOptions, GradcheckReport, ParameterReport, gradcheck, in_f64};

fn device() -> Device {
    Device::flex().autodiff()
}

/// Values between −1 and 1 that follow no pattern a layer could know.
fn values<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let count = shape.iter().product::<usize>();
    let values: Vec<f64> = (0..count)
        .map(|i| (12.9898 * (i + 1) as f64).sin())
        .collect();
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F64))
}

fn check<M: Module>(module: &M, loss: impl Fn(&M) -> Tensor<1>) -> GradcheckReport {
    gradcheck(module, loss, &GradcheckOptions::default()).expect("gradcheck runs")
}

/// A sum with unequal weights, so that no error cancels.
fn weighted<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let flat: Tensor<1> = x.flatten(0, D - 1);
    let weights = values([flat.dims()[0]], &flat.device().inner());
    (flat * weights.autodiff()).sum()
}

/// The value of one expression with the gradient of another: a mistake in a backward pass.
fn mistake<const D: usize>(value: Tensor<D>, gradient_of: Tensor<D>) -> Tensor<D> {
    value.detach() + gradient_of.clone() - gradient_of.detach()
}

/// Prints a row of the README's table, and holds that mistakes are found where there are any.
fn row<M: Module>(module: &str, mistake: &str, checked: M, loss: impl Fn(&M) -> Tensor<1>) {
    let report = check(&in_f64(checked), loss);
    let sum = |of: fn(&ParameterReport) -> usize| report.parameters.iter().map(of).sum::<usize>();
    let (wrong, all, largest) = (sum(|p| p.wrong), sum(|p| p.checked), report.max_absolute());
    println!("| {module} | {mistake} | {wrong} / {all} | {largest:.0e} |");
    assert_eq!(report.passed(), mistake == "none", "{module}\n{report}");
}

/// Burn's layers with its own backward passes, and mistakes that people make when they write one
/// by hand. `cargo test --release --workspace --test gradcheck table -- --nocapture` prints it.
#[test]
fn the_table_of_the_readme_holds() {
    let device = device();
    let (x, image) = (values([4, 6], &device), values([2, 2, 7, 6], &device));
    let words = Tensor::<2, Int>::from_data([[0, 3, 3], [4, 1, 0]], &device);
    let linear = |outputs| -> Linear { LinearConfig::new(6, outputs).init(&device) };
    let normed = || (linear(6), LayerNormConfig::new(6).init(&device));
    let conv = Conv2dConfig::new([2, 4], [3, 2]).with_stride([2, 1]);
    let conv = conv.with_dilation([1, 2]).with_groups(2).init(&device);
    let batch = BatchNormConfig::new(2).init(&device);
    let embedding = EmbeddingConfig::new(5, 3).init(&device);
    println!("| module | mistake | elements wrong / checked | largest error |");
    println!("| --- | --- | ---: | ---: |");

    let loss = |m: &Linear| weighted(activation::relu(m.forward(x.clone())));
    row("Linear, ReLU", "none", linear(3), loss);
    let loss = |m: &Conv2d| weighted(m.forward(image.clone()).tanh());
    row("Conv2d (stride, dilation, groups)", "none", conv, loss);
    let loss = |m: &BatchNorm| weighted(m.forward(image.clone()).tanh());
    row("BatchNorm", "none", batch, loss);
    let loss = |(linear, norm): &(Linear, LayerNorm)| {
        weighted(norm.forward(linear.forward(x.clone())).powf_scalar(2.0))
    };
    row("Linear, LayerNorm", "none", normed(), loss);
    let loss = |m: &Embedding| weighted(m.forward(words.clone()).tanh());
    row("Embedding", "none", embedding, loss);

    let loss = |m: &Linear| {
        let sums = m.forward(x.clone());
        weighted(mistake(sums.clone(), sums * 1.00001))
    };
    row(
        "Linear",
        "a factor is 1.00001 times too large",
        linear(3),
        loss,
    );
    let loss = |m: &Linear| {
        let y = m.forward(x.clone()).tanh();
        mistake(y.clone().mean(), y.sum())
    };
    row("Linear", "sum where the mean is meant", linear(3), loss);
    let loss = |m: &Linear| {
        let bias = m.bias.as_ref().expect("a bias").val();
        weighted(x.clone().matmul(m.weight.val()) + bias.detach().unsqueeze())
    };
    row("Linear", "the bias is forgotten", linear(3), loss);
    let loss = |m: &Linear| {
        let sums = m.forward(x.clone());
        let y = activation::sigmoid(sums.clone());
        weighted(mistake(y.clone(), y.detach() * sums))
    };
    row(
        "Linear, sigmoid",
        "y where y (1 − y) is meant",
        linear(3),
        loss,
    );
    let loss = |m: &Linear| {
        let sums = m.forward(x.clone());
        let y = activation::log_softmax(sums.clone(), 1);
        let probabilities = y.clone().exp().detach();
        mistake(-y.slice([0..4, 1..2]).sum(), (probabilities * sums).sum())
    };
    let cross_entropy = "Linear, softmax, cross-entropy";
    row(cross_entropy, "y where y − t is meant", linear(3), loss);
    let loss = |(linear, norm): &(Linear, LayerNorm)| {
        let sums = linear.forward(x.clone());
        let deviation = sums.clone().var_bias(1).sqrt().detach();
        weighted(mistake(norm.forward(sums.clone()), sums / deviation).tanh())
    };
    let constants = "mean and deviation as constants";
    row("Linear, LayerNorm", constants, normed(), loss);
    let loss = |m: &Conv2d| {
        let flipped = m.weight.val().flip([2, 3]);
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        let wrong = conv2d(image.clone(), flipped, None, options);
        weighted(mistake(m.forward(image.clone()), wrong))
    };
    let conv = Conv2dConfig::new([2, 4], [3, 3]).init(&device);
    row("Conv2d", "the kernel's gradient is flipped", conv, loss);
}

/// x², whose backward pass says 3 x where 2 x is right.
#[backend_extension(Flex, Autodiff)]
trait WrongSquare: Backend {
    fn wrong_square(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl WrongSquare for Flex {
    fn wrong_square(x: FloatTensor<Self>) -> FloatTensor<Self> {
        use burn::backend::ops::FloatTensorOps;
        Flex::float_mul(x.clone(), x)
    }
}

impl<B: Backend + WrongSquare, C: CheckpointStrategy> WrongSquare for Autodiff<B, C> {
    fn wrong_square(x: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct WrongBackward;

        impl<B: Backend> Backward<B, 1> for WrongBackward {
            type State = FloatTensor<B>;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let [node] = ops.parents;
                let grad = grads.consume::<B>(&ops.node);
                if let Some(node) = node {
                    let wrong = B::float_mul_scalar(B::float_mul(grad, ops.state), 3.0.into());
                    grads.register::<B>(node.id, wrong);
                }
            }
        }

        match WrongBackward
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let inner = x.primitive().clone();
                prep.finish(inner.clone(), B::wrong_square(inner))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::wrong_square(x.into_primitive())),
        }
    }
}

#[test]
fn a_custom_operation_with_a_wrong_backward_pass_is_found() {
    let device = device();
    let linear: Linear = in_f64(LinearConfig::new(3, 2).init(&device));
    let x = values([4, 3], &device);
    let report = check(&linear, |m| {
        let out = m.forward(x.clone()).into_dispatch();
        Tensor::<2>::from_dispatch(<Dispatch as WrongSquare>::wrong_square(out)).sum()
    });
    assert!(!report.passed());
    let worst = &report.parameters[0].worst[0];
    assert!(
        (worst.autodiff / worst.numeric - 1.5).abs() < 1e-6,
        "{report}"
    );
    assert_eq!(worst.index.len(), 2);
}

#[derive(Module, Debug)]
struct Numbers {
    values: Param<Tensor<1>>,
}

fn numbers(values: &[f64], device: &Device) -> Numbers {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Numbers {
        values: Param::from_tensor(Tensor::from_data(data, (device, DType::F64))),
    }
}

#[test]
fn an_element_on_a_kink_is_counted_and_one_beside_it_is_resolved() {
    // ReLU at 0, at 10⁻⁶ (inside the first step of 10⁻⁵) and far away.
    let module = numbers(&[0.0, 1e-6, 0.5], &device());
    let report = check(&module, |m| activation::relu(m.values.val()).sum());
    assert!(report.passed(), "{report}");
    assert_eq!(report.parameters[0].kinks, 1);
    assert!(report.parameters[0].max_absolute < 1e-6, "{report}");
}

#[test]
fn a_wrong_gradient_on_a_kink_does_not_hide_behind_it() {
    // |x| at 0 has slopes −1 and 1; this backward pass says 5.
    let module = numbers(&[0.0], &device());
    let report = check(&module, |m| {
        let x = m.values.val();
        (x.clone() * 5.0 - x.clone().detach() * 5.0 + x.detach().abs()).sum()
    });
    assert!(!report.passed(), "{report}");
}

#[test]
fn what_cannot_be_checked_is_an_error_that_says_why() {
    let options = GradcheckOptions::default();
    let device = device();
    let narrow: Linear = LinearConfig::new(2, 2).init(&device);
    let x = Tensor::<2>::ones([1, 2], &device);
    let module = numbers(&[1.0, 2.0], &device);
    let calls = Cell::new(0.0);
    let drifting = |m: &Numbers| {
        calls.set(calls.get() + 1.0);
        m.values.val().sum() * calls.get()
    };
    let no_step = GradcheckOptions {
        step: 0.0,
        ..options.clone()
    };
    let sum = |m: &Numbers| m.values.val().sum();
    let cases = [
        (
            gradcheck(&narrow, |m| m.forward(x.clone()).sum(), &options),
            "in_f64",
        ),
        (
            gradcheck(&module, |m| m.values.val(), &options),
            "shape [2]",
        ),
        (
            gradcheck(&module, |_| Tensor::ones([1], &Device::flex()), &options),
            "autodiff",
        ),
        (
            gradcheck(&module, |m| (sum(m) * -1.0).log(), &options),
            "NaN",
        ),
        (gradcheck(&module, drifting, &options), "then"),
        (gradcheck(&module, sum, &no_step), "positive"),
    ];
    for (result, part) in cases {
        let message = result.expect_err("not a report").to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_large_parameter_is_sampled_the_same_way_every_time() {
    let module = numbers(
        &(0..500).map(|i| f64::from(i) / 500.0).collect::<Vec<_>>(),
        &device(),
    );
    let run = || check(&module, |m| m.values.val().sin().sum());
    let (first, second) = (run(), run());
    assert_eq!(first.parameters[0].checked, 100);
    assert_eq!(first.parameters[0].worst, second.parameters[0].worst);
}
