use burn::optim::{AdamConfig, AdamState, AdamWConfig, AdamWState, Optimizer};
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::FusedAdam;
use proptest::prelude::*;

use crate::common::*;

const TOLERANCE: f64 = 1e-6;

fn ours(weight_decay: f32) -> FusedAdam {
    FusedAdam {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay,
    }
}

type State = Option<AdamState<1>>;
type Step = (Tensor<1>, State);

/// A step of Burn's Adam, or of its AdamW with the state of Adam.
fn burns(decay: f32, rate: f64, x: Tensor<1>, g: Tensor<1>, state: State) -> Step {
    if decay == 0.0 {
        let adam = AdamConfig::new().with_epsilon(1e-8).build();
        return adam.step(rate, x, g, state);
    }
    let config = AdamWConfig::new().with_epsilon(1e-8);
    let state = state.map(|state| AdamWState::new(state.momentum));
    let adam = config.with_weight_decay(decay).build();
    let (x, state) = adam.step(rate, x, g, state);
    (x, state.map(|state| AdamState::new(state.momentum)))
}

/// The parameters after `steps` steps, each by `take(step, parameters, gradient, state)`.
fn after(
    length: usize,
    steps: u64,
    place: &Place,
    take: impl Fn(u64, Tensor<1>, Tensor<1>, State) -> Step,
) -> Numbers {
    let drawn = |seed| tensor(&numbers(length, seed), place);
    let start = drawn(1);
    let (mut x, mut state) = (start.clone(), None);
    for step in 0..steps {
        (x, state) = take(step, x, drawn(2 + step), state);
    }
    // What was shared is not changed behind its owner's back.
    assert_eq!(values(start), numbers(length, 1));
    vec![values(x)]
}

#[test]
fn adam_resumes_from_burns_state_and_burn_from_ours() {
    for device in devices().map(Device::inner) {
        let place = &(device, DType::F32);
        let expected = after(50, 6, place, |_, x, g, state| burns(0.0, 0.01, x, g, state));
        // Two steps of one, two of the other, and again.
        let mixed = after(50, 6, place, |step, x, g, state| match step / 2 {
            1 => ours(0.0).step(0.01, x, g, state),
            _ => burns(0.0, 0.01, x, g, state),
        });
        assert_close(&mixed, &expected, TOLERANCE, "parameters");
    }
}

#[test]
#[should_panic(expected = "Adam's state is that of another parameter")]
fn a_state_of_another_type_is_refused() {
    let of = |dtype| tensor(&numbers(5, 1), &(Device::flex(), dtype));
    let (_, state) = ours(0.0).step(0.1, of(DType::F64), of(DType::F64), None);
    drop(ours(0.0).step(0.1, of(DType::F32), of(DType::F32), state));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 64 }))]
    #[test]
    fn random_steps_of_adam_are_those_of_burn_by_all_instructions_and_any_threads(
        // Few numbers, or several tasks.
        length in prop_oneof![4 => 1_usize..200, 1 => Just(40_000)],
        rate in 1e-5_f64..0.1,
        steps in 1_u64..20,
        decay in proptest::sample::select(vec![0.0, 0.02]),
    ) {
        on_all_instructions(|instructions| {
            for place in &both(&devices().map(Device::inner), &[DType::F32, DType::F64]) {
                let what = format!("{instructions:?} {:?}", place.1);
                let found = with_any_threads(&what, || {
                    after(length, steps, place, |_, x, g, state| ours(decay).step(rate, x, g, state))
                });
                let expected =
                    after(length, steps, place, |_, x, g, state| burns(decay, rate, x, g, state));
                assert_close(&found, &expected, TOLERANCE, &what);
            }
        });
    }
}
