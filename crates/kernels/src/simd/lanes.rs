//! Vectors of one processor family behind one trait.

use super::float::Float;
use super::instructions::Work;

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
    /// Runs what is compiled for the instructions.
    unsafe fn compiled<W: Work>(work: W) -> W::Result;
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
pub(super) unsafe fn list_from<T: Float>(
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
    unsafe fn compiled<W: Work>(work: W) -> W::Result {
        // SAFETY: the caller's.
        unsafe { work.run() }
    }
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
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    unsafe fn add(a: [T; 4], b: [T; 4]) -> [T; 4] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: [T; 4], b: [T; 4]) -> [T; 4] {
        std::array::from_fn(|i| a[i] - b[i])
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
