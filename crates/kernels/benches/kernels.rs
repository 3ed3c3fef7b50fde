//! Each kernel against Burn's own operation on flex, in turns, and against the processor's peak:
//! medians of 9 rounds, batch 128.
#![allow(unsafe_code, reason = "the peak is measured with vector instructions")]

use std::time::Instant;

use burn::optim::{AdamConfig, Optimizer};
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Distribution, Tensor, activation};
use digits_kernels::{FusedAdamConfig, Instructions, Then, conv_block, dense, dropout};

const BATCH: usize = 128;
const ROUNDS: usize = 9;

fn main() {
    let device = Device::flex().autodiff();
    let peak = peak() * rayon::current_num_threads() as f64;
    println!(
        "{:?}, {} threads, peak {peak:.0} GFLOP/s",
        Instructions::current(),
        rayon::current_num_threads()
    );
    for (inputs, edge, outputs, kernel, padding, then) in [
        (1, 28, 16, 5, 2, Then::ReluPool),
        (16, 14, 32, 5, 2, Then::ReluPool),
        (1, 28, 32, 3, 0, Then::Relu),
        (32, 26, 64, 3, 0, Then::ReluPool),
        (24, 14, 48, 3, 1, Then::ReluPool),
        (1, 28, 24, 7, 3, Then::ReluPool),
        (32, 28, 32, 3, 1, Then::Nothing),
    ] {
        convolution(
            &device,
            peak,
            [inputs, edge, outputs, kernel, padding],
            then,
        );
    }
    for (inputs, units) in [(784, 512), (9216, 128), (1568, 128), (512, 10)] {
        layer(&device, peak, inputs, units);
    }
    elementwise();
}

fn convolution(
    device: &Device,
    peak: f64,
    [inputs, edge, outputs, kernel, padding]: [usize; 5],
    then: Then,
) {
    let random = |shape: [usize; 4]| -> Tensor<4> {
        Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
    };
    let images = random([BATCH, inputs, edge, edge]);
    // The first layer of a network needs no gradient of its images.
    let images = if inputs == 1 {
        images
    } else {
        images.require_grad()
    };
    let weights = random([outputs, inputs, kernel, kernel]).require_grad();
    let bias: Tensor<1> = Tensor::zeros([outputs], device).require_grad();
    let ours = || {
        conv_block(
            images.clone(),
            weights.clone(),
            Some(bias.clone()),
            [padding; 4],
            then,
        )
    };
    let burns = || {
        let pairs = [(padding, padding); 2];
        let options = ConvOptions::new_with_padding([1, 1], pairs, [1, 1], 1);
        let x = conv2d(images.clone(), weights.clone(), Some(bias.clone()), options);
        match then {
            Then::Nothing => x,
            Then::Relu => activation::relu(x),
            Then::ReluPool => max_pool2d(activation::relu(x), MaxPoolOptions::new([2; 2])),
        }
    };
    let rows = edge + 2 * padding + 1 - kernel;
    let work = 2.0 * (BATCH * rows * rows * outputs * inputs * kernel * kernel) as f64;
    compare(
        &format!("{inputs}→{outputs}, {kernel}×{kernel}, {edge}×{edge}, {then:?}"),
        Some((work, peak)),
        ours,
        burns,
    );
}

fn layer(device: &Device, peak: f64, inputs: usize, units: usize) {
    let random = |shape: [usize; 2]| -> Tensor<2> {
        Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device).require_grad()
    };
    let (x, weights) = (random([BATCH, inputs]), random([inputs, units]));
    let bias: Tensor<1> = Tensor::zeros([units], device).require_grad();
    compare(
        &format!("dense {inputs}→{units}"),
        Some(((2 * BATCH * inputs * units) as f64, peak)),
        || dense(x.clone(), weights.clone(), Some(bias.clone())),
        || burn::tensor::module::linear(x.clone(), weights.clone(), Some(bias.clone())),
    );
}

/// Forward, then forward and backward, of both.
fn compare<const D: usize>(
    name: &str,
    work: Option<(f64, f64)>,
    ours: impl Fn() -> Tensor<D>,
    burns: impl Fn() -> Tensor<D>,
) {
    let [forward, burn_forward] = alternate(|| drop(ours()), || drop(burns()));
    let [both, burn_both] = alternate(
        || drop(ours().sum().backward()),
        || drop(burns().sum().backward()),
    );
    let rate = work.map_or(String::new(), |(work, peak)| {
        let rate = work / forward / 1e6;
        format!(", {rate:.0} GFLOP/s = {:.0} % of peak", 100.0 * rate / peak)
    });
    println!(
        "{name}: forward {forward:.2} ms (Burn {burn_forward:.2}){rate}; \
         with backward {both:.2} ms (Burn {burn_both:.2}), {:.1}×",
        burn_both / both
    );
}

fn elementwise() {
    let device = Device::flex();
    let random = || -> Tensor<2> {
        Tensor::random([BATCH, 9216], Distribution::Uniform(-1.0, 1.0), &device)
    };
    let x = random();
    let [ours, burns] = alternate(
        || drop(dropout(x.clone(), 0.25, 1)),
        || {
            let mask = Tensor::<2>::random(x.shape(), Distribution::Bernoulli(0.75), &device);
            drop(x.clone() * mask.mul_scalar(1.0 / 0.75));
        },
    );
    println!(
        "dropout 128×9216: {ours:.2} ms (Burn {burns:.2}), {:.1}×",
        burns / ours
    );

    let fused = FusedAdamConfig {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-5,
        weight_decay: 0.0,
    }
    .build();
    let plain = AdamConfig::new().build();
    let gradient = random();
    let (mut ours, mut burns) = (Some((random(), None)), Some((random(), None)));
    let [fused, plain] = alternate(
        || {
            let step = ours
                .take()
                .map(|(x, state)| fused.step(1e-3, x, gradient.clone(), state));
            ours = step;
        },
        || {
            let step = burns
                .take()
                .map(|(x, state)| plain.step(1e-3, x, gradient.clone(), state));
            burns = step;
        },
    );
    println!(
        "Adam, 1.2 M parameters: {fused:.2} ms (Burn {plain:.2}), {:.1}×",
        plain / fused
    );
}

/// Median milliseconds of two pieces of work done in turns.
fn alternate(mut first: impl FnMut(), mut second: impl FnMut()) -> [f64; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let time = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64() * 1e3
    };
    for round in 0..=ROUNDS {
        let pair = [time(&mut first), time(&mut second)];
        // The first round warms caches and allocator.
        if round > 0 {
            times[0].push(pair[0]);
            times[1].push(pair[1]);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

/// GFLOP/s of one thread that does nothing but independent multiply-adds in registers.
fn peak() -> f64 {
    const STEPS: usize = 4_000_000;
    let lanes = match Instructions::current() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => 16,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => 8,
        _ => 4,
    };
    (0..5)
        .map(|_| {
            let started = Instant::now();
            match lanes {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `current` names only what the processor has.
                16 => unsafe { multiply_adds_512(STEPS) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                8 => unsafe { multiply_adds_2(STEPS) },
                _ => multiply_adds(STEPS),
            }
            (STEPS * 10 * lanes * 2) as f64 / started.elapsed().as_secs_f64() / 1e9
        })
        .fold(0.0, f64::max)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn multiply_adds_512(steps: usize) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let factor = std::hint::black_box(_mm512_set1_ps(0.5));
    let mut sums = [_mm512_set1_ps(1.0); 10];
    for _ in 0..steps {
        sums = sums.map(|sum| _mm512_fmadd_ps(sum, factor, factor));
    }
    std::hint::black_box(sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn multiply_adds_2(steps: usize) {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let factor = std::hint::black_box(_mm256_set1_ps(0.5));
    let mut sums = [_mm256_set1_ps(1.0); 10];
    for _ in 0..steps {
        sums = sums.map(|sum| _mm256_fmadd_ps(sum, factor, factor));
    }
    std::hint::black_box(sums);
}

fn multiply_adds(steps: usize) {
    let factor = std::hint::black_box([0.5_f32; 4]);
    let mut sums = [[1.0_f32; 4]; 10];
    for _ in 0..steps {
        for sum in &mut sums {
            for (sum, factor) in sum.iter_mut().zip(factor) {
                *sum = *sum * factor + factor;
            }
        }
    }
    std::hint::black_box(sums);
}
