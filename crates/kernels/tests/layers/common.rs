//! What the tests of all layers share.

use std::sync::{Mutex, MutexGuard};

use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

/// Relative to the largest number of a result.
pub const TOLERANCE_F32: f64 = 1e-5;
pub const TOLERANCE_F64: f64 = 1e-12;

/// Instructions are chosen for the whole process: tests that choose take turns.
static CHOICE: Mutex<()> = Mutex::new(());

pub fn take_turns() -> MutexGuard<'static, ()> {
    CHOICE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

/// All pairs.
pub fn both<A: Clone, B: Clone>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    first
        .iter()
        .flat_map(|a| second.iter().map(|b| (a.clone(), b.clone())))
        .collect()
}

/// Whether to make do with few cases: under valgrind each takes a hundred times as long.
pub fn few() -> bool {
    std::env::var_os("DIGITS_FEW_CASES").is_some()
}

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

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

pub fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / scale;
        assert!(error <= tolerance, "{what}: {found} for {expected}");
    }
}
