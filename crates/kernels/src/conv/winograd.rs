//! Winograd's algorithm F(2×2, 3×3) (Lavin and Gray 2016) for the forward pass of 3×3 kernels: 16
//! products where the definition needs 36.
//!
//! Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A for a 4×4 patch d, a kernel g and a 2×2 square Y of results.
//! The products of all channels are 16 small matrix products. Factors are 1 and ½, so that whole
//! numbers and ties stay exact; sums of patches mix pixels, so images that are not finite take the
//! direct way.

use super::geometry::{Geometry, Plan};
use super::squares::{Buffers, End, Image, PATCH, STRIP, Squares};
use crate::simd::{Aligned, Float, Lanes};

/// Whether fewer products outweigh the transformations.
pub(super) fn pays(geometry: &Geometry, plan: &Plan) -> bool {
    geometry.kernel == [3, 3]
        && plan.convolved.iter().all(|&edge| edge >= 2)
        && geometry.channels_in >= 8
        && geometry.channels_out >= 16
}

/// G g Gᵀ of all kernels as `[block of out][patch][in][out within the block]`, zeros behind the
/// last channel. G = 1 0 0, ½ ½ ½, ½ −½ ½, 0 0 1.
pub(super) fn weights<T: Float>(geometry: &Geometry, weights: &[T], block: usize) -> Aligned<T> {
    let inputs = geometry.channels_in;
    let blocks = geometry.channels_out.div_ceil(block);
    let mut transformed = Aligned::zeros(blocks * PATCH * inputs * block);
    let half = T::from_f64(0.5);
    let expand = |[a, b, c]: [T; 3]| {
        let (even, odd) = ((a + c) * half, b * half);
        [a, even + odd, even - odd, c]
    };
    for (out, filter) in weights.chunks_exact(geometry.taps()).enumerate() {
        let start = out / block * block * PATCH * inputs + out % block;
        for (input, g) in filter.chunks_exact(9).enumerate() {
            let rows = [0, 1, 2].map(|y| expand([g[3 * y], g[3 * y + 1], g[3 * y + 2]]));
            for x in 0..4 {
                for (y, value) in expand(rows.map(|row| row[x])).into_iter().enumerate() {
                    transformed[start + ((4 * y + x) * inputs + input) * block] = value;
                }
            }
        }
    }
    transformed
}

/// All squares of one image, all channels.
///
/// # Safety
/// The processor must have the instructions of `L`; `transformed` must be that of [`weights`].
#[inline(always)]
pub(super) unsafe fn all_tiles<L: Lanes, const POOL: bool>(
    shared: &Image<'_, L>,
    transformed: &[L::T],
    buffers: &mut Buffers<L::T>,
) {
    let squares = Squares::new::<L, POOL>(shared);
    let inputs = shared.geometry.channels_in;
    let padded_inputs = inputs.next_multiple_of(L::N);
    let end = End::new(shared, buffers);
    let patches = buffers.patches.as_mut_ptr();
    let products = buffers.products.as_mut_ptr();
    for first in (0..squares.count).step_by(STRIP) {
        let count = STRIP.min(squares.count - first);
        // SAFETY: patches lie inside the padded image (and its slack, for the last vector of
        // channels), places inside the results; the strip holds `STRIP` squares, of which whole
        // register tiles are computed.
        unsafe {
            for square in 0..count {
                let from = squares.place(first + square, 0).from;
                patch::<L>(
                    buffers.padded.as_ptr().add(from),
                    shared.plan.row,
                    inputs,
                    patches.add(square * padded_inputs),
                    STRIP * padded_inputs,
                );
            }
            for block in 0..shared.blocks {
                let product = Product::<L> {
                    patches,
                    inputs,
                    padded_inputs,
                    weights: transformed
                        .as_ptr()
                        .add(block * PATCH * inputs * shared.block),
                    block: shared.block,
                    to: products,
                };
                let vectors = if shared.is_narrow(block) {
                    product.all::<1>(count);
                    1
                } else {
                    product.all::<2>(count);
                    2
                };
                for square in 0..count {
                    let place = squares.place(first + square, block);
                    for v in 0..vectors {
                        let from = products.add(square * shared.block + v * L::N);
                        let bias = L::load(end.bias.add(block * shared.block + v * L::N));
                        let sums = results::<L>(from, STRIP * shared.block, bias);
                        end.store::<POOL>(sums, place, v);
                    }
                }
            }
        }
    }
}

// Functions instead of closures from here on: a closure is compiled without the vector
// instructions unless it happens to be inlined, and then every addition is a call.

/// Bᵀ d of one column; B's columns are 1 0 −1 0, 0 1 1 0, 0 −1 1 0, 0 1 0 −1.
#[inline(always)]
unsafe fn into_patch<L: Lanes>(d: [L::V; 4]) -> [L::V; 4] {
    // SAFETY: the caller's processor.
    unsafe {
        [
            L::sub(d[0], d[2]),
            L::add(d[1], d[2]),
            L::sub(d[2], d[1]),
            L::sub(d[1], d[3]),
        ]
    }
}

/// Aᵀ m of one column; A's columns are 1 1 1 0, 0 1 −1 −1.
#[inline(always)]
unsafe fn out_of_patch<L: Lanes>(m: [L::V; 4]) -> [L::V; 2] {
    // SAFETY: the caller's processor.
    unsafe {
        [
            L::add(L::add(m[0], m[1]), m[2]),
            L::sub(L::sub(m[1], m[2]), m[3]),
        ]
    }
}

/// Vectors `step` numbers apart.
#[inline(always)]
unsafe fn column<L: Lanes>(from: *const L::T, step: usize) -> [L::V; 4] {
    // SAFETY: the caller's pointer.
    unsafe {
        [
            L::load(from),
            L::load(from.add(step)),
            L::load(from.add(2 * step)),
            L::load(from.add(3 * step)),
        ]
    }
}

/// Bᵀ d B of one patch.
#[inline(always)]
unsafe fn patch<L: Lanes>(
    from: *const L::T,
    row: usize,
    inputs: usize,
    to: *mut L::T,
    to_step: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut channel = 0;
        while channel < inputs {
            // Columns first, then rows.
            let a = into_patch::<L>(column::<L>(from.add(channel), row));
            let b = into_patch::<L>(column::<L>(from.add(inputs + channel), row));
            let c = into_patch::<L>(column::<L>(from.add(2 * inputs + channel), row));
            let d = into_patch::<L>(column::<L>(from.add(3 * inputs + channel), row));
            for y in 0..4 {
                let whole = into_patch::<L>([a[y], b[y], c[y], d[y]]);
                for x in 0..4 {
                    L::store(to.add((4 * y + x) * to_step + channel), whole[x]);
                }
            }
            channel += L::N;
        }
    }
}

/// Aᵀ m A + bias of one square and one vector of channels.
#[inline(always)]
unsafe fn results<L: Lanes>(from: *const L::T, step: usize, bias: L::V) -> [L::V; 4] {
    // SAFETY: the caller's.
    unsafe {
        let a = out_of_patch::<L>(column::<L>(from, 4 * step));
        let b = out_of_patch::<L>(column::<L>(from.add(step), 4 * step));
        let c = out_of_patch::<L>(column::<L>(from.add(2 * step), 4 * step));
        let d = out_of_patch::<L>(column::<L>(from.add(3 * step), 4 * step));
        let top = out_of_patch::<L>([a[0], b[0], c[0], d[0]]);
        let bottom = out_of_patch::<L>([a[1], b[1], c[1], d[1]]);
        [
            L::add(top[0], bias),
            L::add(top[1], bias),
            L::add(bottom[0], bias),
            L::add(bottom[1], bias),
        ]
    }
}

/// The 16 matrix products of a strip and a block: `[square][in] · [in][out]` each.
struct Product<L: Lanes> {
    patches: *const L::T,
    inputs: usize,
    padded_inputs: usize,
    weights: *const L::T,
    block: usize,
    to: *mut L::T,
}

impl<L: Lanes> Product<L> {
    #[inline(always)]
    unsafe fn all<const VECTORS: usize>(&self, count: usize) {
        for at in 0..PATCH {
            let mut square = 0;
            // SAFETY: `STRIP` is a whole number of tiles of 12 and of 6.
            unsafe {
                while square < count {
                    if L::REGISTERS >= 24 {
                        self.tile::<3, 4, VECTORS>(at, square);
                        square += 12;
                    } else {
                        self.tile::<2, 3, VECTORS>(at, square);
                        square += 6;
                    }
                }
            }
        }
    }

    // Groups of few rows, as in the dense layers: see there.
    #[inline(always)]
    unsafe fn tile<const GROUPS: usize, const ROWS: usize, const VECTORS: usize>(
        &self,
        at: usize,
        square: usize,
    ) {
        // SAFETY: the caller's square; see `all_tiles` for the buffers.
        unsafe {
            let mut weights = self.weights.add(at * self.inputs * self.block);
            let from = self.patches.add((at * STRIP + square) * self.padded_inputs);
            let groups: [*const L::T; GROUPS] =
                std::array::from_fn(|g| from.add(g * ROWS * self.padded_inputs));
            let mut sums = [[[L::splat(L::T::default()); VECTORS]; ROWS]; GROUPS];
            for input in 0..self.inputs {
                let w: [L::V; VECTORS] = std::array::from_fn(|v| L::load(weights.add(v * L::N)));
                for g in 0..GROUPS {
                    for r in 0..ROWS {
                        let x = L::splat(*groups[g].add(r * self.padded_inputs + input));
                        for v in 0..VECTORS {
                            sums[g][r][v] = L::fma(x, w[v], sums[g][r][v]);
                        }
                    }
                }
                weights = weights.add(self.block);
            }
            for g in 0..GROUPS {
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        let row = at * STRIP + square + g * ROWS + r;
                        L::store(self.to.add(row * self.block + v * L::N), sums[g][r][v]);
                    }
                }
            }
        }
    }
}
