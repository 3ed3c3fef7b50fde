//! What both ways of the forward pass share: the squares of 2×2 pixels that they compute, and what
//! is done to their sums at the end.

use super::geometry::{Epilogue, Geometry, Plan, SLACK};
use crate::simd::{Aligned, Float, INACTIVE, Lanes, Shared};

/// What is the same for all images of a call.
pub(super) struct Image<'a, L: Lanes> {
    pub geometry: &'a Geometry,
    pub plan: &'a Plan,
    pub images: &'a [L::T],
    /// The results: memory that is not initialised yet.
    pub values: Shared<L::T>,
    pub marks: Option<Shared<u8>>,
    pub weights: &'a [L::T],
    /// For Winograd's algorithm, where it pays.
    pub transformed: Option<&'a [L::T]>,
    pub bias: &'a [L::T],
    pub block: usize,
    pub blocks: usize,
}

impl<L: Lanes> Image<'_, L> {
    /// Whether the channels of a block leave its second vector empty.
    pub fn is_narrow(&self, block: usize) -> bool {
        self.geometry.channels_out - block * self.block <= L::N
    }
}

/// Numbers in a patch of Winograd's algorithm.
pub(super) const PATCH: usize = 16;
/// Squares that are transformed together: their patches and products stay in the caches.
pub(super) const STRIP: usize = 24;

/// Memory of one worker.
pub(super) struct Buffers<T> {
    pub padded: Aligned<T>,
    /// `[pixel][channel]`
    pub values: Aligned<T>,
    pub marks: Aligned<T>,
    /// For Winograd's algorithm: a strip of Bᵀ d B as `[patch][square][in]`, and its products of one
    /// block as `[patch][square][out within the block]`.
    pub patches: Aligned<T>,
    pub products: Aligned<T>,
}

impl<T: Float> Buffers<T> {
    pub fn new<L: Lanes<T = T>>(image: &Image<'_, L>) -> Self {
        let (plan, geometry) = (image.plan, image.geometry);
        let numbers = plan.pixels_out * image.blocks * image.block;
        let pool = geometry.epilogue == Epilogue::ReluPool;
        let strip = if image.transformed.is_some() {
            PATCH * STRIP
        } else {
            0
        };
        Self {
            padded: Aligned::zeros(plan.padded + SLACK),
            values: Aligned::zeros(numbers),
            marks: Aligned::zeros(if pool { numbers } else { 0 }),
            // Zeros, as squares that a strip lacks are computed as well.
            patches: Aligned::zeros(strip * geometry.channels_in.next_multiple_of(L::N)),
            products: Aligned::zeros(strip * image.block),
        }
    }
}

/// The squares of 2×2 pixels that a result is computed in: the pool's windows, or a cover of all
/// pixels whose last ones may overlap.
pub(super) struct Squares {
    pub count: usize,
    columns: usize,
    convolved: [usize; 2],
    pool: bool,
    row: usize,
    inputs: usize,
    channels: usize,
    block: usize,
    /// From an upper left pixel of the padded image to its neighbors; 0 where there is none.
    pub down: usize,
    pub right: usize,
}

impl Squares {
    #[inline(always)]
    pub fn new<L: Lanes, const POOL: bool>(shared: &Image<'_, L>) -> Self {
        let (plan, inputs) = (shared.plan, shared.geometry.channels_in);
        let [height, width] = plan.convolved;
        let (rows, columns) = if POOL {
            (height / 2, width / 2)
        } else {
            (height.div_ceil(2), width.div_ceil(2))
        };
        Self {
            count: rows * columns,
            columns,
            convolved: plan.convolved,
            pool: POOL,
            row: plan.row,
            inputs,
            channels: shared.blocks * shared.block,
            block: shared.block,
            down: if height > 1 { plan.row } else { 0 },
            right: if width > 1 { inputs } else { 0 },
        }
    }

    #[inline(always)]
    pub fn place(&self, square: usize, block: usize) -> Place {
        let [height, width] = self.convolved;
        let y = (square / self.columns * 2).min(height.saturating_sub(2));
        let x = (square % self.columns * 2).min(width.saturating_sub(2));
        let to = if self.pool { square } else { y * width + x };
        Place {
            from: y * self.row + x * self.inputs,
            to: to * self.channels + block * self.block,
            right: if width > 1 { self.channels } else { 0 },
            down: if height > 1 { width * self.channels } else { 0 },
        }
    }
}

/// Where one square is read and written, in numbers from the start of the buffers.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub from: usize,
    to: usize,
    right: usize,
    down: usize,
}

/// What is done to the sums of a square at the end.
#[derive(Clone, Copy)]
pub(super) struct End<L: Lanes> {
    /// One number a channel.
    pub bias: *const L::T,
    values: *mut L::T,
    marks: *mut L::T,
    relu: bool,
}

impl<L: Lanes> End<L> {
    #[inline(always)]
    pub fn new(shared: &Image<'_, L>, buffers: &mut Buffers<L::T>) -> Self {
        Self {
            bias: shared.bias.as_ptr(),
            values: buffers.values.as_mut_ptr(),
            marks: buffers.marks.as_mut_ptr(),
            relu: shared.geometry.epilogue != Epilogue::Nothing,
        }
    }

    /// ReLU and maximum of a square, and its results stored.
    ///
    /// # Safety
    /// `place` must lie in the buffers, `vector` vectors behind its start as well.
    #[inline(always)]
    pub unsafe fn store<const POOL: bool>(&self, sums: [L::V; 4], place: Place, vector: usize) {
        // SAFETY: the caller's.
        unsafe {
            let zero = L::splat(L::T::default());
            let to = place.to + vector * L::N;
            if POOL {
                let (mut best, mut which) = (sums[0], zero);
                for p in 1..4 {
                    let mark = L::splat(L::T::from_f64(p as f64));
                    (best, which) = L::select_greater(sums[p], best, mark, which);
                }
                let dead = L::splat(L::T::from_f64(f64::from(INACTIVE)));
                let (best, which) = L::select_greater(best, zero, which, dead);
                L::store(self.values.add(to), best);
                L::store(self.marks.add(to), which);
            } else {
                for p in 0..4 {
                    let to = to + p % 2 * place.right + p / 2 * place.down;
                    if self.relu {
                        let (value, _) = L::select_greater(sums[p], zero, zero, zero);
                        L::store(self.values.add(to), value);
                    } else {
                        L::store(self.values.add(to), sums[p]);
                    }
                }
            }
        }
    }
}
