use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::linear;
use burn_fused_cpu::{dense, dense_relu};
use proptest::prelude::*;

use crate::common::*;

type Layer = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

/// Input `[batch, inputs]`, weights `[inputs, units]`, bias `[units]`, gradient `[batch, units]`.
pub fn lengths([batch, inputs, units]: [usize; 3]) -> [usize; 4] {
    [batch * inputs, inputs * units, units, batch * units]
}

fn operation([batch, inputs, units]: [usize; 3], layer: Layer) -> Operation {
    Box::new(move |from| {
        let [x, w, b] = [0, 1, 2].map(|index: usize| from[index].clone());
        let (x, w) = (x.reshape([batch, inputs]), w.reshape([inputs, units]));
        vec![layer(x, w, Some(b)).reshape([-1])]
    })
}

pub fn pair(sizes: [usize; 3]) -> Pair {
    Pair {
        ours: operation(sizes, dense),
        burns: operation(sizes, linear),
    }
}

#[test]
fn dense_layers_and_their_gradients_agree_with_burn_by_all_instructions_and_any_threads() {
    // The last is large enough for several threads.
    let sizes = [
        [1, 1, 1],
        [5, 7, 3],
        [13, 300, 33],
        [128, 64, 10],
        [3, 513, 64],
        [130, 97, 130],
    ];
    for sizes in sizes {
        let from = draw(lengths(sizes), numbers, 1);
        pair(sizes).agree(&format!("{sizes:?}"), &from, &places(), 1.0);
    }
}

#[test]
fn a_dense_layer_passes_nan_on_forward_and_backward() {
    const NAN: f64 = f64::NAN;
    let from = [
        vec![NAN, 1.0, 1.0, 1.0],
        vec![1.0; 6],
        vec![0.0; 3],
        vec![1.0, 2.0, 3.0, 0.0, NAN, 0.0],
    ];
    // Row 0 of x meets row 0 of the weights: NaN, even where g is 0.
    let expected = [
        vec![NAN, NAN, NAN, 2.0, 2.0, 2.0],
        vec![6.0, 6.0, NAN, NAN],
        vec![NAN, NAN, NAN, 1.0, NAN, 3.0],
        vec![1.0, NAN, 3.0],
    ];
    on_all_instructions(|instructions| {
        for (place, layer) in both(&places(), &[dense as Layer, dense_relu]) {
            let found = results(&operation([2, 2, 3], layer), &from, &place);
            let what = format!("{instructions:?} {:?}", place.1);
            assert_same_bits(&found, &expected, &what);
        }
    });
}

#[test]
fn a_dense_layer_with_relu_is_the_layer_and_then_burns_relu() {
    let sizes = [150, 70, 260];
    let mut from = draw(lengths(sizes), numbers, 1);
    // The last image is 0: as many exact zeros before ReLU as biases, of both signs.
    from[0][149 * 70..].fill(0.0);
    from[2][..130].fill(0.0);
    from[2][..65].fill(-0.0);
    on_all_instructions(|instructions| {
        for place in places() {
            let separate: Layer = |x, w, b| relu(dense(x, w, b));
            let [found, expected] = [dense_relu, separate]
                .map(|layer| results(&operation(sizes, layer), &from, &place));
            assert_eq!(found, expected, "{instructions:?} {:?}", place.1);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 64 }))]
    #[test]
    fn random_dense_layers_are_exact_where_arithmetic_is(
        sizes in [1_usize..40, 1_usize..600, 1_usize..70],
        seed in 0_u64..1000,
    ) {
        let from = draw(lengths(sizes), dyadic, seed);
        let Pair { ours, burns } = pair(sizes);
        let expected = results(&burns, &from, &reference());
        on_all_instructions(|instructions| {
            for place in places() {
                assert_eq!(results(&ours, &from, &place), expected, "{instructions:?}");
            }
        });
    }
}
