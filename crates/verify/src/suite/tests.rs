use burn::tensor::Device;
use proptest::prelude::*;

use super::backprop::compare;
use crate::cases;
use crate::compare::{max_error, tolerance};
use crate::differences::central;
use crate::engine::Precision;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn hand_rules_autodiff_sgd_and_differences_agree_on_any_network(seed: u64) {
        let (network, batch) = cases::any(seed);
        prop_assert!((1..=8).contains(&batch.len()));
        #[expect(deprecated, reason = "Burn deprecates ndarray in favour of flex; both are checked")]
        let devices = [Device::flex(), Device::ndarray()];
        for device in devices {
            let (gradient, step) = compare(&network, &batch, &device, Precision::F64).unwrap();
            prop_assert!(gradient <= tolerance::ANALYTIC_F64, "gradient off by {gradient:e}");
            prop_assert!(step <= tolerance::ANALYTIC_F64, "step off by {step:e}");
        }
        let by_hand = network.gradient(&batch).values();
        let error = [1e-4, 1e-5, 1e-6]
            .map(|h| max_error(&central(|p| network.with_parameters(p).loss(&batch), &network.parameters(), h), &by_hand))
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        prop_assert!(error <= tolerance::FINITE_DIFFERENCE, "differences off by {error:e}");
    }
}
