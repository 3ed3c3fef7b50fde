//! Shapes, counts, checks and gradients of the two networks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use burn::module::Module;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};
use burn_gradcheck::{GradcheckOptions, gradcheck, in_f64};
use digits_models::{
    Block, CnnConfig, InputConfig, MlpConfig, Model, ModelConfig, ModelError, Norm, Padding,
};
use proptest::prelude::*;

fn block(channels: usize, kernel: usize, padding: Padding) -> Block {
    Block {
        channels,
        kernel,
        stride: 1,
        padding,
        pool: 1,
        norm: Norm::None,
        dropout: 0.0,
    }
}

fn cnn(blocks: Vec<Block>) -> CnnConfig {
    CnnConfig {
        blocks,
        hidden: vec![6],
        ..CnnConfig::default()
    }
}

fn mlp(hidden: Vec<usize>) -> MlpConfig {
    MlpConfig {
        hidden,
        ..MlpConfig::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// The count without building is the count of what is built, and logits have their shape.
    #[test]
    fn counts_and_shapes_hold_for_any_network(
        height in 6..14_usize, width in 6..14_usize, classes in 1..12_usize,
        channels in 1..5_usize, kernel in 1..6_usize, stride in 1..3_usize, pool in 1..3_usize,
        same: bool, batch_norm: bool, hidden in proptest::collection::vec(1..9_usize, 0..3),
    ) {
        let device = Device::flex();
        let input = InputConfig { height, width, classes };
        let configs = [
            ModelConfig::Mlp(mlp(hidden.clone())).with_input(input),
            ModelConfig::Cnn(CnnConfig {
                input,
                hidden,
                dropout: 0.3,
                blocks: vec![
                    Block {
                        channels, kernel, stride, pool, dropout: 0.2,
                        padding: if same { Padding::Same } else { Padding::Valid },
                        norm: if batch_norm { Norm::Batch } else { Norm::None },
                    },
                    block(3, 1, Padding::Valid),
                ],
            }),
        ];
        for config in configs {
            match config.parameters() {
                Ok(count) => {
                    let model = config.init(&device).unwrap();
                    let running = if batch_norm && config.kind() == "cnn" { 2 * channels } else { 0 };
                    prop_assert_eq!(model.num_params(), count + running);
                    let images = Tensor::random([2, 1, height, width], Distribution::Default, &device);
                    prop_assert_eq!(model.forward(images.clone()).dims(), [2, classes]);
                    prop_assert_eq!(model.forward_train(images, 3).dims(), [2, classes]);
                }
                Err(error) => {
                    prop_assert!(matches!(error, ModelError::Misfit(..)), "{error}");
                    prop_assert!(error.to_string().contains("blocks[0]"));
                }
            }
        }
    }
}

#[test]
fn impossible_networks_name_the_layer() {
    let check = |change: fn(&mut CnnConfig), expected: &str| {
        let mut config = CnnConfig::default();
        change(&mut config);
        let message = config.init(&Device::flex()).unwrap_err().to_string();
        assert!(message.starts_with(expected), "`{expected}`: {message}");
    };
    check(
        |c| c.blocks[1].channels = 0,
        "blocks[1]: number of channels is",
    );
    check(
        |c| c.blocks[0].pool = 29,
        "blocks[0]: a 29×29 pool does not",
    );
    check(|c| c.blocks[0].stride = 0, "blocks[0]: stride is 0");
    check(|c| c.blocks[0].dropout = 1.0, "blocks[0]: dropout is 1");
    check(|c| c.hidden = vec![10, 0], "hidden[1]: number of units");
    check(
        |c| c.hidden = vec![usize::MAX],
        "hidden[0]: the network has",
    );
    check(|c| c.dropout = f64::NAN, "hidden layers: dropout is NaN");
    check(|c| c.input.height = 0, "input: input height is 0");
    check(
        |c| c.blocks = vec![block(4, 25, Padding::Valid), block(4, 5, Padding::Valid)],
        "blocks[1]: a 5×5 kernel does not fit into the 4×4 image",
    );
}

#[test]
fn dropout_is_a_function_of_its_seed_and_is_off_in_inference() {
    let device = Device::flex();
    let config = ModelConfig::Mlp(MlpConfig {
        dropout: 0.5,
        ..mlp(vec![64])
    });
    let model = config.init(&device).unwrap();
    let images = Tensor::<4>::random([3, 1, 28, 28], Distribution::Default, &device);
    let train = |seed| model.forward_train(images.clone(), seed).into_data();
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
    assert_ne!(train(1), model.forward(images.clone()).into_data());
    assert_eq!(
        model.forward(images.clone()).into_data(),
        model.forward(images).into_data()
    );
}

#[test]
fn inference_normalizes_by_the_running_statistics_as_burns_layers_do_and_leaves_them() {
    let values = |tensor: Tensor<4>| tensor.try_into_vec_as::<f64>().unwrap();
    let device = Device::flex().autodiff();
    for (stride, pool) in [(1, 1), (1, 2), (2, 2), (1, 3)] {
        let network = cnn(vec![Block {
            norm: Norm::Batch,
            stride,
            pool,
            ..block(5, 3, Padding::Same)
        }]);
        let network = network.init(&device).unwrap();
        let normal = Distribution::Normal(1.0, 2.0);
        let images = Tensor::random([6, 1, 28, 28], normal, &device);
        let running = || {
            let norm = network.blocks[0].norm.as_ref().unwrap();
            norm.running_mean.value_sync().to_data()
        };
        drop(network.forward(images.clone(), Some(1)));
        let after_training = running();

        // Device and layer track gradients, as for a saliency map: inference all the same.
        let found = network.feature_maps(images.clone()).remove(0);
        assert_eq!(running(), after_training);
        drop(network.forward(images.clone(), Some(2)));
        assert_ne!(running(), after_training);

        let trained = network.valid();
        let (layer, images) = (&trained.blocks[0], images.inner());
        let found_again = trained.feature_maps(images.clone()).remove(0);
        assert_ne!(values(found.inner()), values(found_again.clone()));
        let norm = layer.norm.as_ref().unwrap();
        let x = relu(norm.forward(layer.conv.forward(images)));
        let x = max_pool2d(x, MaxPoolOptions::new([pool; 2]));
        for (found, expected) in values(found_again).into_iter().zip(values(x)) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}

#[test]
fn a_configuration_is_written_by_its_layers_and_counted_as_by_hand() {
    let config = ModelConfig::Mlp(mlp(vec![512]));
    assert_eq!(config.to_string(), "784-512-10");
    assert_eq!(config.macs().unwrap(), 784 * 512 + 512 * 10);
    let mut network = CnnConfig::default();
    network.blocks[1].pool = 1;
    let config = ModelConfig::Cnn(network);
    assert_eq!(config.to_string(), "16 of 5×5, pool 2; 32 of 5×5; 128-10");
    // 28²·16·25 + 14²·32·16·25 + 6272·128 + 128·10.
    let macs = 313_600 + 2_508_800 + 802_816 + 1_280;
    assert_eq!(config.macs().unwrap(), macs);
}

/// A loss to which every logit contributes differently.
fn loss(logits: Tensor<2>) -> Tensor<1> {
    let first = log_softmax(logits.clone(), 1).narrow(1, 1, 1);
    first.sum() + logits.tanh().sum()
}

#[test]
fn gradients_are_those_of_central_differences_in_f64() {
    let device = Device::flex().autodiff();
    let plain = |channels| Block {
        pool: 2,
        ..block(channels, 3, Padding::Same)
    };
    let normed = |channels| Block {
        norm: Norm::Batch,
        ..plain(channels)
    };
    let input = InputConfig {
        height: 8,
        width: 8,
        classes: 4,
    };
    for (config, parameters) in [
        (ModelConfig::Mlp(mlp(vec![9, 7])), 6),
        (ModelConfig::Cnn(cnn(vec![plain(3), plain(4)])), 8),
        (ModelConfig::Cnn(cnn(vec![normed(3), normed(4)])), 10),
    ] {
        let config = config.with_input(input);
        // Values between −1 and 1 that follow no pattern a layer could know.
        let value = |i| (12.9898 * f64::from(i)).sin();
        let values = (1..=3 * 64).map(value).collect();
        let data = TensorData::new::<f64, _>(values, [3, 1, 8, 8]);
        let images = Tensor::<4>::from_data(data, (&device, DType::F64));
        let model = in_f64(config.init(&device).unwrap());
        let run = |model: &Model| loss(model.forward(images.clone()));
        let report = gradcheck(&model, run, &GradcheckOptions::default()).unwrap();
        assert!(report.passed(), "{config}\n{report}");
        assert_eq!(report.parameters.len(), parameters);
    }
}
