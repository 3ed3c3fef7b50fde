use burn::optim::{Adam, AdamConfig, AdamState, AdamWConfig, AdamWState, Optimizer};
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{FusedAdam, FusedAdamConfig};
use proptest::prelude::*;

use crate::common::*;

const TOLERANCE: f64 = 1e-6;

fn ours(weight_decay: f32) -> FusedAdam {
    FusedAdamConfig {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay,
    }
    .build()
}

fn burns() -> Adam {
    AdamConfig::new().with_epsilon(1e-8).build()
}

type Step = (Tensor<1>, Option<AdamState<1>>);

/// The parameters after `steps` steps, each by `take(step, parameters, gradient, state)`.
fn after(
    length: usize,
    steps: u64,
    (device, dtype): (&Device, DType),
    mut take: impl FnMut(u64, Tensor<1>, Tensor<1>, Option<AdamState<1>>) -> Step,
) -> Results {
    let drawn = |seed| tensor(&numbers(length, seed), [length], device, dtype);
    let start = drawn(1);
    let (mut x, mut state) = (start.clone(), None);
    for step in 0..steps {
        (x, state) = take(step, x, drawn(2 + step), state);
    }
    // What was shared is not changed behind its owner's back.
    assert_eq!(values(start), numbers(length, 1));
    vec![values(x)]
}

fn plain_devices() -> [Device; 2] {
    devices().map(Device::inner)
}

#[test]
fn adam_takes_the_steps_of_burn_with_and_without_decay_and_any_number_of_threads() {
    on_all_instructions(|instructions| {
        for (device, (dtype, _)) in both(&plain_devices(), &TYPES) {
            let place = (&device, dtype);
            for weight_decay in [0.0, 0.02] {
                let fused = ours(weight_decay);
                let found = || {
                    after(40_000, 20, place, |_, x, g, state| {
                        fused.step(0.01, x, g, state)
                    })
                };
                let config = AdamWConfig::new().with_epsilon(1e-8);
                let decay = config.with_weight_decay(weight_decay).build();
                let expected = after(40_000, 20, place, |_, x, g, state| {
                    if weight_decay == 0.0 {
                        return burns().step(0.01, x, g, state);
                    }
                    let state = state.map(|state| AdamWState::new(state.momentum));
                    let (x, state) = decay.step(0.01, x, g, state);
                    (x, state.map(|state| AdamState::new(state.momentum)))
                });
                let what = format!("{instructions:?} {dtype:?}");
                assert_close(&found(), &expected, TOLERANCE, &what);
                assert_any_number_of_threads(&what, found);
            }
        }
    });
}

#[test]
fn adam_resumes_from_burns_state_and_burn_from_ours() {
    for device in plain_devices() {
        let place = (&device, DType::F32);
        let expected = after(50, 6, place, |_, x, g, state| {
            burns().step(0.01, x, g, state)
        });
        // Two steps of one, two of the other, and again.
        let mixed = after(50, 6, place, |step, x, g, state| match step / 2 {
            1 => ours(0.0).step(0.01, x, g, state),
            _ => burns().step(0.01, x, g, state),
        });
        assert_close(&mixed, &expected, TOLERANCE, "parameters");
    }
}

#[test]
#[should_panic(expected = "Adam's state is that of another parameter")]
fn a_state_of_another_type_is_refused() {
    let of = |dtype| -> Tensor<1> { tensor(&numbers(5, 1), [5], &Device::flex(), dtype) };
    let (_, state) = ours(0.0).step(0.1, of(DType::F64), of(DType::F64), None);
    drop(ours(0.0).step(0.1, of(DType::F32), of(DType::F32), state));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 64 }))]
    #[test]
    fn random_steps_of_adam_are_those_of_burn(
        length in 1_usize..200,
        rate in 1e-5_f64..0.1,
        steps in 1_u64..8,
    ) {
        for device in plain_devices() {
            let place = (&device, DType::F32);
            let found = after(length, steps, place, |_, x, g, state| ours(0.0).step(rate, x, g, state));
            let expected = after(length, steps, place, |_, x, g, state| burns().step(rate, x, g, state));
            assert_close(&found, &expected, TOLERANCE, "parameters");
        }
    }
}
