//! Vectors of one processor family behind one trait, and the choice among them at run time.

mod memory;

pub(crate) use memory::{Aligned, Memory, Shared};

use std::sync::atomic::{AtomicU8, Ordering};

/// A floating point type that the kernels compute in.
pub(crate) trait Float:
    Copy + PartialOrd + Send + Sync + Default + std::fmt::Debug + 'static
{
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// A whole number that fits, as an i32.
    fn to_i32(self) -> i32;
    /// The nearest value to an f64.
    fn from_f64(value: f64) -> Self;
    /// The same value as an f64.
    fn to_f64(self) -> f64;
    /// a + b
    fn plus(self, other: Self) -> Self;
    /// a − b
    fn minus(self, other: Self) -> Self;
    /// a · b
    fn times(self, other: Self) -> Self;
    /// √a
    fn root(self) -> Self;
    /// a / b
    fn over(self, other: Self) -> Self;
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
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn over(self, other: Self) -> Self {
                self / other
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
            *sum = sum.plus(x.times(T::default()));
        }
    }
    sums.into_iter().all(Float::is_finite) && rest.iter().all(|x| x.is_finite())
}

/// Whether all numbers lie so far from overflow that sums and products of a few of them are
/// finite, too.
#[inline(always)]
pub(crate) fn within_safe_range<T: Float>(numbers: &[T]) -> bool {
    let limit = T::from_f64(1e15);
    let low = T::default().minus(limit);
    // Counted, not searched, so that it becomes vectors. A NaN is in no range.
    let tame = |x: &T| usize::from((*x < limit) & (*x > low));
    numbers.iter().map(tame).sum::<usize>() == numbers.len()
}

/// A vector of `N` numbers.
///
/// # Safety
/// Every function may only run on a processor that has the instructions of the implementation,
/// and wants to be inlined into a function compiled for them; pointers must be valid for `N`
/// elements, aligned as one element.
pub(crate) trait Lanes: Copy + 'static {
    /// One number.
    type T: Float;
    /// The vector.
    type V: Copy;
    /// Numbers in a vector.
    const N: usize;
    /// Vectors of accumulators that fit the registers beside operands.
    const REGISTERS: usize;
    unsafe fn splat(x: Self::T) -> Self::V;
    unsafe fn load(from: *const Self::T) -> Self::V;
    unsafe fn store(to: *mut Self::T, v: Self::V);
    /// a · b + c
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// Where `a > b` or a is NaN: `(a, x)`, elsewhere `(b, y)`.
    unsafe fn select_greater(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> (Self::V, Self::V);
    /// Lists the numbers of a row that are alive; returns how many. `values` and `places` must be
    /// valid for writes of `row.length + LIST_SLACK` elements.
    #[inline(always)]
    unsafe fn list(row: &Row<Self::T>, values: *mut Self::T, places: *mut u32) -> usize {
        // SAFETY: the caller's pointers.
        unsafe { list_from::<Self::T>(row, 0, 0, values, places) }
    }
}

/// Mark of a result that lets no gradient through; 0 to 3 are the pixels of a pool window.
pub(crate) const INACTIVE: u8 = 4;

/// Elements behind a list that may be overwritten.
pub(crate) const LIST_SLACK: usize = 16;

/// Gradients of one channel of one image, and what the forward pass says of them.
pub(crate) struct Row<T> {
    /// Gradients.
    pub gradients: *const T,
    /// Their marks.
    pub marks: *const u8,
    /// Places of the upper left pixels of their windows.
    pub corners: *const u32,
    /// From there to the pixel of each mark.
    pub within: [u32; 4],
    /// How many there are.
    pub length: usize,
}

/// Plain code for [`Lanes::list`], from `start` on, `count` being listed already.
///
/// # Safety
/// As [`Lanes::list`].
#[inline(always)]
unsafe fn list_from<T: Float>(
    row: &Row<T>,
    start: usize,
    mut count: usize,
    values: *mut T,
    places: *mut u32,
) -> usize {
    for i in start..row.length {
        // SAFETY: the caller's pointers; never more are listed than there are.
        unsafe {
            let (g, mark) = (*row.gradients.add(i), *row.marks.add(i));
            // Written in any case: which results are dead cannot be predicted.
            values.add(count).write(g);
            places
                .add(count)
                .write(*row.corners.add(i) + row.within[usize::from(mark & 3)]);
            count += usize::from((mark != INACTIVE) & (g != T::default()));
        }
    }
    count
}

/// Plain code for every processor and both types; what the others are tested against.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T>(std::marker::PhantomData<T>);

impl<T: Float> Lanes for Plain<T> {
    type T = T;
    type V = [T; 4];
    const N: usize = 4;
    const REGISTERS: usize = 12;
    #[inline(always)]
    unsafe fn splat(x: T) -> [T; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> [T; 4] {
        // SAFETY: valid for 4 elements by the contract of the trait.
        unsafe { from.cast::<[T; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut T, v: [T; 4]) {
        // SAFETY: valid for 4 elements by the contract of the trait.
        unsafe { to.cast::<[T; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn fma(a: [T; 4], b: [T; 4], c: [T; 4]) -> [T; 4] {
        // Not `mul_add`: without the instruction that is a call of a library function.
        std::array::from_fn(|i| a[i].times(b[i]).plus(c[i]))
    }
    #[inline(always)]
    unsafe fn add(a: [T; 4], b: [T; 4]) -> [T; 4] {
        std::array::from_fn(|i| a[i].plus(b[i]))
    }
    #[inline(always)]
    unsafe fn sub(a: [T; 4], b: [T; 4]) -> [T; 4] {
        std::array::from_fn(|i| a[i].minus(b[i]))
    }
    #[inline(always)]
    #[expect(clippy::eq_op, reason = "a ≠ a is the test for NaN")]
    unsafe fn select_greater(a: [T; 4], b: [T; 4], x: [T; 4], y: [T; 4]) -> ([T; 4], [T; 4]) {
        let take: [bool; 4] = std::array::from_fn(|i| a[i] > b[i] || a[i] != a[i]);
        (
            std::array::from_fn(|i| if take[i] { a[i] } else { b[i] }),
            std::array::from_fn(|i| if take[i] { x[i] } else { y[i] }),
        )
    }
}

#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512, Avx512Narrow};

/// Instructions that the f32 kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Plain code, for every processor; also what f64 uses.
    Plain,
    /// AVX2 with FMA: 8 numbers at a time.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL): 16 numbers at a time.
    Avx512,
}

/// 0: not looked yet; else 1 + the instructions in use.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl Instructions {
    /// All that this processor has, the plainest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other processors have only plain code")]
        let mut found = vec![Self::Plain];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            found.push(Self::Avx2);
            let all_512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if all_512 {
                found.push(Self::Avx512);
            }
        }
        found
    }

    /// What the kernels use now: the best that the processor has, unless [`Instructions::force`]
    /// chose another.
    pub fn current() -> Self {
        match CHOSEN.load(Ordering::Relaxed) {
            1 => Self::Plain,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => {
                let best = Self::available()[Self::available().len() - 1];
                CHOSEN.store(best as u8 + 1, Ordering::Relaxed);
                best
            }
        }
    }

    /// Makes all kernels of the process use these instructions; for tests and benchmarks.
    ///
    /// Returns `false`, and changes nothing, if the processor does not have them.
    pub fn force(self) -> bool {
        let has = Self::available().contains(&self);
        if has {
            CHOSEN.store(self as u8 + 1, Ordering::Relaxed);
        }
        has
    }
}
