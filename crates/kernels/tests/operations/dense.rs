use burn::tensor::activation::relu;
use burn::tensor::{DType, Tensor};
use burn_fused_cpu::{dense, dense_relu};
use proptest::prelude::*;

use crate::common::*;

type Layer = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

/// Input `[batch, inputs]`, weights `[inputs, units]`, bias `[units]`, gradient `[batch, units]`.
fn lengths([batch, inputs, units]: [usize; 3]) -> [usize; 4] {
    [batch * inputs, inputs * units, units, batch * units]
}

/// The layer's result, and the gradients of its tensors.
fn results(layer: Layer, sizes: [usize; 3], [x, w, b, g]: &Numbers, place: &Place) -> Results {
    let [batch, inputs, units] = sizes;
    let x = tensor(x, [batch, inputs], place).require_grad();
    let w = tensor(w, [inputs, units], place).require_grad();
    let b = tensor(b, [units], place).require_grad();
    let y = layer(x.clone(), w.clone(), Some(b.clone()));
    with_gradients(y, g, &[&x, &w, &b])
}

/// Σₗ a(i, l) · b(l, j), row by row.
fn product(
    [m, n, k]: [usize; 3],
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    (0..m * n)
        .map(|at| (0..k).map(|l| a(at / n, l) * b(l, at % n)).sum())
        .collect()
}

/// By the definition: x·w + b, g·wᵀ, xᵀ·g, and Σ g over the batch.
fn naive([batch, inputs, units]: [usize; 3], [x, w, b, g]: &Numbers) -> Results {
    let x = |i: usize, j: usize| x[i * inputs + j];
    let w = |i: usize, j: usize| w[i * units + j];
    let g = |i: usize, j: usize| g[i * units + j];
    let mut y = product([batch, units, inputs], x, w);
    for (at, y) in y.iter_mut().enumerate() {
        *y += b[at % units];
    }
    vec![
        y,
        product([batch, inputs, units], g, |l, j| w(j, l)),
        product([inputs, units, batch], |i, l| x(l, i), g),
        product([1, units, batch], |_, _| 1.0, g),
    ]
}

#[test]
fn dense_layers_and_their_gradients_agree_with_the_definition_by_any_threads() {
    // The last is large enough for several threads.
    let sizes = [
        [1, 1, 1],
        [5, 7, 3],
        [13, 300, 33],
        [128, 64, 10],
        [3, 513, 64],
        [130, 97, 130],
    ];
    on_all_instructions(|instructions| {
        for (sizes, place) in both(&sizes, &places()) {
            let from = draw(lengths(sizes), numbers, 1);
            let what = format!("{instructions:?} {:?} {sizes:?}", place.1);
            let found = with_any_threads(&what, || results(dense, sizes, &from, &place));
            assert_close(&found, &naive(sizes, &from), tolerance(&place), &what);
        }
    });
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
            let found = results(layer, [2, 2, 3], &from, &place);
            assert_same_bits(
                &found,
                &expected,
                &format!("{instructions:?} {:?}", place.1),
            );
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
            let [found, expected] =
                [dense_relu, separate].map(|layer| results(layer, sizes, &from, &place));
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
        let expected = naive(sizes, &from);
        on_all_instructions(|instructions| {
            for device in devices() {
                let found = results(dense, sizes, &from, &(device, DType::F32));
                assert_eq!(found, expected, "{instructions:?}");
            }
        });
    }
}
