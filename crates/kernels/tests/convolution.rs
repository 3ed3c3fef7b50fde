//! The convolution block against a naive f64 loop, against Burn's own operations, and against
//! itself on other instructions and numbers of threads.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

use std::sync::{Mutex, MutexGuard};

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Shape, Tensor, TensorData, activation};
use digits_kernels::{Instructions, Path, Then, conv_block, conv_block_path};
use proptest::prelude::*;

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

#[derive(Debug, Clone, Copy)]
struct Case {
    batch: usize,
    inputs: usize,
    image: [usize; 2],
    outputs: usize,
    kernel: [usize; 2],
    padding: [usize; 4],
    then: Then,
}

const fn case(
    inputs: usize,
    image: [usize; 2],
    outputs: usize,
    kernel: usize,
    padding: usize,
    then: Then,
) -> Case {
    Case {
        batch: 3,
        inputs,
        image,
        outputs,
        kernel: [kernel; 2],
        padding: [padding; 4],
        then,
    }
}

/// Every class of sizes: 1 channel, primes, less and more than a vector, odd images, kernels as
/// large as the image, one row, one column, uneven padding.
const CASES: [Case; 16] = [
    case(1, [8, 9], 16, 5, 2, Then::ReluPool),
    case(3, [5, 6], 7, 3, 0, Then::Relu),
    case(16, [7, 7], 32, 5, 2, Then::ReluPool),
    case(5, [6, 5], 33, 4, 1, Then::Nothing),
    case(2, [3, 3], 3, 3, 0, Then::Relu),
    case(1, [1, 4], 1, 1, 0, Then::Nothing),
    case(1, [5, 1], 2, 1, 0, Then::Relu),
    case(32, [9, 9], 64, 3, 0, Then::ReluPool),
    case(13, [7, 8], 17, 7, 3, Then::ReluPool),
    case(50, [4, 4], 20, 3, 1, Then::Relu),
    case(97, [3, 4], 5, 3, 1, Then::Nothing),
    case(6, [12, 12], 6, 5, 0, Then::ReluPool),
    case(1, [28, 28], 24, 7, 3, Then::ReluPool),
    case(4, [2, 2], 9, 2, 0, Then::Relu),
    Case {
        batch: 1,
        inputs: 3,
        image: [6, 9],
        outputs: 11,
        kernel: [2, 5],
        padding: [0, 2, 1, 2],
        then: Then::ReluPool,
    },
    Case {
        batch: 33,
        inputs: 2,
        image: [4, 4],
        outputs: 18,
        kernel: [3, 1],
        padding: [1, 0, 1, 0],
        then: Then::Relu,
    },
];

/// Numbers in (−1, 1) that look random and are the same each time.
fn numbers(length: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Rounded so that they are the same in f32.
            f64::from((state >> 40) as f32 / 8_388_608.0 - 1.0)
        })
        .collect()
}

struct Numbers {
    images: Vec<f64>,
    weights: Vec<f64>,
    bias: Vec<f64>,
    /// Of the result.
    gradient: Vec<f64>,
}

impl Case {
    fn convolved(&self) -> [usize; 2] {
        let [top, left, bottom, right] = self.padding;
        [
            self.image[0] + top + bottom + 1 - self.kernel[0],
            self.image[1] + left + right + 1 - self.kernel[1],
        ]
    }

    fn output(&self) -> [usize; 2] {
        match self.then {
            Then::ReluPool => self.convolved().map(|edge| edge / 2),
            _ => self.convolved(),
        }
    }

    fn numbers(&self, seed: u64) -> Numbers {
        let taps = self.inputs * self.kernel[0] * self.kernel[1];
        let [height, width] = self.output();
        Numbers {
            images: numbers(
                self.batch * self.inputs * self.image[0] * self.image[1],
                seed,
            ),
            weights: numbers(self.outputs * taps, seed + 1),
            bias: numbers(self.outputs, seed + 2),
            gradient: numbers(self.batch * self.outputs * height * width, seed + 3),
        }
    }

    fn tensors(&self, from: &Numbers, device: &Device, dtype: DType) -> Tensors {
        let Numbers {
            images,
            weights,
            bias,
            gradient,
        } = from;
        let [height, width] = self.output();
        Tensors {
            images: tensor(
                images,
                [self.batch, self.inputs, self.image[0], self.image[1]],
                device,
                dtype,
            ),
            weights: tensor(
                weights,
                [self.outputs, self.inputs, self.kernel[0], self.kernel[1]],
                device,
                dtype,
            ),
            bias: tensor(bias, [self.outputs], device, dtype),
            gradient: tensor(
                gradient,
                [self.batch, self.outputs, height, width],
                device,
                dtype,
            ),
        }
    }
}

struct Tensors {
    images: Tensor<4>,
    weights: Tensor<4>,
    bias: Tensor<1>,
    gradient: Tensor<4>,
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

/// Result, and the gradients of images, weights and bias.
type Results = [Vec<f64>; 4];

fn naive(case: &Case, from: &Numbers) -> Results {
    let [height, width] = case.image;
    let [kernel_height, kernel_width] = case.kernel;
    let [rows, columns] = case.convolved();
    let [top, left, ..] = case.padding;
    let pixel = |n: usize, c: usize, y: usize, x: usize| {
        let (y, x) = (y.checked_sub(top)?, x.checked_sub(left)?);
        (y < height && x < width).then(|| ((n * case.inputs + c) * height + y) * width + x)
    };
    let weight = |o: usize, c: usize, m: usize, k: usize| {
        ((o * case.inputs + c) * kernel_height + m) * kernel_width + k
    };
    let mut before = vec![0.0; case.batch * case.outputs * rows * columns];
    let each = |visit: &mut dyn FnMut(usize, usize, usize, usize)| {
        let mut at = 0;
        for n in 0..case.batch {
            for o in 0..case.outputs {
                for y in 0..rows {
                    for x in 0..columns {
                        for c in 0..case.inputs {
                            for m in 0..kernel_height {
                                for k in 0..kernel_width {
                                    if let Some(pixel) = pixel(n, c, y + m, x + k) {
                                        visit(at, pixel, weight(o, c, m, k), o);
                                    }
                                }
                            }
                        }
                        at += 1;
                    }
                }
            }
        }
    };
    let area = rows * columns;
    for (at, sum) in before.iter_mut().enumerate() {
        *sum = from.bias[at / area % case.outputs];
    }
    each(&mut |at, pixel, weight, _| before[at] += from.images[pixel] * from.weights[weight]);
    let [out_rows, out_columns] = case.output();
    let mut result = Vec::new();
    let mut gradient = vec![0.0; before.len()];
    for (index, &g) in from.gradient.iter().enumerate() {
        let (map, y, x) = (
            index / (out_rows * out_columns),
            index / out_columns % out_rows,
            index % out_columns,
        );
        let source = match case.then {
            Then::Nothing | Then::Relu => map * area + y * columns + x,
            Then::ReluPool => {
                let corner = map * area + 2 * y * columns + 2 * x;
                [corner, corner + 1, corner + columns, corner + columns + 1]
                    .into_iter()
                    .reduce(|best, at| if before[at] > before[best] { at } else { best })
                    .unwrap()
            }
        };
        let alive = case.then == Then::Nothing || before[source] > 0.0;
        result.push(if alive { before[source] } else { 0.0 });
        if alive {
            gradient[source] += g;
        }
    }
    let mut images = vec![0.0; from.images.len()];
    let mut weights = vec![0.0; from.weights.len()];
    each(&mut |at, pixel, weight, _| {
        images[pixel] += gradient[at] * from.weights[weight];
        weights[weight] += gradient[at] * from.images[pixel];
    });
    let mut bias = vec![0.0; case.outputs];
    for (at, g) in gradient.iter().enumerate() {
        bias[at / area % case.outputs] += g;
    }
    [result, images, weights, bias]
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

fn results(
    block: impl FnOnce(Tensor<4>, Tensor<4>, Tensor<1>) -> Tensor<4>,
    tensors: Tensors,
) -> Results {
    let [images, weights] = [tensors.images, tensors.weights].map(Tensor::require_grad);
    let bias = tensors.bias.require_grad();
    let result = block(images.clone(), weights.clone(), bias.clone());
    let gradients = (result.clone() * tensors.gradient).sum().backward();
    [
        values(result.inner()),
        values(images.grad(&gradients).unwrap()),
        values(weights.grad(&gradients).unwrap()),
        values(bias.grad(&gradients).unwrap()),
    ]
}

fn fused(case: &Case, from: &Numbers, device: &Device, dtype: DType) -> Results {
    let tensors = case.tensors(from, device, dtype);
    assert_eq!(
        conv_block_path(&tensors.images, &tensors.weights, case.padding, case.then),
        Path::Fused
    );
    results(
        |images, weights, bias| conv_block(images, weights, Some(bias), case.padding, case.then),
        tensors,
    )
}

fn by_burn(case: &Case, from: &Numbers, device: &Device, dtype: DType) -> Results {
    let [top, left, bottom, right] = case.padding;
    let options = ConvOptions::new_with_padding([1, 1], [(top, bottom), (left, right)], [1, 1], 1);
    results(
        |images, weights, bias| {
            let x = conv2d(images, weights, Some(bias), options);
            match case.then {
                Then::Nothing => x,
                Then::Relu => activation::relu(x),
                Then::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2; 2])),
            }
        },
        case.tensors(from, device, dtype),
    )
}

/// The largest difference, relative to the largest number expected. NaN where only one is.
fn error(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, |max, e| if e > max || e.is_nan() { e } else { max })
}

fn assert_close(found: &Results, expected: &Results, tolerance: f64, what: &str) {
    for (name, (found, expected)) in ["result", "images", "weights", "bias"]
        .iter()
        .zip(found.iter().zip(expected))
    {
        let error = error(found, expected);
        assert!(error <= tolerance, "{what}, {name}: off by {error}");
    }
}

fn devices() -> [Device; 2] {
    [Device::flex().autodiff(), Device::ndarray().autodiff()]
}

#[test]
fn every_class_of_sizes_agrees_with_a_naive_loop_on_all_instructions_and_backends() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for device in devices() {
            for case in &CASES {
                let from = case.numbers(1);
                let expected = naive(case, &from);
                let found = fused(case, &from, &device, DType::F32);
                assert_close(
                    &found,
                    &expected,
                    TOLERANCE_F32,
                    &format!("{instructions:?} {case:?}"),
                );
            }
        }
    }
    for device in devices() {
        for case in &CASES {
            let from = case.numbers(2);
            let found = fused(case, &from, &device, DType::F64);
            assert_close(
                &found,
                &naive(case, &from),
                TOLERANCE_F64,
                &format!("f64 {case:?}"),
            );
        }
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let _turn = take_turns();
    for case in &CASES {
        let from = case.numbers(3);
        let device = Device::flex().autodiff();
        let [one, two, three] = [1, 2, 3].map(|threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| fused(case, &from, &device, DType::F32))
        });
        assert_eq!(one, two, "{case:?}");
        assert_eq!(one, three, "{case:?}");
    }
}

#[test]
fn nan_infinity_ties_and_negative_zero_are_treated_as_by_burn() {
    let _turn = take_turns();
    let specials = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0];
    for then in [Then::Nothing, Then::Relu, Then::ReluPool] {
        let case = case(2, [6, 6], 5, 3, 1, then);
        for special in specials {
            for spoilt in ["images", "weights", "bias", "gradient"] {
                let mut from = case.numbers(4);
                // Whole numbers and repeated ones: ties in the windows of the pool.
                for image in &mut from.images {
                    *image = (*image * 2.0).round();
                }
                for weight in &mut from.weights {
                    *weight = weight.round();
                }
                from.bias.fill(0.0);
                match spoilt {
                    "images" => from.images[40] = special,
                    "weights" => from.weights[13] = special,
                    "bias" => from.bias[2] = special,
                    _ => from.gradient[7] = special,
                }
                let device = Device::flex().autodiff();
                let found = fused(&case, &from, &device, DType::F32);
                let expected = by_burn(&case, &from, &device, DType::F32);
                for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    for (found, expected) in found.iter().zip(expected) {
                        let close =
                            (found - expected).abs() <= TOLERANCE_F32 * expected.abs().max(1.0);
                        let same =
                            close || found == expected || found.is_nan() && expected.is_nan();
                        assert!(
                            same,
                            "{then:?}, {special} in {spoilt}, output {index}: {found}, Burn {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn without_a_gradient_the_result_is_the_same() {
    let _turn = take_turns();
    for case in &CASES {
        let from = case.numbers(5);
        let tracked = fused(case, &from, &Device::flex().autodiff(), DType::F32);
        let tensors = case.tensors(&from, &Device::flex(), DType::F32);
        let plain = conv_block(
            tensors.images,
            tensors.weights,
            Some(tensors.bias),
            case.padding,
            case.then,
        );
        assert_eq!(values(plain), tracked[0], "{case:?}");
    }
}

#[test]
fn a_tensor_that_lies_otherwise_in_memory_is_read_rightly() {
    let case = CASES[2];
    let from = case.numbers(6);
    for device in [Device::flex(), Device::ndarray()] {
        let tensors = case.tensors(&from, &device, DType::F32);
        let block = |images, weights| conv_block(images, weights, None, [2; 4], Then::Relu);
        let expected = block(tensors.images.clone(), tensors.weights.clone());
        let turned = tensors.images.permute([2, 3, 1, 0]);
        let turned = turned.clone() + turned.zeros_like();
        let found = block(turned.permute([3, 2, 0, 1]), tensors.weights);
        assert_eq!(values(found), values(expected));
    }
}

#[test]
fn sizes_and_types_outside_the_kernels_take_burns_operations() {
    let device = Device::flex();
    let path = |image: [usize; 4], weights: [usize; 4], then, dtype: DType| {
        conv_block_path(
            &Tensor::zeros(image, (&device, dtype)),
            &Tensor::zeros(weights, (&device, dtype)),
            [0; 4],
            then,
        )
    };
    let f32 = DType::F32;
    assert_eq!(
        path([1, 1, 3, 3], [1, 1, 3, 3], Then::Relu, f32),
        Path::Fused
    );
    assert_eq!(
        path([1, 1, 3, 3], [1, 1, 3, 3], Then::ReluPool, f32),
        Path::Ordinary
    );
    assert_eq!(
        path([1, 1, 2, 3], [1, 1, 3, 3], Then::Relu, f32),
        Path::Ordinary
    );
    assert_eq!(
        path([0, 1, 3, 3], [1, 1, 3, 3], Then::Relu, f32),
        Path::Ordinary
    );
    assert_eq!(
        path([1, 1, 3, 3], [1, 1, 3, 3], Then::Relu, DType::F16),
        Path::Ordinary
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn random_sizes_agree_with_burn(
        (batch, inputs, outputs) in (1_usize..5, 1_usize..20, 1_usize..40),
        image in [2_usize..12, 2_usize..12],
        kernel in [1_usize..6, 1_usize..6],
        padding in 0_usize..3,
        then in prop_oneof![Just(Then::Nothing), Just(Then::Relu), Just(Then::ReluPool)],
        seed in 0_u64..1000,
    ) {
        let _turn = take_turns();
        let case = Case { batch, inputs, image, outputs, kernel, padding: [padding; 4], then };
        let fits = (0..2).all(|i| image[i] + 2 * padding > kernel[i]);
        prop_assume!(fits);
        let from = case.numbers(seed);
        let device = Device::flex().autodiff();
        let expected = by_burn(&case, &from, &device, DType::F64);
        assert_close(&fused(&case, &from, &device, DType::F64), &expected, TOLERANCE_F64, "f64");
        assert_close(&fused(&case, &from, &device, DType::F32), &expected, TOLERANCE_F32, "f32");
    }
}
