//! C = A·B (+ one bias a column) for the dense layers, A and B in any layout, C row by row.
//!
//! Goto and van de Geijn 2008: slices of `DEPTH` along the inner dimension, panels of B as wide as
//! a register tile, panels of A as high as one, each packed to lie in memory as it is read.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::simd::{Aligned, Float, Kernel, Lanes, Shared, Work, transpose_to};

/// A matrix inside a slice: element (i, j) at `i · row + j · column`, one of which is 1.
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

/// A·B (+ bias) of sizes that are all positive, `[m, n]` row by row: A `[m, k]`, B `[k, n]`, bias
/// `[n]`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, T> {
    pub sizes: [usize; 3],
    pub a: Matrix<'a, T>,
    pub b: Matrix<'a, T>,
    pub bias: Option<&'a [T]>,
}

/// `[first, count, depth, width]` of a matrix: `count` columns from `first` on, of the rows from 0 to
/// `depth`; `width` with the zeros behind.
type Part = [usize; 4];

struct Pack<'a, T>(Matrix<'a, T>, Part, &'a mut [MaybeUninit<T>]);

impl<T: Float> Work for Pack<'_, T> {
    type Result = ();

    #[inline(always)]
    unsafe fn run(self) {
        panel(self.0, self.1, self.2);
    }
}

impl<L: Lanes> Work for &Step<L> {
    type Result = ();

    #[inline(always)]
    unsafe fn run(self) {
        // SAFETY: the caller's.
        unsafe {
            match L::N {
                16 => sized::<L, 3, 4>(self),
                8 => sized::<L, 2, 3>(self),
                _ => sized::<L, 1, 4>(self),
            }
        }
    }
}

#[inline(always)]
unsafe fn sized<L: Lanes, const GROUPS: usize, const ROWS: usize>(step: &Step<L>) {
    // SAFETY: the caller's.
    unsafe {
        match (step.width / L::N, step.a_row) {
            (1, 1) => compute::<L, GROUPS, ROWS, 1, false>(step),
            (1, _) => compute::<L, GROUPS, ROWS, 1, true>(step),
            (_, 1) => compute::<L, GROUPS, ROWS, 2, false>(step),
            _ => compute::<L, GROUPS, ROWS, 2, true>(step),
        }
    }
}

impl<T: Float> Kernel<T> for Product<'_, T> {
    type Result = Vec<T>;

    /// Tasks of whole columns of tiles, or of whole rows, compute. Every element of C is the same
    /// sum in the same order however the work is cut.
    unsafe fn run<L: Lanes<T = T>>(self) -> Vec<T> {
        let ([m, n, k], a, b) = (self.sizes, self.a, self.b);
        // A register tile: rows as in `Step::run`, and columns of two vectors, or one for the few
        // classes of a last layer.
        let rows = match L::N {
            16 => 12,
            8 => 6,
            _ => 4,
        };
        let width = if n <= L::N { L::N } else { 2 * L::N };
        a.check(m, k);
        b.check(k, n);
        let (row_panels, column_panels) = (m.div_ceil(rows), n.div_ceil(width));
        let mut c: Vec<T> = Vec::with_capacity(m * n);
        // A small product is done before a second thread is awake.
        let alone = if m * n * k < ALONE { usize::MAX } else { 1 };
        let mut biases = Aligned::zeros(column_panels * width);
        if let Some(bias) = self.bias {
            biases[..n].copy_from_slice(bias);
        }
        let part = |index: usize, width: usize, end: usize| {
            let first = index * width;
            [first, width.min(end - first), k, width]
        };
        // Whole panels of A are read where they lie, if they lie well; the rest is packed.
        let lying = if a.lies_well() { m / rows } else { 0 };
        let mut packed_a = Aligned::<MaybeUninit<T>>::room((row_panels - lying) * rows * k);
        packed_a
            .par_chunks_mut(rows * k)
            .with_min_len(alone)
            .enumerate()
            .for_each(|(p, to)| {
                // SAFETY: this processor has the instructions.
                unsafe { L::compiled(Pack(a.transposed(), part(lying + p, rows, m), to)) };
            });
        // SAFETY: the panels cover it, and each was written.
        let packed_a = unsafe { packed_a.initialized() };
        let pack_b = |q: usize, to: &mut [MaybeUninit<T>]| {
            // SAFETY: as above.
            unsafe { L::compiled(Pack(b, part(q, width, n), to)) };
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
                    let step = Step::<L> {
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
                    unsafe { L::compiled(&step) };
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
                    || Aligned::<MaybeUninit<T>>::room(width * k),
                    |panel, q| {
                        pack_b(q, panel);
                        // SAFETY: just written.
                        column(0..row_panels, q, unsafe { panel.initialized() });
                    },
                );
        } else {
            let mut packed_b = Aligned::<MaybeUninit<T>>::room(column_panels * width * k);
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
}

/// The part of a matrix as `[row][width]`, with zeros behind.
#[inline(always)]
fn panel<T: Float>(from: Matrix<'_, T>, part: Part, to: &mut [MaybeUninit<T>]) {
    let [first, count, depth, width] = part;
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
    } else {
        let from_data = &from.data[first * from.column..];
        assert!(from.row == 1 && count <= width && depth * width <= to.len());
        let to = to.as_mut_ptr().cast();
        // SAFETY: checked above.
        unsafe { transpose_to(from_data, from.column, to, width, count, depth, |x| x) };
    }
}

/// One tile of C += panel of A · panel of B.
struct Step<L: Lanes> {
    a: *const L::T,
    /// From a row of A to the next.
    a_row: usize,
    /// From a place along the inner dimension to the next.
    a_step: usize,
    b: *const L::T,
    bias: *const L::T,
    c: *mut L::T,
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
    step: &Step<L>,
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
