//! Vectors of one processor family behind one trait, and the choice among them at run time.

use std::sync::atomic::{AtomicU8, Ordering};

/// A floating point type that the kernels compute in.
pub(crate) trait Float:
    Copy + PartialOrd + Send + Sync + Default + std::fmt::Debug + 'static
{
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The value in f64.
    fn to_f64(self) -> f64;
    /// The nearest value to an f64.
    fn from_f64(value: f64) -> Self;
    /// a + b
    fn plus(self, other: Self) -> Self;
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
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
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
    /// Where `a > b` or a is NaN: `(a, x)`, elsewhere `(b, y)`.
    unsafe fn select_greater(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> (Self::V, Self::V);
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
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    /// AVX2 with FMA: 8 × f32.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    /// AVX-512: 16 × f32.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    // SAFETY of both: the contract of the trait (processor and pointers) is that of the intrinsics.
    impl Lanes for Avx2 {
        type T = f32;
        type V = __m256;
        const N: usize = 8;
        const REGISTERS: usize = 12;
        #[inline(always)]
        unsafe fn splat(x: f32) -> __m256 {
            unsafe { _mm256_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, v: __m256) {
            unsafe { _mm256_storeu_ps(to, v) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn add(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn select_greater(a: __m256, b: __m256, x: __m256, y: __m256) -> (__m256, __m256) {
            unsafe {
                let greater = _mm256_cmp_ps::<_CMP_GT_OQ>(a, b);
                let take = _mm256_or_ps(greater, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a));
                (_mm256_blendv_ps(b, a, take), _mm256_blendv_ps(y, x, take))
            }
        }
    }

    impl Lanes for Avx512 {
        type T = f32;
        type V = __m512;
        const N: usize = 16;
        const REGISTERS: usize = 25;
        #[inline(always)]
        unsafe fn splat(x: f32) -> __m512 {
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, v: __m512) {
            unsafe { _mm512_storeu_ps(to, v) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn select_greater(a: __m512, b: __m512, x: __m512, y: __m512) -> (__m512, __m512) {
            unsafe {
                let greater = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b);
                let take = greater | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a);
                (
                    _mm512_mask_blend_ps(take, b, a),
                    _mm512_mask_blend_ps(take, y, x),
                )
            }
        }
    }
}
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Instructions that the f32 kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Plain code, for every processor; also what f64 uses.
    Plain,
    /// AVX2 with FMA: 8 numbers at a time.
    Avx2,
    /// AVX-512: 16 numbers at a time.
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
            if is_x86_feature_detected!("avx512f") {
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

/// A pointer that threads share to write to disjoint parts of one buffer.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(pub *mut T);

// SAFETY: whoever writes through it takes care that no two threads touch the same element.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer, `offset` elements further. Taking `self` makes closures capture all of it.
    pub unsafe fn at(self, offset: usize) -> *mut T {
        // SAFETY: the caller keeps the offset inside the buffer.
        unsafe { self.0.add(offset) }
    }
}

/// Scratch memory whose first element lies on a cache line.
pub(crate) struct Aligned<T> {
    buffer: Vec<T>,
    start: usize,
    length: usize,
}

const CACHE_LINE: usize = 64;

impl<T: Float> Aligned<T> {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let spare = CACHE_LINE / size_of::<T>();
        let buffer = vec![T::default(); length + spare];
        let start = buffer.as_ptr().align_offset(CACHE_LINE).min(spare);
        Self {
            buffer,
            start,
            length,
        }
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.buffer[self.start..self.start + self.length]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}
