//! What the tests share: cases, numbers, the naive definition, results of ours and of Burn.

use std::sync::{Mutex, MutexGuard};

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Shape, Tensor, TensorData, activation};
use burn_fused_cpu::{Epilogue, Implementation, conv_block, conv_block_implementation};

/// Relative to the largest number of a result.
pub const TOLERANCE_F32: f64 = 1e-5;
pub const TOLERANCE_F64: f64 = 1e-12;

pub const ALL: [Epilogue; 3] = [Epilogue::Nothing, Epilogue::Relu, Epilogue::ReluPool];

/// Instructions are chosen for the whole process: tests that choose take turns.
static CHOICE: Mutex<()> = Mutex::new(());

pub fn take_turns() -> MutexGuard<'static, ()> {
    CHOICE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Whether to make do with few cases: under valgrind each takes a hundred times as long.
pub fn few() -> bool {
    std::env::var_os("DIGITS_FEW_CASES").is_some()
}

#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub batch: usize,
    pub inputs: usize,
    pub image: [usize; 2],
    pub outputs: usize,
    pub kernel: [usize; 2],
    pub padding: [usize; 4],
    pub epilogue: Epilogue,
}

pub const fn case(
    inputs: usize,
    image: [usize; 2],
    outputs: usize,
    kernel: usize,
    padding: usize,
    epilogue: Epilogue,
) -> Case {
    Case {
        batch: 3,
        inputs,
        image,
        outputs,
        kernel: [kernel; 2],
        padding: [padding; 4],
        epilogue,
    }
}

/// Numbers in (−1, 1) that look random and are the same each time.
pub fn numbers(length: usize, seed: u64) -> Vec<f64> {
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

pub struct Numbers {
    pub images: Vec<f64>,
    pub weights: Vec<f64>,
    pub bias: Vec<f64>,
    /// Of the result.
    pub gradient: Vec<f64>,
}

impl Case {
    pub fn convolved(&self) -> [usize; 2] {
        let [top, left, bottom, right] = self.padding;
        [
            self.image[0] + top + bottom + 1 - self.kernel[0],
            self.image[1] + left + right + 1 - self.kernel[1],
        ]
    }

    pub fn output(&self) -> [usize; 2] {
        match self.epilogue {
            Epilogue::ReluPool => self.convolved().map(|edge| edge / 2),
            _ => self.convolved(),
        }
    }

    pub fn numbers(&self, seed: u64) -> Numbers {
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

    pub fn tensors(&self, from: &Numbers, device: &Device, dtype: DType) -> Tensors {
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

pub struct Tensors {
    pub images: Tensor<4>,
    pub weights: Tensor<4>,
    pub bias: Tensor<1>,
    pub gradient: Tensor<4>,
}

pub fn tensor<const D: usize>(
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
pub type Results = [Vec<f64>; 4];

pub fn naive(case: &Case, from: &Numbers) -> Results {
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
        let source = match case.epilogue {
            Epilogue::Nothing | Epilogue::Relu => map * area + y * columns + x,
            Epilogue::ReluPool => {
                let corner = map * area + 2 * y * columns + 2 * x;
                [corner, corner + 1, corner + columns, corner + columns + 1]
                    .into_iter()
                    .reduce(|best, at| if before[at] > before[best] { at } else { best })
                    .unwrap()
            }
        };
        let alive = case.epilogue == Epilogue::Nothing || before[source] > 0.0;
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

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

pub fn results(
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

pub fn fused(case: &Case, from: &Numbers, device: &Device, dtype: DType) -> Results {
    let tensors = case.tensors(from, device, dtype);
    assert_eq!(
        conv_block_implementation(
            &tensors.images,
            &tensors.weights,
            case.padding,
            case.epilogue
        ),
        Implementation::Fused
    );
    results(
        |images, weights, bias| {
            conv_block(images, weights, Some(bias), case.padding, case.epilogue)
        },
        tensors,
    )
}

pub fn by_burn(case: &Case, from: &Numbers, device: &Device, dtype: DType) -> Results {
    let [top, left, bottom, right] = case.padding;
    let options = ConvOptions::new_with_padding([1, 1], [(top, bottom), (left, right)], [1, 1], 1);
    results(
        |images, weights, bias| {
            let x = conv2d(images, weights, Some(bias), options);
            match case.epilogue {
                Epilogue::Nothing => x,
                Epilogue::Relu => activation::relu(x),
                Epilogue::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2; 2])),
            }
        },
        case.tensors(from, device, dtype),
    )
}

/// As `==`, and NaN for NaN: which result is NaN, and the sign of zero, are part of it.
pub fn assert_same_bits(found: &Results, expected: &Results, what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        let bits = |numbers: &[f64]| -> Vec<u64> {
            let one = |x: &f64| if x.is_nan() { f64::NAN } else { *x }.to_bits();
            numbers.iter().map(one).collect()
        };
        assert_eq!(bits(found), bits(expected), "{what}");
    }
}

/// The largest difference, relative to the largest number expected. NaN where only one is.
pub fn error(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, |max, e| if e > max || e.is_nan() { e } else { max })
}

pub fn assert_close(found: &Results, expected: &Results, tolerance: f64, what: &str) {
    for (name, (found, expected)) in ["result", "images", "weights", "bias"]
        .iter()
        .zip(found.iter().zip(expected))
    {
        let error = error(found, expected);
        assert!(error <= tolerance, "{what}, {name}: off by {error}");
    }
}

pub fn devices() -> [Device; 2] {
    [Device::flex().autodiff(), Device::ndarray().autodiff()]
}
