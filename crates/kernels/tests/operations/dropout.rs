use burn::tensor::{Device, Tensor};
use burn_fused_cpu::dropout;

use crate::common::*;

#[test]
fn dropout_multiplies_also_what_is_not_finite() {
    on_all_instructions(|_| {
        for place in places() {
            let of = |x: f64| {
                let x = tensor(&[x; 100], &place);
                values(dropout(x, 0.5, 3).inner())
            };
            assert!(of(f64::NAN).iter().all(|x| x.is_nan()));
            for (kept, infinite) in of(1.0).into_iter().zip(of(f64::INFINITY)) {
                // 0 · ∞ is NaN.
                let expected = kept * f64::INFINITY;
                assert!(infinite == expected || infinite.is_nan() && expected.is_nan());
            }
            assert!(of(-1.0).iter().all(|x| x.is_sign_negative()));
        }
    });
}

/// The mask, which must be the same on every backend, by all instructions and all threads.
fn mask(length: usize, probability: f64, seed: u64) -> Vec<f64> {
    let mut masks = Vec::new();
    on_all_instructions(|_| {
        for device in [Device::flex(), Device::ndarray()] {
            let ones = Tensor::<1>::ones([length], &device);
            let run = || vec![values(dropout(ones.clone(), probability, seed))];
            masks.extend(with_any_threads("dropout", run));
        }
    });
    assert!(masks.iter().all(|mask| *mask == masks[0]));
    masks.remove(0)
}

#[test]
fn dropout_keeps_the_expected_share_scaled_and_the_same_everywhere() {
    let length = if few() { 20_000 } else { 200_000 };
    for probability in [0.1, 0.25, 0.5, 0.9] {
        let first = mask(length, probability, 7);
        let keep = f64::from((1.0 / (1.0 - probability)) as f32);
        assert!(first.iter().all(|&x| x == 0.0 || x == keep));
        let kept = first.iter().filter(|&&x| x != 0.0).count() as f64;
        let expected = (1.0 - probability) * length as f64;
        // Five standard deviations of a binomial distribution.
        let allowed = 5.0 * (expected * probability).sqrt();
        assert!((kept - expected).abs() < allowed, "{kept} for {expected}");
        // Neighbours, and the masks of neighbouring seeds, are independent.
        let other = mask(length, probability, 8);
        let expected = (1.0 - probability).powi(2) * length as f64;
        for (a, b) in [(&first[1..], &first[..]), (&first, &other)] {
            let pairs = a.iter().zip(b).filter(|(a, b)| **a != 0.0 && **b != 0.0);
            assert!((pairs.count() as f64 - expected).abs() < 2.0 * allowed + 1000.0);
        }
    }
}
