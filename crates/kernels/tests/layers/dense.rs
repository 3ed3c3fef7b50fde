use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Tensor};
use burn_fused_cpu::{Instructions, dense, dense_relu};
use proptest::prelude::*;

use crate::common::*;

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
fn a_dense_layer_passes_nan_on_forward_and_backward() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for device in devices().map(Device::autodiff) {
            let x = Tensor::<2>::from_data([[f32::NAN, 1.0], [1.0, 1.0]], &device).require_grad();
            let w = Tensor::<2>::ones([2, 3], &device).require_grad();
            let b = Tensor::<1>::zeros([3], &device).require_grad();
            let y = dense(x.clone(), w.clone(), Some(b.clone()));
            let g = Tensor::<2>::from_data([[1.0, 2.0, 3.0], [0.0, f32::NAN, 0.0]], &device);
            let gradients = (y.clone() * g).sum().backward();
            let y = values(y.inner());
            assert!(y[..3].iter().all(|y| y.is_nan()));
            assert_eq!(y[3..], [2.0; 3]);
            // Row 0 of x meets weights' row 0: NaN, even where g is 0.
            let w = values(w.grad(&gradients).unwrap());
            assert!(w[..3].iter().all(|w| w.is_nan()), "{w:?}");
            assert_eq!([w[3], w[5]], [1.0, 3.0]);
            assert!(w[4].is_nan());
            let x = values(x.grad(&gradients).unwrap());
            assert_eq!(x[..2], [6.0; 2]);
            assert!(x[2..].iter().all(|x| x.is_nan()), "{x:?}");
            let b = values(b.grad(&gradients).unwrap());
            assert_eq!([b[0], b[2]], [1.0, 3.0]);
            assert!(b[1].is_nan());
        }
    }
}

#[test]
fn a_dense_layer_with_relu_is_the_layer_and_then_burns_relu() {
    let _turn = take_turns();
    for (device, dtype) in both(&devices().map(Device::autodiff), &[DType::F32, DType::F64]) {
        // The last image is 0: as many exact zeros before ReLU as biases, of both signs.
        let (mut x, mut b) = (numbers(150 * 70, 1), numbers(260, 3));
        x[149 * 70..].fill(0.0);
        b[..130].fill(0.0);
        b[..65].fill(-0.0);
        let found = [dense_relu, |x, w, b| relu(dense(x, w, b))].map(|layer: Layer| {
            let x = tensor(&x, [150, 70], &device, dtype).require_grad();
            let w = tensor(&numbers(70 * 260, 2), [70, 260], &device, dtype).require_grad();
            let b = tensor(&b, [260], &device, dtype).require_grad();
            let y = layer(x.clone(), w.clone(), Some(b.clone()));
            let g = tensor(&numbers(150 * 260, 4), [150, 260], &device, dtype);
            let gradients = (y.clone() * g).sum().backward();
            [
                values(y.inner()),
                values(x.grad(&gradients).unwrap()),
                values(w.grad(&gradients).unwrap()),
                values(b.grad(&gradients).unwrap()),
            ]
        });
        assert_eq!(found[0], found[1]);
        let nan = Tensor::full([1, 1], f64::NAN, (&device, dtype));
        let passed = dense_relu(nan, Tensor::ones([1, 1], (&device, dtype)), None);
        assert!(values(passed)[0].is_nan());
    }
}

type Layer = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 64 }))]

    /// Numbers that f32 multiplies and adds exactly: the same, not only close.
    #[test]
    fn random_dense_layers_are_exact_where_arithmetic_is(
        (batch, inputs, units) in (1_usize..40, 1_usize..600, 1_usize..70),
        seed in 0_u64..1000,
    ) {
        let _turn = take_turns();
        let dyadic = |length, seed| -> Vec<f64> {
            numbers(length, seed).into_iter().map(|x| (x * 4.0).round() / 4.0 + 0.0).collect()
        };
        let (x, w) = (dyadic(batch * inputs, seed), dyadic(inputs * units, seed + 1));
        let b = dyadic(units, seed + 2);
        let mut expected = product(
            [batch, units, inputs],
            |i, l| x[i * inputs + l],
            |l, j| w[l * units + j],
        );
        for (at, y) in expected.iter_mut().enumerate() {
            *y += b[at % units];
        }
        for (device, instructions) in both(&devices(), &Instructions::available()) {
            assert!(instructions.force());
            let y = dense(
                tensor(&x, [batch, inputs], &device, DType::F32),
                tensor(&w, [inputs, units], &device, DType::F32),
                Some(tensor(&b, [units], &device, DType::F32)),
            );
            prop_assert_eq!(&values(y), &expected);
        }
    }
}
