use burn::optim::{AdamConfig, AdamWConfig, Optimizer};
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{FusedAdam, FusedAdamConfig, Instructions};
use proptest::prelude::*;

use crate::common::*;

pub fn adam(weight_decay: f32) -> FusedAdam {
    FusedAdamConfig {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay,
    }
    .build()
}

#[test]
fn adam_goes_on_from_burns_state_and_burn_from_ours() {
    let _turn = take_turns();
    let ours = adam(0.0);
    let burns = AdamConfig::new().with_epsilon(1e-8).build();
    for device in devices() {
        let gradient =
            |step: u64| -> Tensor<1> { tensor(&numbers(50, 2 + step), [50], &device, DType::F32) };
        let start: Tensor<1> = tensor(&numbers(50, 1), [50], &device, DType::F32);
        let (mut all_burn, mut state) = (start.clone(), None);
        for step in 0..6 {
            (all_burn, state) = burns.step(0.01, all_burn, gradient(step), state);
        }
        // Two steps of one, two of the other, and again.
        let (mut mixed, mut state) = (start, None);
        for step in 0..6 {
            (mixed, state) = if step / 2 == 1 {
                ours.step(0.01, mixed, gradient(step), state)
            } else {
                burns.step(0.01, mixed, gradient(step), state)
            };
        }
        assert_close(&values(mixed), &values(all_burn), 1e-6, "parameters");
    }
}

#[test]
#[should_panic(expected = "Adam's state is that of another parameter")]
fn a_state_of_another_type_is_refused() {
    let device = Device::flex();
    let of = |dtype| -> Tensor<1> { tensor(&numbers(5, 1), [5], &device, dtype) };
    let adam = adam(0.0);
    let (_, state) = adam.step(0.1, of(DType::F64), of(DType::F64), None);
    drop(adam.step(0.1, of(DType::F32), of(DType::F32), state));
}

#[test]
fn adam_takes_the_steps_of_burn() {
    let _turn = take_turns();
    let types = [(DType::F32, 1e-6), (DType::F64, 1e-6)];
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for (device, (dtype, tolerance)) in both(&devices(), &types) {
            for weight_decay in [0.0_f32, 0.02] {
                let fused = adam(weight_decay);
                let adam = AdamConfig::new().with_epsilon(1e-8).build();
                let decay = AdamWConfig::new()
                    .with_epsilon(1e-8)
                    .with_weight_decay(weight_decay)
                    .build();
                let start = tensor(&numbers(40_000, 1), [200, 200], &device, dtype);
                let (mut ours, mut state) = (start.clone(), None);
                let mut burns = start.clone();
                let (mut adam_state, mut decay_state) = (None, None);
                for step in 0..20 {
                    let gradient = tensor(&numbers(40_000, 2 + step), [200, 200], &device, dtype);
                    (ours, state) = fused.step(0.01, ours, gradient.clone(), state);
                    if weight_decay == 0.0 {
                        (burns, adam_state) = adam.step(0.01, burns, gradient, adam_state);
                    } else {
                        (burns, decay_state) = decay.step(0.01, burns, gradient, decay_state);
                    }
                }
                assert_close(&values(ours), &values(burns), tolerance, "parameters");
                // What was shared is not changed behind its owner's back.
                assert_eq!(values(start), numbers(40_000, 1));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 64 }))]

    #[test]
    fn random_steps_of_adam_are_those_of_burn(
        length in 1_usize..200,
        rate in 1e-5_f64..0.1,
        steps in 1_u64..8,
        seed in 0_u64..1000,
    ) {
        let _turn = take_turns();
        for device in devices() {
            let burns = AdamConfig::new().with_epsilon(1e-8).build();
            let start: Tensor<1> = tensor(&numbers(length, seed), [length], &device, DType::F32);
            let (mut ours, mut state) = (start.clone(), None);
            let (mut theirs, mut their_state) = (start, None);
            for step in 0..steps {
                let g: Tensor<1> = tensor(&numbers(length, seed + step), [length], &device, DType::F32);
                (ours, state) = adam(0.0).step(rate, ours, g.clone(), state);
                (theirs, their_state) = burns.step(rate, theirs, g, their_state);
            }
            assert_close(&values(ours), &values(theirs), 1e-6, "parameters");
        }
    }
}
