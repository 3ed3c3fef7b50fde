//! The forward pass: every output channel of a register tile at once, inputs broadcast.
//!
//! A tile is a few 2×2 squares of output pixels times one block of output channels. Bias, ReLU and
//! the maximum of the square are applied in registers, so that the tensor before the pool is
//! never written.

use rayon::prelude::*;

use super::geometry::{Epilogue, Geometry};
use super::layout::{pack, weights_for_forward};
use super::squares::{Buffers, End, Image, Place, Squares};
use super::winograd;
use crate::simd::{Aligned, Float, Kernel, Lanes, Shared, Work, transpose_to, within_safe_range};

/// The forward pass, and what it reads.
#[derive(Clone, Copy)]
pub(super) struct Forward<'a, T> {
    pub geometry: &'a Geometry,
    /// `[batch][in][row][column]`
    pub images: &'a [T],
    /// `[out][in][ky][kx]`
    pub weights: &'a [T],
    /// One a channel.
    pub bias: &'a [T],
    /// Whether the marks of the pool are wanted.
    pub marks: bool,
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    /// Values `[batch][out][pixel]` and, on request and where the operation has a pool, marks in
    /// the same order: which pixel of the window the maximum is, or
    /// [`INACTIVE`](crate::simd::INACTIVE) where ReLU removed it.
    type Result = Option<(Vec<T>, Option<Vec<u8>>)>;

    unsafe fn run<L: Lanes<T = T>>(self) -> Self::Result {
        let Self {
            geometry,
            images,
            weights,
            bias,
            marks,
        } = self;
        let plan = geometry.plan()?;
        // Output channels computed together: two vectors where there are so many, else one.
        let block = if geometry.channels_out > L::N {
            2 * L::N
        } else {
            L::N
        };
        let blocks = geometry.channels_out.div_ceil(block);
        let packed = weights_for_forward(geometry, weights, block);
        let mut biases = Aligned::zeros(blocks * block);
        biases[..bias.len()].copy_from_slice(bias);
        let transformed = (winograd::pays(geometry, &plan) && within_safe_range(weights))
            .then(|| winograd::weights(geometry, weights, block));
        let total = geometry.batch * geometry.channels_out * plan.pixels_out;
        let keep = marks && geometry.epilogue == Epilogue::ReluPool;
        let mut values: Vec<T> = Vec::with_capacity(total);
        let mut kept: Vec<u8> = Vec::with_capacity(if keep { total } else { 0 });
        let image = Image::<L> {
            geometry,
            images,
            values: Shared(values.as_mut_ptr()),
            marks: keep.then_some(Shared(kept.as_mut_ptr())),
            plan: &plan,
            weights: &packed,
            transformed: transformed.as_deref(),
            bias: &biases,
            block,
            blocks,
        };
        // A worker's memory serves several images.
        let images_at_once = (0..geometry.batch)
            .into_par_iter()
            .with_min_len(geometry.batch / 16);
        images_at_once.for_each_init(
            || Buffers::new(&image),
            // SAFETY: this processor has the instructions; each image writes its own part of both
            // buffers, which hold `total` elements, all of it.
            |buffers, index| unsafe { L::compiled(OneImage(&image, buffers, index)) },
        );
        // SAFETY: every image has written its part.
        unsafe {
            values.set_len(total);
            kept.set_len(if keep { total } else { 0 });
        }
        Some((values, keep.then_some(kept)))
    }
}

struct OneImage<'a, 'b, L: Lanes>(&'a Image<'b, L>, &'a mut Buffers<L::T>, usize);

impl<L: Lanes> Work for OneImage<'_, '_, L> {
    type Result = ();

    /// The image at an index, all channels.
    ///
    /// # Safety
    /// The processor must have the instructions of `L`; values and marks must be valid for writes
    /// of the image's results, all of which this function writes.
    #[inline(always)]
    unsafe fn run(self) {
        let Self(shared, buffers, index) = self;
        let (geometry, plan) = (shared.geometry, shared.plan);
        let size = geometry.channels_in * geometry.image[0] * geometry.image[1];
        let image = &shared.images[index * size..][..size];
        pack(geometry, plan, image, &mut buffers.padded);
        let pool = geometry.epilogue == Epilogue::ReluPool;
        // SAFETY: as this function's; the squares stay inside the padded image.
        unsafe {
            match shared.transformed.filter(|_| within_safe_range(image)) {
                Some(w) if pool => winograd::all_tiles::<L, true>(shared, w, buffers),
                Some(w) => winograd::all_tiles::<L, false>(shared, w, buffers),
                None if pool => all_tiles::<L, true>(shared, buffers),
                None => all_tiles::<L, false>(shared, buffers),
            }
        }
        let channels = shared.blocks * shared.block;
        let (out, pixels) = (geometry.channels_out, plan.pixels_out);
        let from = index * out * pixels;
        // SAFETY: the caller's results hold `out · pixels` elements for each image.
        unsafe {
            let to = shared.values.at(from);
            transpose_to(&buffers.values, channels, to, pixels, pixels, out, |x| x);
            if let Some(marks) = shared.marks {
                // The marks are 0 to 4, exact in any float.
                let small = |mark: L::T| mark.to_i32() as u8;
                let to = marks.at(from);
                transpose_to(&buffers.marks, channels, to, pixels, pixels, out, small);
            }
        }
    }
}

#[inline(always)]
unsafe fn all_tiles<L: Lanes, const POOL: bool>(
    shared: &Image<'_, L>,
    buffers: &mut Buffers<L::T>,
) {
    let (plan, geometry) = (shared.plan, shared.geometry);
    let squares = Squares::new::<L, POOL>(shared);
    let tile = Tile::<L> {
        weights: std::ptr::null(),
        padded: buffers.padded.as_ptr(),
        run: plan.run,
        rows: geometry.kernel[0],
        row: plan.row,
        block: shared.block,
        down: squares.down,
        right: squares.right,
        end: End::new(shared, buffers),
    };
    for block in 0..shared.blocks {
        // SAFETY: the packed weights hold `blocks` blocks, the biases one number a channel; the
        // places lie inside the padded image and the scratch results.
        unsafe {
            let tile = Tile::<L> {
                weights: shared
                    .weights
                    .as_ptr()
                    .add(block * shared.block * geometry.taps()),
                ..tile
            };
            if shared.is_narrow(block) {
                tile.all::<1, POOL>(&squares, block);
            } else {
                tile.all::<2, POOL>(&squares, block);
            }
        }
    }
}

/// What is the same for all tiles of a block.
#[derive(Clone, Copy)]
struct Tile<L: Lanes> {
    weights: *const L::T,
    padded: *const L::T,
    run: usize,
    rows: usize,
    row: usize,
    block: usize,
    down: usize,
    right: usize,
    end: End<L>,
}

impl<L: Lanes> Tile<L> {
    /// All squares, as many at once as the registers hold: 4 pixels × squares × vectors.
    #[inline(always)]
    unsafe fn all<const VECTORS: usize, const POOL: bool>(&self, squares: &Squares, block: usize) {
        let mut square = 0;
        // SAFETY: the caller's.
        unsafe {
            if L::REGISTERS >= 24 && VECTORS == 1 {
                while square + 4 <= squares.count {
                    let places = std::array::from_fn(|i| squares.place(square + i, block));
                    self.compute::<4, VECTORS, POOL>(places, block);
                    square += 4;
                }
            } else if L::REGISTERS >= 24 || VECTORS == 1 {
                while square + 3 <= squares.count {
                    let places = std::array::from_fn(|i| squares.place(square + i, block));
                    self.compute::<3, VECTORS, POOL>(places, block);
                    square += 3;
                }
            }
            while square < squares.count {
                self.compute::<1, VECTORS, POOL>([squares.place(square, block)], block);
                square += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn compute<const SQUARES: usize, const VECTORS: usize, const POOL: bool>(
        &self,
        places: [Place; SQUARES],
        block: usize,
    ) {
        // SAFETY: the caller's places; a window has `rows` rows of `run` numbers.
        unsafe {
            let bias: [L::V; VECTORS] =
                std::array::from_fn(|v| L::load(self.end.bias.add(block * self.block + v * L::N)));
            let mut sums = [[bias; 4]; SQUARES];
            let mut weights = self.weights;
            for ky in 0..self.rows {
                let tops: [*const L::T; SQUARES] =
                    std::array::from_fn(|s| self.padded.add(places[s].from + ky * self.row));
                for j in 0..self.run {
                    let w: [L::V; VECTORS] =
                        std::array::from_fn(|v| L::load(weights.add(v * L::N)));
                    for s in 0..SQUARES {
                        let top = tops[s].add(j);
                        let x = [
                            L::splat(*top),
                            L::splat(*top.add(self.right)),
                            L::splat(*top.add(self.down)),
                            L::splat(*top.add(self.down + self.right)),
                        ];
                        for p in 0..4 {
                            for v in 0..VECTORS {
                                sums[s][p][v] = L::fma(x[p], w[v], sums[s][p][v]);
                            }
                        }
                    }
                    weights = weights.add(self.block);
                }
            }
            for (sums, place) in sums.iter().zip(places) {
                for v in 0..VECTORS {
                    let square = [sums[0][v], sums[1][v], sums[2][v], sums[3][v]];
                    self.end.store::<POOL>(square, place, v);
                }
            }
        }
    }
}
