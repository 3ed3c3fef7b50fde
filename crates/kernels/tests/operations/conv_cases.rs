//! Cases of the convolution block, and its results: naive in f64, ours, and of Burn's operations.

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Tensor, activation};
use burn_fused_cpu::{Epilogue, Implementation, conv_block, conv_block_implementation};

use crate::common::*;

pub const EPILOGUES: [Epilogue; 3] = [Epilogue::Nothing, Epilogue::Relu, Epilogue::ReluPool];

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

impl Case {
    fn convolved(&self) -> [usize; 2] {
        let [top, left, bottom, right] = self.padding;
        [
            self.image[0] + top + bottom + 1 - self.kernel[0],
            self.image[1] + left + right + 1 - self.kernel[1],
        ]
    }

    fn output(&self) -> [usize; 2] {
        match self.epilogue {
            Epilogue::ReluPool => self.convolved().map(|edge| edge / 2),
            _ => self.convolved(),
        }
    }

    /// Images, weights, bias, and the gradient of the result, by `by(length, seed)`.
    pub fn draw(&self, by: fn(usize, u64) -> Vec<f64>, seed: u64) -> Numbers {
        let area = |[height, width]: [usize; 2]| height * width;
        let images = self.batch * self.inputs * area(self.image);
        let weights = self.outputs * self.inputs * area(self.kernel);
        let gradient = self.batch * self.outputs * area(self.output());
        draw([images, weights, self.outputs, gradient], by, seed)
    }

    pub fn inputs(&self, from: &Numbers, place: &Place) -> (Tensor<4>, Tensor<4>, Tensor<1>) {
        let [images, weights, bias, _] = from;
        let ([height, width], [ky, kx]) = (self.image, self.kernel);
        (
            tensor(images, [self.batch, self.inputs, height, width], place),
            tensor(weights, [self.outputs, self.inputs, ky, kx], place),
            tensor(bias, [self.outputs], place),
        )
    }

    /// The block's result, and the gradients of images, weights and bias.
    fn results(
        &self,
        from: &Numbers,
        place: &Place,
        block: impl Fn(Tensor<4>, Tensor<4>, Tensor<1>) -> Tensor<4>,
    ) -> Results {
        let (images, weights, bias) = self.inputs(from, place);
        let [images, weights] = [images, weights].map(Tensor::require_grad);
        let bias = bias.require_grad();
        let result = block(images.clone(), weights.clone(), bias.clone());
        with_gradients(result, &from[3], &[&images, &weights, &bias])
    }

    /// By this crate: its kernels, or its fallback for F16.
    pub fn ours(&self, from: &Numbers, place: &Place) -> Results {
        self.results(from, place, |images, weights, bias| {
            let (padding, epilogue) = (self.padding, self.epilogue);
            let chosen = conv_block_implementation(&images, &weights, padding, epilogue);
            assert_eq!(chosen == Implementation::Fused, place.1 != DType::F16);
            conv_block(images, weights, Some(bias), padding, epilogue)
        })
    }

    pub fn by_burn(&self, from: &Numbers, place: &Place) -> Results {
        let [top, left, bottom, right] = self.padding;
        let pairs = [(top, bottom), (left, right)];
        self.results(from, place, |images, weights, bias| {
            let options = ConvOptions::new_with_padding([1, 1], pairs, [1, 1], 1);
            let x = conv2d(images, weights, Some(bias), options);
            match self.epilogue {
                Epilogue::Nothing => x,
                Epilogue::Relu => activation::relu(x),
                Epilogue::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2; 2])),
            }
        })
    }

    /// Calls `visit` with the places of (result of the convolution, pixel, weight) for each product.
    fn products(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let ([height, width], [rows, columns]) = (self.image, self.convolved());
        let [top, left, ..] = self.padding;
        let [ky, kx] = self.kernel;
        for at in 0..self.batch * self.outputs * rows * columns {
            let (map, y, x) = (at / columns / rows, at / columns % rows, at % columns);
            let (n, out) = (map / self.outputs, map % self.outputs);
            for tap in 0..self.inputs * ky * kx {
                let (channel, m, k) = (tap / kx / ky, tap / kx % ky, tap % kx);
                // Padding wraps to numbers larger than any image.
                let (y, x) = ((y + m).wrapping_sub(top), (x + k).wrapping_sub(left));
                if y < height && x < width {
                    let pixel = ((n * self.inputs + channel) * height + y) * width + x;
                    visit(at, pixel, out * self.inputs * ky * kx + tap);
                }
            }
        }
    }

    /// By the definition, in f64.
    pub fn naive(&self, [images, weights, bias, gradient]: &Numbers) -> Results {
        let ([rows, columns], [out_rows, out_columns]) = (self.convolved(), self.output());
        let area = rows * columns;
        let channel = |at: usize| at / area % self.outputs;
        let mut before: Vec<f64> = (0..self.batch * self.outputs * area)
            .map(|at| bias[channel(at)])
            .collect();
        self.products(|at, pixel, weight| before[at] += images[pixel] * weights[weight]);
        let mut result = Vec::new();
        let mut by_before = vec![0.0; before.len()];
        for (index, &g) in gradient.iter().enumerate() {
            let map = index / (out_rows * out_columns);
            let (y, x) = (index / out_columns % out_rows, index % out_columns);
            let source = match self.epilogue {
                Epilogue::Nothing | Epilogue::Relu => map * area + y * columns + x,
                Epilogue::ReluPool => {
                    let corner = map * area + 2 * y * columns + 2 * x;
                    let window = [corner, corner + 1, corner + columns, corner + columns + 1];
                    let larger = |best, at| if before[at] > before[best] { at } else { best };
                    window.into_iter().reduce(larger).unwrap()
                }
            };
            let alive = self.epilogue == Epilogue::Nothing || before[source] > 0.0;
            result.push(if alive { before[source] } else { 0.0 });
            by_before[source] += if alive { g } else { 0.0 };
        }
        let mut by_images = vec![0.0; images.len()];
        let mut by_weights = vec![0.0; weights.len()];
        self.products(|at, pixel, weight| {
            by_images[pixel] += by_before[at] * weights[weight];
            by_weights[weight] += by_before[at] * images[pixel];
        });
        let mut by_bias = vec![0.0; self.outputs];
        for (at, g) in by_before.iter().enumerate() {
            by_bias[channel(at)] += g;
        }
        vec![result, by_images, by_weights, by_bias]
    }
}
