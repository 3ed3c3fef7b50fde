//! Autodiff through both networks against central differences, in f64.

use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use burn_gradcheck::{GradcheckOptions, gradcheck, in_f64};
use digits_models::{Block, CnnConfig, InputConfig, MlpConfig, Norm, Padding};

/// Values between −1 and 1 that follow no pattern a layer could know.
fn images(count: usize, edge: usize, device: &Device) -> Tensor<4> {
    let values: Vec<f64> = (1..=count * edge * edge)
        .map(|i| (12.9898 * i as f64).sin())
        .collect();
    let data = TensorData::new(values, [count, 1, edge, edge]);
    Tensor::from_data(data, (device, DType::F64))
}

/// A loss to which every logit contributes differently.
fn loss(logits: Tensor<2>) -> Tensor<1> {
    let first = activation::log_softmax(logits.clone(), 1).narrow(1, 1, 1);
    first.sum() + logits.tanh().sum()
}

fn input(edge: usize) -> InputConfig {
    InputConfig {
        height: edge,
        width: edge,
        classes: 4,
    }
}

#[test]
fn the_mlp_has_right_gradients() {
    let device = Device::flex().autodiff();
    let config = MlpConfig {
        input: input(6),
        hidden: vec![9, 7],
        ..MlpConfig::default()
    };
    let model = in_f64(config.init(&device).expect("a valid configuration"));
    let images = images(5, 6, &device);
    let run = |m: &_| loss(digits_models::Mlp::forward(m, images.clone(), None));
    let report = gradcheck(&model, run, &GradcheckOptions::default()).expect("gradcheck runs");
    assert!(report.passed(), "{report}");
    assert_eq!(report.parameters.len(), 6);
}

#[test]
fn the_cnn_has_right_gradients_with_and_without_batch_norm() {
    let device = Device::flex().autodiff();
    let images = images(3, 8, &device);
    for (norm, parameters) in [(Norm::None, 8), (Norm::Batch, 10)] {
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
            input: input(8),
            hidden: vec![6],
            dropout: 0.0,
            blocks: vec![block(3), block(4)],
        };
        let model = in_f64(config.init(&device).expect("a valid configuration"));
        let run = |m: &_| loss(digits_models::Cnn::forward(m, images.clone(), None));
        let report = gradcheck(&model, run, &GradcheckOptions::default()).expect("gradcheck runs");
        assert!(report.passed(), "{norm:?}\n{report}");
        assert_eq!(report.parameters.len(), parameters);
    }
}
