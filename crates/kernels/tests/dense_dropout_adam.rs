//! Dense layers, dropout and Adam against definitions in f64 and against Burn's own.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

use std::sync::{Mutex, MutexGuard};

use burn::optim::{AdamConfig, AdamWConfig, Optimizer};
use burn::tensor::{DType, Device, Distribution, Shape, Tensor, TensorData};
use digits_kernels::{FusedAdamConfig, Instructions, dense, dropout};

/// Relative to the largest number of a result.
const TOLERANCE_F32: f64 = 1e-5;
const TOLERANCE_F64: f64 = 1e-12;

/// Instructions are chosen for the whole process: tests that choose take turns.
static CHOICE: Mutex<()> = Mutex::new(());

fn take_turns() -> MutexGuard<'static, ()> {
    CHOICE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

fn numbers(length: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 40) as f32 / 8_388_608.0 - 1.0)
        })
        .collect()
}

fn tensor<const D: usize>(
    numbers: &[f64],
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(numbers.to_vec(), Shape::from(shape)).convert_dtype(dtype),
        (device, dtype),
    )
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / scale;
        assert!(error <= tolerance, "{what}: {found} for {expected}");
    }
}

/// Σⱼ a(i, j) · b(j, k), row by row.
fn product(
    [m, n, k]: [usize; 3],
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    (0..m * n)
        .map(|at| (0..k).map(|l| a(at / n, l) * b(l, at % n)).sum())
        .collect()
}

#[test]
fn dense_layers_and_their_gradients_agree_with_the_definition() {
    let _turn = take_turns();
    let check = |dtype, tolerance, what: &str| {
        for device in devices().map(Device::autodiff) {
            for [batch, inputs, units] in [
                [1, 1, 1],
                [5, 7, 3],
                [13, 300, 33],
                [128, 64, 10],
                [3, 513, 64],
                [130, 97, 130],
            ] {
                let x = numbers(batch * inputs, 1);
                let w = numbers(inputs * units, 2);
                let b = numbers(units, 3);
                let g = numbers(batch * units, 4);
                let x_tensor = tensor(&x, [batch, inputs], &device, dtype).require_grad();
                let w_tensor = tensor(&w, [inputs, units], &device, dtype).require_grad();
                let b_tensor = tensor(&b, [units], &device, dtype).require_grad();
                let y = dense(x_tensor.clone(), w_tensor.clone(), Some(b_tensor.clone()));
                let gradients = (y.clone() * tensor(&g, [batch, units], &device, dtype))
                    .sum()
                    .backward();
                let what = format!("{what} {batch}×{inputs}×{units}");
                let mut expected = product(
                    [batch, units, inputs],
                    |i, l| x[i * inputs + l],
                    |l, j| w[l * units + j],
                );
                for (at, y) in expected.iter_mut().enumerate() {
                    *y += b[at % units];
                }
                assert_close(&values(y.inner()), &expected, tolerance, &what);
                let expected = product(
                    [batch, inputs, units],
                    |i, l| g[i * units + l],
                    |l, j| w[j * units + l],
                );
                let found = values(x_tensor.grad(&gradients).unwrap());
                assert_close(&found, &expected, tolerance, &what);
                let expected = product(
                    [inputs, units, batch],
                    |i, l| x[l * inputs + i],
                    |l, j| g[l * units + j],
                );
                let found = values(w_tensor.grad(&gradients).unwrap());
                assert_close(&found, &expected, tolerance, &what);
                let expected = product([1, units, batch], |_, _| 1.0, |l, j| g[l * units + j]);
                let found = values(b_tensor.grad(&gradients).unwrap());
                assert_close(&found, &expected, tolerance, &what);
            }
        }
    };
    for instructions in Instructions::available() {
        assert!(instructions.force());
        check(DType::F32, TOLERANCE_F32, &format!("{instructions:?}"));
    }
    check(DType::F64, TOLERANCE_F64, "f64");
}

#[test]
fn a_dense_layer_passes_nan_on() {
    let device = Device::flex();
    let x = Tensor::<2>::from_data([[f32::NAN, 1.0], [1.0, 1.0]], &device);
    let y = values(dense(x, Tensor::ones([2, 3], &device), None));
    assert!(y[..3].iter().all(|y| y.is_nan()));
    assert_eq!(y[3..], [2.0; 3]);
}

#[test]
fn dropout_keeps_the_expected_share_scaled_and_the_same_everywhere() {
    let _turn = take_turns();
    let length = 200_000;
    for probability in [0.1, 0.25, 0.5, 0.9] {
        let mut all = Vec::new();
        for device in devices() {
            for instructions in Instructions::available() {
                assert!(instructions.force());
                let ones = Tensor::<1>::ones([length], &device);
                all.push(values(dropout(ones, probability, 7)));
            }
        }
        let first = &all[0];
        assert!(all.iter().all(|other| other == first));
        let keep = f64::from((1.0 / (1.0 - probability)) as f32);
        assert!(first.iter().all(|&x| x == 0.0 || x == keep));
        let kept = first.iter().filter(|&&x| x != 0.0).count() as f64;
        let expected = (1.0 - probability) * length as f64;
        // Five standard deviations of a binomial distribution.
        let allowed = 5.0 * (expected * probability).sqrt();
        assert!((kept - expected).abs() < allowed, "{kept} for {expected}");
        // Neighbours, and the masks of neighbouring seeds, do not hang together.
        let pairs = first.windows(2).filter(|w| w[0] != 0.0 && w[1] != 0.0);
        let expected = (1.0 - probability).powi(2) * length as f64;
        assert!((pairs.count() as f64 - expected).abs() < 2.0 * allowed + 1000.0);
        let other = values(dropout(
            Tensor::<1>::ones([length], &devices()[0]),
            probability,
            8,
        ));
        let both = first
            .iter()
            .zip(&other)
            .filter(|(a, b)| **a != 0.0 && **b != 0.0);
        assert!((both.count() as f64 - expected).abs() < 2.0 * allowed + 1000.0);
    }
}

#[test]
fn dropout_sends_the_gradient_through_the_same_mask() {
    for device in devices().map(Device::autodiff) {
        let x = Tensor::<2>::random([50, 40], Distribution::Default, &device).require_grad();
        let y = dropout(x.clone(), 0.3, 11);
        let gradient = x.grad(&y.sum().backward()).unwrap();
        let mask = dropout(
            Tensor::<2>::ones([50, 40], &device.clone().inner()),
            0.3,
            11,
        );
        assert_eq!(values(gradient), values(mask));
    }
}

#[test]
fn adam_takes_the_steps_of_burn() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for device in devices() {
            for weight_decay in [0.0_f32, 0.02] {
                let fused = FusedAdamConfig {
                    beta_1: 0.9,
                    beta_2: 0.999,
                    epsilon: 1e-8,
                    weight_decay,
                }
                .build();
                let adam = AdamConfig::new().with_epsilon(1e-8).build();
                let decay = AdamWConfig::new()
                    .with_epsilon(1e-8)
                    .with_weight_decay(weight_decay)
                    .build();
                let start = tensor(&numbers(40_000, 1), [200, 200], &device, DType::F32);
                let (mut ours, mut state) = (start.clone(), None);
                let mut burns = start.clone();
                let (mut adam_state, mut decay_state) = (None, None);
                for step in 0..20 {
                    let gradient =
                        tensor(&numbers(40_000, 2 + step), [200, 200], &device, DType::F32);
                    (ours, state) = fused.step(0.01, ours, gradient.clone(), state);
                    if weight_decay == 0.0 {
                        (burns, adam_state) = adam.step(0.01, burns, gradient, adam_state);
                    } else {
                        (burns, decay_state) = decay.step(0.01, burns, gradient, decay_state);
                    }
                }
                assert_close(&values(ours), &values(burns), 1e-6, "parameters");
                // What was shared is not changed behind its owner's back.
                assert_eq!(values(start), numbers(40_000, 1));
            }
        }
    }
}
