//! The number types, f32 and f64.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A floating point type that the kernels compute in.
pub(crate) trait Float:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Send
    + Sync
    + Default
    + Debug
    + 'static
{
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// A whole number that fits, as an i32.
    fn to_i32(self) -> i32;
    /// The nearest value to an f64.
    fn from_f64(value: f64) -> Self;
    /// The same value as an f64.
    fn to_f64(self) -> f64;
    /// √a
    fn root(self) -> Self;
}

macro_rules! float {
    ($t:ty) => {
        impl Float for $t {
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
        }
    };
}
float!(f32);
float!(f64);

/// Whether no number is infinite or NaN.
#[inline(always)]
pub(crate) fn all_finite<T: Float>(numbers: &[T]) -> bool {
    // 0 · x is 0 for finite x, else NaN, which no later addition removes. Several sums, so that
    // they become one vector.
    let mut sums = [T::default(); 16];
    let chunks = numbers.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += x * T::default();
        }
    }
    sums.into_iter().all(Float::is_finite) && rest.iter().all(|x| x.is_finite())
}

/// Whether all numbers lie so far from overflow that sums and products of a few of them are
/// finite as well.
#[inline(always)]
pub(crate) fn within_safe_range<T: Float>(numbers: &[T]) -> bool {
    let limit = T::from_f64(1e15);
    let low = T::default() - limit;
    // Counted, not searched, so that it becomes vectors. A NaN is in no range.
    let tame = |x: &T| usize::from((*x < limit) & (*x > low));
    numbers.iter().map(tame).sum::<usize>() == numbers.len()
}
