//! Each kernel against Burn's own operation on flex, in turns, and against the processor's peak,
//! through Burn on flex and on ndarray; then the convolution in every shape of its register tiles,
//! so that none falls off a cliff. Medians of 9 rounds, batch 128.
#![allow(unsafe_code, reason = "the peak is measured with vector instructions")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

use std::time::Instant;

use burn::optim::{AdamConfig, Optimizer};
use burn::tensor::module::{conv2d, linear};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Distribution, Tensor};
use burn_fused_cpu::{Epilogue, FusedAdam, Instructions, conv_block, dense, dropout};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 128;
const ROUNDS: usize = 9;

fn main() {
    // As in the program: a thread outside the pool would wait to be woken after each operation.
    let pool = rayon::ThreadPoolBuilder::new().use_current_thread();
    pool.build_global().expect("the first in this process");
    let peak = peak();
    println!(
        "{:?}, {} threads, peak of all together {peak:.0} GFLOP/s",
        Instructions::current(),
        rayon::current_num_threads()
    );
    let chosen = std::env::args().nth(1).unwrap_or_default();
    let all = !["blocks", "layers", "tiles"].contains(&chosen.as_str());
    if all || chosen == "blocks" {
        for (sizes, epilogue) in [
            ([1, 28, 16, 5, 2], Epilogue::ReluPool),
            ([16, 14, 32, 5, 2], Epilogue::ReluPool),
            ([1, 28, 32, 3, 0], Epilogue::Relu),
            ([32, 26, 64, 3, 0], Epilogue::ReluPool),
            ([24, 14, 48, 3, 1], Epilogue::ReluPool),
            ([1, 28, 24, 7, 3], Epilogue::ReluPool),
            ([32, 28, 32, 3, 1], Epilogue::Nothing),
        ] {
            let [inputs, edge, outputs, kernel, padding] = sizes;
            let rows = edge + 2 * padding + 1 - kernel;
            compare(
                &format!("{inputs}→{outputs}, {kernel}×{kernel}, {edge}×{edge}, {epilogue:?}"),
                peak,
                rows * rows * outputs * inputs * kernel * kernel,
                if inputs == 1 { 1.0 } else { 2.0 },
                |device| block(device, BATCH, sizes, epilogue),
            );
        }
    }
    if all || chosen == "layers" {
        for (inputs, units) in [(784, 512), (9216, 128), (1568, 128), (512, 10)] {
            let name = format!("dense {inputs}→{units}");
            let build = |device: &Device| layer(device, inputs, units);
            compare(&name, peak, inputs * units, 2.0, build);
        }
        elementwise();
    }
    if all || chosen == "tiles" {
        tiles(peak);
    }
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

/// A convolution block, ours or of Burn's operations.
fn block(
    device: &Device,
    batch: usize,
    [inputs, edge, outputs, kernel, padding]: [usize; 5],
    epilogue: Epilogue,
) -> impl Fn(bool) -> Tensor<4> + use<> {
    // The first layer of a network needs no gradient of its images.
    let tracked = device.is_autodiff();
    let images =
        random([batch, inputs, edge, edge], device).set_require_grad(tracked && inputs != 1);
    let weights = random([outputs, inputs, kernel, kernel], device).set_require_grad(tracked);
    let bias: Tensor<1> = Tensor::zeros([outputs], device).set_require_grad(tracked);
    move |ours| {
        let (images, weights) = (images.clone(), weights.clone());
        let bias = Some(bias.clone());
        if ours {
            return conv_block(images, weights, bias, [padding; 4], epilogue);
        }
        let pairs = [(padding, padding); 2];
        let options = ConvOptions::new_with_padding([1, 1], pairs, [1, 1], 1);
        epilogue.apply(conv2d(images, weights, bias, options))
    }
}

/// A dense layer, ours or Burn's.
fn layer(device: &Device, inputs: usize, units: usize) -> impl Fn(bool) -> Tensor<2> + use<> {
    let x = random([BATCH, inputs], device).require_grad();
    let weights = random([inputs, units], device).require_grad();
    let bias: Tensor<1> = Tensor::zeros([units], device).require_grad();
    move |ours| {
        let layer = if ours { dense } else { linear };
        layer(x.clone(), weights.clone(), Some(bias.clone()))
    }
}

/// Forward, and backward as what a step takes more, of ours on both backends and of Burn's on flex;
/// against the `peak` in GFLOP/s, from an image's multiply-adds forward (`macs`) and those backward
/// as a multiple, if no gradient were 0.
fn compare<const D: usize, F: Fn(bool) -> Tensor<D>>(
    name: &str,
    peak: f64,
    macs: usize,
    backward_macs: f64,
    build: impl Fn(&Device) -> F,
) {
    let [flex, ndarray] = [Device::flex(), Device::ndarray()].map(|on| build(&on.autodiff()));
    let backward = |y: Tensor<D>| drop(y.sum().backward());
    let forward = alternate([
        &mut || drop(flex(true)),
        &mut || drop(ndarray(true)),
        &mut || drop(flex(false)),
    ]);
    let both = alternate([
        &mut || backward(flex(true)),
        &mut || backward(ndarray(true)),
        &mut || backward(flex(false)),
    ]);
    let work = (BATCH * macs) as f64;
    let share = |multiple: f64, time: f64| 200.0 * multiple * work / time / 1e6 / peak;
    let more = (both[0] - forward[0]).max(1e-6);
    println!(
        "{name}: forward {:.2} ms = {:.0} % of peak, backward {more:.2} ms = {:.0} % (ndarray \
         {:.2} and {:.2}; Burn {:.2} and {:.2}); together {:.1}× Burn",
        forward[0],
        share(1.0, forward[0]),
        share(backward_macs, more),
        forward[1],
        both[1] - forward[1],
        forward[2],
        both[2] - forward[2],
        both[2] / both[0]
    );
}

/// Forward speed in every shape of tile: channels (blocks of one and two vectors, whole and not),
/// kernels, with and without pool. Flags whatever is below half of the median.
fn tiles(peak: f64) {
    let device = Device::flex();
    let mut rates = Vec::new();
    for inputs in [4, 16, 32] {
        for outputs in [3, 8, 9, 16, 17, 24, 32, 33, 48, 64] {
            for kernel in [3, 5, 7] {
                for epilogue in [Epilogue::Relu, Epilogue::ReluPool] {
                    let sizes = [inputs, 16, outputs, kernel, kernel / 2];
                    let run = block(&device, 16, sizes, epilogue);
                    let [time] = alternate([&mut || drop(run(true))]);
                    let work = 16 * 16 * 16 * outputs * inputs * kernel * kernel;
                    let name = format!("{inputs}→{outputs} {kernel}×{kernel} {epilogue:?}");
                    rates.push((2.0 * work as f64 / time / 1e6, name));
                }
            }
        }
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let median = rates[rates.len() / 2].0;
    println!(
        "{} shapes of tiles: median {median:.0} GFLOP/s = {:.0} % of peak, slowest {:.0} ({})",
        rates.len(),
        100.0 * median / peak,
        rates[0].0,
        rates[0].1
    );
    for (rate, name) in rates.iter().take_while(|(rate, _)| *rate < median / 2.0) {
        println!("  below half of the median: {name}, {rate:.0} GFLOP/s");
    }
}

fn elementwise() {
    let device = Device::flex();
    let random = || random([BATCH, 9216], &device);
    let x = random();
    let [ours, burns] = alternate([&mut || drop(dropout(x.clone(), 0.25, 1)), &mut || {
        let mask = Tensor::<2>::random(x.shape(), Distribution::Bernoulli(0.75), &device);
        drop(x.clone() * mask.mul_scalar(1.0 / 0.75));
    }]);
    println!(
        "dropout 128×9216: {ours:.2} ms (Burn {burns:.2}), {:.1}×",
        burns / ours
    );

    let fused = FusedAdam {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-5,
        weight_decay: 0.0,
    };
    let plain = AdamConfig::new().build();
    let gradient = random();
    let (mut ours, mut burns) = (Some((random(), None)), Some((random(), None)));
    let [fused, plain] = alternate([
        &mut || {
            let step = |(x, state)| fused.step(1e-3, x, gradient.clone(), state);
            ours = ours.take().map(step);
        },
        &mut || {
            let step = |(x, state)| plain.step(1e-3, x, gradient.clone(), state);
            burns = burns.take().map(step);
        },
    ]);
    println!(
        "Adam, 1.2 M parameters: {fused:.2} ms (Burn {plain:.2}), {:.1}×",
        plain / fused
    );
}

/// Median milliseconds of pieces of work done in turns.
fn alternate<const N: usize>(mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let started = Instant::now();
            work();
            // The first round warms caches and allocator.
            if round > 0 {
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    times.map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

/// GFLOP/s of all threads together, doing nothing but independent multiply-adds in registers.
fn peak() -> f64 {
    const STEPS: usize = 4_000_000;
    let measure = || {
        let started = Instant::now();
        let lanes = rayon::broadcast(|_| match Instructions::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `current` names only what the processor has.
            Instructions::Avx512 => unsafe { avx512(STEPS) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Instructions::Avx2 => unsafe { avx2(STEPS) },
            _ => multiply_adds::<4>(STEPS),
        });
        let work = lanes.into_iter().sum::<usize>() * STEPS * 10 * 2;
        work as f64 / started.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| measure()).fold(0.0, f64::max)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(steps: usize) -> usize {
    multiply_adds::<16>(steps)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(steps: usize) -> usize {
    multiply_adds::<8>(steps)
}

/// On ten vectors of `N` numbers; returns `N`. Fused but in plain code, where that is a call.
#[inline(always)]
fn multiply_adds<const N: usize>(steps: usize) -> usize {
    let factor = std::hint::black_box([0.5_f32; N]);
    let mut sums = [[1.0_f32; N]; 10];
    for _ in 0..steps {
        for sum in &mut sums {
            for (sum, factor) in sum.iter_mut().zip(factor) {
                *sum = if N == 4 {
                    *sum * factor + factor
                } else {
                    sum.mul_add(factor, factor)
                };
            }
        }
    }
    std::hint::black_box(sums);
    N
}
