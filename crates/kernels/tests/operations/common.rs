//! What the tests share: numbers, operations, comparisons, instructions and threads.

use std::sync::Mutex;

use burn::tensor::{DType, Device, Shape, Tensor, TensorData};
use burn_fused_cpu::Instructions;

/// Where tensors lie, and of what type they are.
pub type Place = (Device, DType);

/// Results and gradients of an operation, or what it is given.
pub type Numbers = Vec<Vec<f64>>;

/// Results from flat tensors; the gradient comes from the first.
pub type Operation = Box<dyn Fn(&[Tensor<1>]) -> Vec<Tensor<1>> + Sync>;

/// This crate's operation, and the same of Burn's.
pub struct Pair {
    pub ours: Operation,
    pub burns: Operation,
}

impl Pair {
    /// Ours everywhere, by all instructions and any number of threads, against Burn's in f64.
    pub fn agree(&self, what: &str, inputs: &[Vec<f64>], places: &[Place], tolerance: f64) {
        let expected = results(&self.burns, inputs, &reference());
        on_all_instructions(|instructions| {
            for place in places {
                let what = format!("{instructions:?} {what} {:?}", place.1);
                let found = with_any_threads(&what, || results(&self.ours, inputs, place));
                assert_close(&found, &expected, tolerance * precision(place.1), &what);
            }
        });
    }
}

/// Error that rounding may cause, relative to the largest number of a result.
pub fn precision(dtype: DType) -> f64 {
    if dtype == DType::F64 { 1e-12 } else { 1e-5 }
}

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

/// Where Burn computes what is expected.
pub fn reference() -> Place {
    (Device::flex().autodiff(), DType::F64)
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
    let drawn = lengths.into_iter().zip(seed..);
    drawn.map(|(length, seed)| draw(length, seed)).collect()
}

pub fn tensor(numbers: &[f64], (device, dtype): &Place) -> Tensor<1> {
    let data = TensorData::new(numbers.to_vec(), Shape::from([numbers.len()]));
    Tensor::from_data(data.convert_dtype(*dtype), (device, *dtype))
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

/// The results, and the gradients of all inputs but the last, which is that of the first result.
pub fn results(operation: &Operation, inputs: &[Vec<f64>], place: &Place) -> Numbers {
    let (factors, inputs) = inputs.split_last().unwrap();
    let leaf = |numbers: &Vec<f64>| tensor(numbers, place).require_grad();
    let inputs: Vec<_> = inputs.iter().map(leaf).collect();
    let results = operation(&inputs);
    let product = results[0].clone() * tensor(factors, place);
    let gradients = product.sum().backward();
    let by_inputs = inputs.iter().map(|input| input.grad(&gradients).unwrap());
    let results = results.into_iter().map(Tensor::inner);
    results.chain(by_inputs).map(values).collect()
}

/// Panics where numbers differ by more than a part of the largest one expected.
pub fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}, result {index}");
        let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let close = (found - expected).abs() <= tolerance * scale;
            assert!(close, "{what}, result {index}: {found} for {expected}");
        }
    }
}

/// As `==`, and NaN for NaN: which result is NaN, and the sign of zero, are part of it.
pub fn assert_same_bits(found: &[Vec<f64>], expected: &[Vec<f64>], what: &str) {
    let one = |x: &f64| if x.is_nan() { f64::NAN } else { *x }.to_bits();
    let [found, expected] = [found, expected].map(|all| -> Vec<Vec<u64>> {
        let bits = |numbers: &Vec<f64>| numbers.iter().map(one).collect();
        all.iter().map(bits).collect()
    });
    assert_eq!(found, expected, "{what}");
}

/// What `work` gives with one thread; two and three must give the same bits.
pub fn with_any_threads(what: &str, work: impl Fn() -> Numbers + Sync) -> Numbers {
    let [one, two, three] = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(&work)
    });
    assert_same_bits(&one, &two, what);
    assert_same_bits(&one, &three, what);
    one
}
