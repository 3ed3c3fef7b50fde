//! C = A·B (+ one bias a column) for the dense layers, A and B in any layout, C row by row.
//!
//! Goto and van de Geijn 2008: slices of `DEPTH` along the inner dimension, panels of B as wide as
//! a register tile, panels of A as high as one, each packed to lie in memory as it is read.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::simd::{Aligned, Float, Instructions, Lanes, Memory, Plain, Shared};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};

/// A matrix inside a slice: element (i, j) at `i · row + j · column`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, T> {
    pub data: &'a [T],
    pub row: usize,
    pub column: usize,
}

impl<'a, T: Float> Matrix<'a, T> {
    /// Rows of `columns` numbers one behind the other.
    pub fn rows(data: &'a [T], columns: usize) -> Self {
        Self {
            data,
            row: columns,
            column: 1,
        }
    }

    /// The same numbers, rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    /// Whether a register tile can read its rows where they lie: side by side, or each along the
    /// inner dimension, and their lines not in few sets of the cache (which 4 KiB apart share one).
    fn lies_well(&self) -> bool {
        let (near, far) = (self.row.min(self.column), self.row.max(self.column));
        near == 1 && !(far * size_of::<T>()).is_multiple_of(4096)
    }

    fn check(&self, rows: usize, columns: usize) {
        assert!((rows - 1) * self.row + (columns - 1) * self.column < self.data.len());
    }
}

/// Length of a slice of the inner dimension: a panel of B (32 columns) takes 32 KiB.
const DEPTH: usize = 256;
/// Multiply-adds below which one thread does all.
const ALONE: usize = 1 << 20;
/// Numbers in the largest register tile: 12 rows of 2 × 16.
const MAX_TILE: usize = 12 * 32;

/// A·B (+ bias) of sizes that are all positive: A `[m, k]`, B `[k, n]`, bias `[n]`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, T> {
    pub sizes: [usize; 3],
    pub a: Matrix<'a, T>,
    pub b: Matrix<'a, T>,
    pub bias: Option<&'a [T]>,
}

/// A number type with kernels.
pub(super) trait Multiply: Float {
    /// `[m, n]`, row by row.
    fn multiply(product: Product<'_, Self>) -> Vec<Self>;
}

macro_rules! compiled {
    ($module:ident, $lanes:ty, $groups:literal x $rows:literal, $($feature:literal),*) => {
        mod $module {
            use super::*;
            type T = <$lanes as Lanes>::T;
            $(#[target_feature(enable = $feature)])*
            unsafe fn tile(step: &Step<T>) {
                // SAFETY: only called where the features above are there.
                unsafe {
                    match (step.width / <$lanes as Lanes>::N, step.a_row) {
                        (1, 1) => compute::<$lanes, $groups, $rows, 1, false>(step),
                        (1, _) => compute::<$lanes, $groups, $rows, 1, true>(step),
                        (_, 1) => compute::<$lanes, $groups, $rows, 2, false>(step),
                        _ => compute::<$lanes, $groups, $rows, 2, true>(step),
                    }
                }
            }
            $(#[target_feature(enable = $feature)])*
            unsafe fn pack(from: Matrix<'_, T>, part: Panel, to: &mut [MaybeUninit<T>]) {
                panel(from, part, to);
            }
            pub(super) fn multiply(product: Product<'_, T>) -> Vec<T> {
                // Columns of a register tile: two vectors, or one for the few classes of a last layer.
                let vectors = if product.sizes[1] <= <$lanes as Lanes>::N { 1 } else { 2 };
                let width = vectors * <$lanes as Lanes>::N;
                drive(product, [$groups * $rows, width], tile, pack)
            }
        }
    };
}
compiled!(plain_f32, Plain<f32>, 1 x 4,);
compiled!(plain_f64, Plain<f64>, 1 x 4,);
#[cfg(target_arch = "x86_64")]
compiled!(avx2, Avx2, 2 x 3, "avx2", "fma");
#[cfg(target_arch = "x86_64")]
compiled!(avx512, Avx512, 3 x 4, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma");

impl Multiply for f32 {
    fn multiply(product: Product<'_, f32>) -> Vec<f32> {
        match Instructions::current() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::multiply(product),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::multiply(product),
            _ => plain_f32::multiply(product),
        }
    }
}

impl Multiply for f64 {
    fn multiply(product: Product<'_, f64>) -> Vec<f64> {
        plain_f64::multiply(product)
    }
}

/// `count` columns from `first` on, of the rows from 0 to `depth`; `width` with the zeros behind.
#[derive(Clone, Copy)]
struct Panel {
    first: usize,
    count: usize,
    depth: usize,
    width: usize,
}

type Pack<T> = unsafe fn(Matrix<'_, T>, Panel, &mut [MaybeUninit<T>]);

/// Tasks of whole columns of tiles, or of whole rows, compute. Every element of C is the same sum
/// in the same order however the work is cut.
fn drive<T: Float>(
    product: Product<'_, T>,
    [rows, width]: [usize; 2],
    tile: unsafe fn(&Step<T>),
    pack: Pack<T>,
) -> Vec<T> {
    let Product { sizes, a, b, bias } = product;
    let [m, n, k] = sizes;
    a.check(m, k);
    b.check(k, n);
    let (row_panels, column_panels) = (m.div_ceil(rows), n.div_ceil(width));
    let mut c: Vec<T> = Vec::with_capacity(m * n);
    // A small product is done before a second thread is awake.
    let alone = if m * n * k < ALONE { usize::MAX } else { 1 };
    let mut biases = Aligned::<T>::zeros(column_panels * width);
    if let Some(bias) = bias {
        biases[..n].copy_from_slice(bias);
    }
    let part = |index: usize, width: usize, end: usize| Panel {
        first: index * width,
        count: width.min(end - index * width),
        depth: k,
        width,
    };
    // Whole panels of A are read where they lie, if they lie well; the rest is packed.
    let lying = if a.lies_well() { m / rows } else { 0 };
    let mut packed_a = Memory::<T>::new((row_panels - lying) * rows * k);
    packed_a
        .par_chunks_mut(rows * k)
        .with_min_len(alone)
        .enumerate()
        .for_each(|(p, to)| {
            // SAFETY: compiled for instructions that this processor has.
            unsafe { pack(a.transposed(), part(lying + p, rows, m), to) };
        });
    // SAFETY: the panels cover it, and each was written.
    let packed_a = unsafe { packed_a.initialized() };
    let pack_b = |q: usize, to: &mut [MaybeUninit<T>]| {
        // SAFETY: as above.
        unsafe { pack(b, part(q, width, n), to) };
    };
    // Slices of about the same length: a short last one would cost as much to begin and end.
    let slice = k.div_ceil(k.div_ceil(DEPTH));
    let target = Shared(c.as_mut_ptr());
    // Rows of tiles `down` and the column of tiles `q`, whose panel of B is `panel`.
    let column = |down: std::ops::Range<usize>, q: usize, panel: &[T]| {
        for start in (0..k).step_by(slice) {
            let depth = slice.min(k - start);
            for p in down.clone() {
                let (from, a_row, a_step) = if p < lying {
                    let from = &a.data[p * rows * a.row + start * a.column..];
                    (from, a.row, a.column)
                } else {
                    (&packed_a[((p - lying) * k + start) * rows..], 1, rows)
                };
                let step = Step {
                    a: from.as_ptr(),
                    a_row,
                    a_step,
                    b: panel[start * width..].as_ptr(),
                    bias: biases[q * width..].as_ptr(),
                    // SAFETY: inside C, and tasks have tiles of their own.
                    c: unsafe { target.at(p * rows * n + q * width) },
                    depth,
                    row: n,
                    width,
                    rows: rows.min(m - p * rows),
                    columns: width.min(n - q * width),
                    first: start == 0,
                };
                // SAFETY: panels hold `depth` steps from here; see above for the processor.
                unsafe { tile(&step) };
            }
        }
    };
    let tasks = 4 * rayon::current_num_threads();
    if column_panels >= tasks {
        // Each task packs what it reads, and reads it while it is in the cache.
        (0..column_panels)
            .into_par_iter()
            .with_min_len(alone)
            .for_each_init(
                || Memory::<T>::new(width * k),
                |panel, q| {
                    pack_b(q, panel);
                    // SAFETY: just written.
                    column(0..row_panels, q, unsafe { panel.as_initialized() });
                },
            );
    } else {
        let mut packed_b = Memory::<T>::new(column_panels * width * k);
        packed_b
            .par_chunks_mut(width * k)
            .with_min_len(alone)
            .enumerate()
            .for_each(|(q, to)| pack_b(q, to));
        // SAFETY: the panels cover it, and each was written.
        let packed_b = unsafe { packed_b.initialized() };
        let down = row_panels.min(tasks);
        (0..down)
            .into_par_iter()
            .with_min_len(alone)
            .for_each(|task| {
                let block = task * row_panels / down..(task + 1) * row_panels / down;
                for (q, panel) in packed_b.chunks_exact(width * k).enumerate() {
                    column(block.clone(), q, panel);
                }
            });
    }
    // SAFETY: every tile was written.
    unsafe { c.set_len(m * n) };
    c
}

/// The part of a matrix as `[row][width]`, with zeros behind.
#[inline(always)]
fn panel<T: Float>(from: Matrix<'_, T>, part: Panel, to: &mut [MaybeUninit<T>]) {
    let Panel {
        first,
        count,
        depth,
        width,
    } = part;
    if count < width {
        for to in to.chunks_exact_mut(width) {
            to[count..].fill(MaybeUninit::new(T::default()));
        }
    }
    if from.column == 1 {
        for (row, to) in to.chunks_exact_mut(width).enumerate().take(depth) {
            let from = &from.data[row * from.row + first..][..count];
            for (to, &x) in to[..count].iter_mut().zip(from) {
                to.write(x);
            }
        }
    } else if from.row == 1 {
        let from_data = &from.data[first * from.column..];
        assert!(count <= width && depth * width <= to.len());
        let to = to.as_mut_ptr().cast();
        // SAFETY: checked above.
        unsafe {
            crate::simd::transpose_to(from_data, from.column, to, width, count, depth, |x| x);
        }
    } else {
        for (row, to) in to.chunks_exact_mut(width).enumerate().take(depth) {
            for (j, to) in to[..count].iter_mut().enumerate() {
                to.write(from.data[row * from.row + (first + j) * from.column]);
            }
        }
    }
}

/// One tile of C += panel of A · panel of B.
struct Step<T> {
    a: *const T,
    /// From a row of A to the next.
    a_row: usize,
    /// From a place along the inner dimension to the next.
    a_step: usize,
    b: *const T,
    bias: *const T,
    c: *mut T,
    depth: usize,
    row: usize,
    /// Columns of the tile, and rows and columns of it that are in C.
    width: usize,
    rows: usize,
    columns: usize,
    first: bool,
}

// Groups of few rows: the compiler keeps the sums in registers only if it unrolls every loop, and
// it gives up on a loop of 8 rows or more (measured: less than half the speed).
#[inline(always)]
unsafe fn compute<
    L: Lanes,
    const GROUPS: usize,
    const ROWS: usize,
    const VECTORS: usize,
    const APART: bool,
>(
    step: &Step<L::T>,
) {
    // SAFETY: the caller's pointers; parts of a tile outside C go through a buffer.
    unsafe {
        let bias: [L::V; VECTORS] = std::array::from_fn(|v| L::load(step.bias.add(v * L::N)));
        let start = if step.first {
            bias
        } else {
            [L::splat(L::T::default()); VECTORS]
        };
        let mut sums = [[start; ROWS]; GROUPS];
        let row = if APART { step.a_row } else { 1 };
        let mut a: [*const L::T; GROUPS] = std::array::from_fn(|g| step.a.add(g * ROWS * row));
        let mut b = step.b;
        for _ in 0..step.depth {
            let w: [L::V; VECTORS] = std::array::from_fn(|v| L::load(b.add(v * L::N)));
            for g in 0..GROUPS {
                for r in 0..ROWS {
                    let x = L::splat(*a[g].add(r * row));
                    for v in 0..VECTORS {
                        sums[g][r][v] = L::fma(x, w[v], sums[g][r][v]);
                    }
                }
            }
            for g in 0..GROUPS {
                // The last one ends behind A, and is not read.
                a[g] = a[g].wrapping_add(step.a_step);
            }
            b = b.add(VECTORS * L::N);
        }
        // Simple loops only, else the sums leave the registers (see above).
        if step.rows == GROUPS * ROWS && step.columns == VECTORS * L::N {
            for g in 0..GROUPS {
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        let to = step.c.add((g * ROWS + r) * step.row + v * L::N);
                        if !step.first {
                            sums[g][r][v] = L::add(L::load(to), sums[g][r][v]);
                        }
                        L::store(to, sums[g][r][v]);
                    }
                }
            }
            return;
        }
        let mut buffer = [L::T::default(); MAX_TILE];
        let width = VECTORS * L::N;
        for g in 0..GROUPS {
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    let to = buffer.as_mut_ptr().add((g * ROWS + r) * width + v * L::N);
                    L::store(to, sums[g][r][v]);
                }
            }
        }
        for (r, sums) in buffer.chunks_exact(width).enumerate().take(step.rows) {
            for (j, &sum) in sums.iter().enumerate().take(step.columns) {
                let to = step.c.add(r * step.row + j);
                *to = if step.first { sum } else { *to + sum };
            }
        }
    }
}
