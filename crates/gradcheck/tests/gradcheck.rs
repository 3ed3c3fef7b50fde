//! `gradcheck` accepts right backward passes and finds wrong ones.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNormConfig, EmbeddingConfig, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};
use digits_models::{Block, CnnConfig, InputConfig, MlpConfig, Norm, Padding};
use digits_verify::VerifyError;
use digits_verify::gradcheck::{GradcheckOptions, GradcheckReport, gradcheck, in_f64};

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

fn shape(edge: usize) -> InputConfig {
    InputConfig {
        height: edge,
        width: edge,
        classes: 4,
    }
}

#[test]
fn the_mlp_has_right_gradients() {
    let device = device();
    let config = MlpConfig {
        input: shape(6),
        hidden: vec![9, 7],
        ..MlpConfig::default()
    };
    let model = in_f64(config.init(&device).expect("a valid configuration"));
    let images = values([5, 1, 6, 6], &device);
    let report = check(&model, |m| weighted(m.forward(images.clone())));
    assert!(report.passed(), "{report}");
    assert_eq!(report.parameters.len(), 6);
    assert!(report.parameters.iter().all(|p| p.checked > 0));
}

#[test]
fn the_cnn_has_right_gradients_with_and_without_batch_norm() {
    let device = device();
    for norm in [Norm::None, Norm::Batch] {
        let block = |channels| Block {
            channels,
            kernel: 3,
            stride: 1,
            padding: Padding::Same,
            pool: 2,
            norm,
            dropout: 0.0,
        };
        let config = CnnConfig {
            input: shape(8),
            hidden: vec![6],
            dropout: 0.0,
            blocks: vec![block(3), block(4)],
        };
        let model = in_f64(config.init(&device).expect("a valid configuration"));
        let images = values([3, 1, 8, 8], &device);
        let report = check(&model, |m| {
            activation::log_softmax(m.forward(images.clone()), 1)
                .slice([0..3, 1..2])
                .sum()
        });
        assert!(report.passed(), "{norm:?}\n{report}");
        assert_eq!(
            report.parameters.len(),
            if norm == Norm::Batch { 10 } else { 8 }
        );
    }
}

#[test]
fn burns_layers_have_right_gradients() {
    let device = device();
    let x = values([4, 6], &device);
    let linear = in_f64(LinearConfig::new(6, 3).init(&device));
    let norm = in_f64(LayerNormConfig::new(6).init(&device));
    let conv: Conv2d = in_f64(
        Conv2dConfig::new([2, 4], [3, 2])
            .with_stride([2, 1])
            .with_dilation([1, 2])
            .with_groups(2)
            .init(&device),
    );
    let batch = in_f64(BatchNormConfig::new(2).init(&device));
    let embedding = in_f64(EmbeddingConfig::new(5, 3).init(&device));
    let image = values([2, 2, 7, 6], &device);
    let words = Tensor::<2, Int>::from_data([[0, 3, 3], [4, 1, 0]], &device);
    let reports = [
        check(&linear, |m| weighted(m.forward(x.clone()).tanh())),
        check(&norm, |m| weighted(m.forward(x.clone()).powf_scalar(2.0))),
        check(&conv, |m| weighted(m.forward(image.clone()).tanh())),
        check(&batch, |m| weighted(m.forward(image.clone()).tanh())),
        check(&embedding, |m| weighted(m.forward(words.clone()).tanh())),
    ];
    for report in reports {
        assert!(report.passed(), "{report}");
    }
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
fn a_gradient_that_was_cut_off_is_found() {
    let module = numbers(&[0.3, -0.7], &device());
    let report = check(&module, |m| {
        (m.values.val() * m.values.val().detach()).sum()
    });
    assert!(!report.passed());
    assert_eq!(report.parameters[0].wrong, 2);
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
    let message =
        |result: Result<GradcheckReport, VerifyError>| result.expect_err("an error").to_string();
    let options = GradcheckOptions::default();
    let device = device();
    let narrow: Linear = LinearConfig::new(2, 2).init(&device);
    let x = Tensor::<2>::ones([1, 2], &device);
    assert!(
        message(gradcheck(&narrow, |m| m.forward(x.clone()).sum(), &options)).contains("in_f64")
    );

    let module = numbers(&[1.0, 2.0], &device);
    assert!(message(gradcheck(&module, |m| m.values.val(), &options)).contains("shape [2]"));
    assert!(
        message(gradcheck(
            &module,
            |_| Tensor::ones([1], &Device::flex()),
            &options
        ))
        .contains("autodiff")
    );
    assert!(
        message(gradcheck(
            &module,
            |m| m.values.val().log().mul_scalar(-1.0).log().sum(),
            &options
        ))
        .contains("NaN")
    );
    let count = std::cell::Cell::new(0.0);
    let drifting = |m: &Numbers| {
        count.set(count.get() + 1.0);
        m.values.val().sum() * count.get()
    };
    assert!(message(gradcheck(&module, drifting, &options)).contains("then"));
    let zero = GradcheckOptions {
        step: 0.0,
        ..options
    };
    assert!(message(gradcheck(&module, |m| m.values.val().sum(), &zero)).contains("positive"));
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
