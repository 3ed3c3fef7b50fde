use burn::tensor::{DType, Device, Distribution, Tensor};
use burn_fused_cpu::{Instructions, dropout};

use crate::common::*;

#[test]
fn dropout_multiplies_also_what_is_not_finite() {
    let _turn = take_turns();
    let length = 100;
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for (device, dtype) in both(&devices(), &[DType::F32, DType::F64]) {
            let of = |x: f64| {
                let x: Tensor<1> = tensor(&vec![x; length], [length], &device, dtype);
                values(dropout(x, 0.5, 3))
            };
            assert!(of(f64::NAN).iter().all(|x| x.is_nan()));
            for (kept, infinite) in of(1.0).into_iter().zip(of(f64::INFINITY)) {
                // 0 · ∞ is NaN.
                let expected = kept * f64::INFINITY;
                assert!(infinite == expected || infinite.is_nan() && expected.is_nan());
            }
            assert!(of(-1.0).iter().all(|x| x.is_sign_negative()));
        }
    }
}

#[test]
fn dropout_keeps_the_expected_share_scaled_and_the_same_everywhere() {
    let _turn = take_turns();
    let length = if few() { 20_000 } else { 200_000 };
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
    let _turn = take_turns();
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
