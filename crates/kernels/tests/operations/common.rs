//! What the tests share: numbers, tensors, gradients, comparisons, instructions and threads.

use std::sync::Mutex;

use burn::tensor::{DType, Device, Gradients, Shape, Tensor, TensorData};
use burn_fused_cpu::Instructions;

/// Relative to the largest number of a result.
pub const TOLERANCE_F32: f64 = 1e-5;
pub const TOLERANCE_F64: f64 = 1e-12;

/// Where tensors lie, and of what type they are.
pub type Place = (Device, DType);

/// Numbers of an operation's three tensors, and the gradient of its result.
pub type Numbers = [Vec<f64>; 4];

/// Results and gradients of an operation.
pub type Results = Vec<Vec<f64>>;

/// Runs a check by each set of instructions that the processor has. They are chosen for the whole
/// process: tests that choose take turns.
pub fn on_all_instructions(mut check: impl FnMut(Instructions)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for instructions in Instructions::available() {
        assert!(instructions.force());
        check(instructions);
    }
}

/// Whether to make do with few cases: under valgrind each takes a hundred times as long.
pub fn few() -> bool {
    std::env::var_os("DIGITS_FEW_CASES").is_some()
}

/// The CPU backends, under autodiff.
pub fn devices() -> [Device; 2] {
    [Device::flex().autodiff(), Device::ndarray().autodiff()]
}

/// F32 and F64 on each of [`devices`].
pub fn places() -> Vec<Place> {
    both(&devices(), &[DType::F32, DType::F64])
}

pub fn tolerance((_, dtype): &Place) -> f64 {
    match dtype {
        DType::F64 => TOLERANCE_F64,
        _ => TOLERANCE_F32,
    }
}

/// All pairs.
pub fn both<A: Clone, B: Clone>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    let with = |a: &A| second.iter().map(|b| (a.clone(), b.clone())).collect();
    first.iter().flat_map::<Vec<_>, _>(with).collect()
}

/// Numbers in (−1, 1) that look random and are the same each time, and in f32.
pub fn numbers(length: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 40) as f32 / 8_388_608.0 - 1.0)
        })
        .collect()
}

/// Such numbers as multiples of ¼: f32 adds and multiplies 2¹⁴ of them exactly, so no rounding can
/// move one across the kink of a ReLU or the tie of a pool.
pub fn dyadic(length: usize, seed: u64) -> Vec<f64> {
    // No −0: adding zeros in another order may change its sign.
    let quarter = |x: f64| (x * 4.0).round() / 4.0 + 0.0;
    numbers(length, seed).into_iter().map(quarter).collect()
}

/// Each of the lengths by `draw(length, seed)`.
pub fn draw(lengths: [usize; 4], draw: fn(usize, u64) -> Vec<f64>, seed: u64) -> Numbers {
    let mut seeds = seed..;
    lengths.map(|length| draw(length, seeds.next().unwrap()))
}

pub fn tensor<const D: usize>(numbers: &[f64], shape: [usize; D], place: &Place) -> Tensor<D> {
    let data = TensorData::new(numbers.to_vec(), Shape::from(shape));
    Tensor::from_data(data.convert_dtype(place.1), (&place.0, place.1))
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

/// A tensor of any rank.
pub trait Input {
    fn gradient(&self, gradients: &Gradients) -> Vec<f64>;
}

impl<const D: usize> Input for Tensor<D> {
    fn gradient(&self, gradients: &Gradients) -> Vec<f64> {
        values(self.grad(gradients).unwrap())
    }
}

/// A result, and the gradients of the inputs, `factors` being the gradient of the result.
pub fn with_gradients<const D: usize>(
    result: Tensor<D>,
    factors: &[f64],
    inputs: &[&dyn Input],
) -> Results {
    let factors = tensor(factors, result.dims(), &(result.device(), result.dtype()));
    let gradients = (result.clone() * factors).sum().backward();
    let mut results = vec![values(result.inner())];
    results.extend(inputs.iter().map(|input| input.gradient(&gradients)));
    results
}

/// Panics where numbers differ by more than a part of the largest one expected.
pub fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}, result {index}");
        let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs() / scale;
            assert!(
                error <= tolerance,
                "{what}, result {index}: {found} for {expected}"
            );
        }
    }
}

/// As `==`, and NaN for NaN: which result is NaN, and the sign of zero, are part of it.
pub fn assert_same_bits(found: &[Vec<f64>], expected: &[Vec<f64>], what: &str) {
    let one = |x: &f64| if x.is_nan() { f64::NAN } else { *x }.to_bits();
    let bits = |all: &[Vec<f64>]| -> Vec<Vec<u64>> {
        all.iter()
            .map(|numbers| numbers.iter().map(one).collect())
            .collect()
    };
    assert_eq!(bits(found), bits(expected), "{what}");
}

/// What `work` gives with one thread; two and three must give the same bits.
pub fn with_any_threads(what: &str, work: impl Fn() -> Results + Sync) -> Results {
    let [one, two, three] = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(&work)
    });
    assert_same_bits(&one, &two, what);
    assert_same_bits(&one, &three, what);
    one
}
