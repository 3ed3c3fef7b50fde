//! The forward pass: every output channel of a register tile at once, inputs broadcast.
//!
//! A tile is a few 2×2 squares of output pixels times one block of output channels. Bias, ReLU and
//! the maximum of the square are applied in registers, so that the tensor before the pool is
//! never written.

use rayon::prelude::*;

use super::geometry::{Geometry, Plan, SLACK, Then};
use super::layout::{pack, transpose_to, weights_for_forward};
use crate::simd::{Aligned, DEAD, Float, Lanes, Shared};

/// [`one_image`], compiled for a set of instructions.
type OneImage<L> = unsafe fn(
    &Image<'_, L>,
    &mut Scratch<<L as Lanes>::T>,
    &[<L as Lanes>::T],
    Outputs<<L as Lanes>::T>,
);

/// Values and marks.
pub(crate) type Results<T> = (Vec<T>, Option<Vec<u8>>);

/// Results of the forward pass: `values [batch][out][pixel]` and, on request and where the
/// operation has a pool, `marks` in the same order: which pixel of the window the maximum is, or
/// [`DEAD`] where ReLU removed it.
pub(crate) fn forward<L: Lanes>(
    geometry: &Geometry,
    images: &[L::T],
    weights: &[L::T],
    bias: Option<&[L::T]>,
    marks: bool,
    run: OneImage<L>,
) -> Option<Results<L::T>> {
    let plan = geometry.plan()?;
    let block = block_width::<L>(geometry.channels_out);
    let blocks = geometry.channels_out.div_ceil(block);
    let mut packed = Aligned::zeros(blocks * block * geometry.taps());
    weights_for_forward(geometry, weights, block, &mut packed);
    let mut biases = Aligned::zeros(blocks * block);
    if let Some(bias) = bias {
        biases[..bias.len()].copy_from_slice(bias);
    }
    let image = Image::<L> {
        geometry,
        plan: &plan,
        weights: &packed,
        bias: &biases,
        block,
        blocks,
    };
    let size_in = geometry.channels_in * geometry.image[0] * geometry.image[1];
    let size_out = geometry.channels_out * plan.pixels_out;
    let total = geometry.batch * size_out;
    let keep = marks && geometry.then == Then::ReluPool;
    let mut values: Vec<L::T> = Vec::with_capacity(total);
    let mut kept: Vec<u8> = Vec::with_capacity(if keep { total } else { 0 });
    let (to_values, to_marks) = (Shared(values.as_mut_ptr()), Shared(kept.as_mut_ptr()));
    // A worker's memory serves several images.
    let images_at_once = (0..geometry.batch)
        .into_par_iter()
        .with_min_len(geometry.batch / 16);
    images_at_once.for_each_init(
        || Scratch::new(&plan, blocks * block, geometry.then == Then::ReluPool),
        |scratch, index| {
            // SAFETY: offsets inside buffers that hold `total` elements.
            let outputs = unsafe {
                Outputs {
                    values: to_values.at(index * size_out),
                    marks: keep.then(|| to_marks.at(index * size_out)),
                }
            };
            // SAFETY: `run` was compiled for instructions that this processor has; each image
            // writes its own part of both buffers, all of it.
            unsafe {
                run(
                    &image,
                    scratch,
                    &images[index * size_in..][..size_in],
                    outputs,
                )
            };
        },
    );
    // SAFETY: every image has written its part.
    unsafe {
        values.set_len(total);
        kept.set_len(if keep { total } else { 0 });
    }
    Some((values, keep.then_some(kept)))
}

/// Output channels computed together: two vectors where there are so many, else one.
fn block_width<L: Lanes>(channels: usize) -> usize {
    if channels > L::N { 2 * L::N } else { L::N }
}

/// What is the same for all images of a call.
pub(crate) struct Image<'a, L: Lanes> {
    geometry: &'a Geometry,
    plan: &'a Plan,
    weights: &'a [L::T],
    bias: &'a [L::T],
    block: usize,
    blocks: usize,
}

/// Where one image's results go: memory that is not initialised yet.
pub(crate) struct Outputs<T> {
    values: *mut T,
    marks: Option<*mut u8>,
}

/// Memory of one worker.
pub(crate) struct Scratch<T> {
    padded: Aligned<T>,
    /// `[pixel][channel]`
    values: Aligned<T>,
    marks: Aligned<T>,
}

impl<T: Float> Scratch<T> {
    fn new(plan: &Plan, channels: usize, pool: bool) -> Self {
        Self {
            padded: Aligned::zeros(plan.padded + SLACK),
            values: Aligned::zeros(plan.pixels_out * channels),
            marks: Aligned::zeros(if pool { plan.pixels_out * channels } else { 0 }),
        }
    }
}

/// One image, all channels.
///
/// # Safety
/// The processor must have the instructions of `L`; the outputs must be valid for writes of one
/// image's results, all of which this function writes.
#[inline(always)]
pub(crate) unsafe fn one_image<L: Lanes>(
    shared: &Image<'_, L>,
    scratch: &mut Scratch<L::T>,
    image: &[L::T],
    outputs: Outputs<L::T>,
) {
    let (geometry, plan) = (shared.geometry, shared.plan);
    pack(geometry, plan, image, &mut scratch.padded);
    // SAFETY: as this function's; the squares stay inside the padded image.
    unsafe {
        match (shared.block / L::N, geometry.then) {
            (2, Then::ReluPool) => all_tiles::<L, 2, true>(shared, scratch),
            (2, _) => all_tiles::<L, 2, false>(shared, scratch),
            (_, Then::ReluPool) => all_tiles::<L, 1, true>(shared, scratch),
            _ => all_tiles::<L, 1, false>(shared, scratch),
        }
    }
    let channels = shared.blocks * shared.block;
    let (out, pixels) = (geometry.channels_out, plan.pixels_out);
    // SAFETY: the caller's outputs hold `out · pixels` elements each.
    unsafe {
        let values = outputs.values;
        transpose_to(
            &scratch.values,
            channels,
            values,
            pixels,
            pixels,
            out,
            |x| x,
        );
        if let Some(marks) = outputs.marks {
            // The marks are 0 to 4, exact in any float.
            let small = |mark: L::T| mark.to_i32() as u8;
            transpose_to(&scratch.marks, channels, marks, pixels, pixels, out, small);
        }
    }
}

#[inline(always)]
unsafe fn all_tiles<L: Lanes, const VECTORS: usize, const POOL: bool>(
    shared: &Image<'_, L>,
    scratch: &mut Scratch<L::T>,
) {
    let (plan, geometry) = (shared.plan, shared.geometry);
    let [height, width] = plan.convolved;
    // Squares: the pool's windows, or a cover of all pixels whose last ones may overlap.
    let (rows, columns) = if POOL {
        (height / 2, width / 2)
    } else {
        (height.div_ceil(2), width.div_ceil(2))
    };
    let at = |square: usize| {
        let y = (square / columns * 2).min(height.saturating_sub(2));
        let x = (square % columns * 2).min(width.saturating_sub(2));
        (y, x)
    };
    let tile = Tile::<L> {
        weights: std::ptr::null(),
        bias: std::ptr::null(),
        padded: scratch.padded.as_ptr(),
        values: scratch.values.as_mut_ptr(),
        marks: scratch.marks.as_mut_ptr(),
        run: plan.run,
        rows: geometry.kernel[0],
        row: plan.row,
        down: if height > 1 { plan.row } else { 0 },
        right: if width > 1 { geometry.channels_in } else { 0 },
        relu: geometry.then != Then::Nothing,
        channels: shared.blocks * shared.block,
    };
    let place = |square: usize, block: usize| {
        let (y, x) = at(square);
        let to = if POOL { square } else { y * width + x };
        Place {
            from: y * plan.row + x * geometry.channels_in,
            to: to * tile.channels + block * shared.block,
            right: if width > 1 { tile.channels } else { 0 },
            down: if height > 1 { width * tile.channels } else { 0 },
        }
    };
    let squares = rows * columns;
    for block in 0..shared.blocks {
        // SAFETY: the packed weights hold `blocks` blocks, the biases one number a channel; the
        // places lie inside the padded image and the scratch results.
        unsafe {
            let tile = Tile::<L> {
                weights: shared
                    .weights
                    .as_ptr()
                    .add(block * shared.block * geometry.taps()),
                bias: shared.bias.as_ptr().add(block * shared.block),
                ..tile
            };
            let mut square = 0;
            // Accumulators of a tile: 4 pixels × squares × vectors.
            if L::REGISTERS >= 24 {
                if VECTORS == 2 {
                    while square + 3 <= squares {
                        let places = std::array::from_fn(|i| place(square + i, block));
                        tile.compute::<3, VECTORS, POOL>(places);
                        square += 3;
                    }
                } else {
                    while square + 4 <= squares {
                        let places = std::array::from_fn(|i| place(square + i, block));
                        tile.compute::<4, VECTORS, POOL>(places);
                        square += 4;
                    }
                }
            } else if VECTORS == 1 {
                while square + 3 <= squares {
                    let places = std::array::from_fn(|i| place(square + i, block));
                    tile.compute::<3, VECTORS, POOL>(places);
                    square += 3;
                }
            }
            while square < squares {
                tile.compute::<1, VECTORS, POOL>([place(square, block)]);
                square += 1;
            }
        }
    }
}

/// Where one square is read and written, in numbers from the start of the buffers.
#[derive(Clone, Copy)]
struct Place {
    from: usize,
    to: usize,
    right: usize,
    down: usize,
}

/// What is the same for all tiles of a block.
#[derive(Clone, Copy)]
struct Tile<L: Lanes> {
    weights: *const L::T,
    bias: *const L::T,
    padded: *const L::T,
    values: *mut L::T,
    marks: *mut L::T,
    run: usize,
    rows: usize,
    row: usize,
    down: usize,
    right: usize,
    relu: bool,
    channels: usize,
}

impl<L: Lanes> Tile<L> {
    #[inline(always)]
    unsafe fn compute<const SQUARES: usize, const VECTORS: usize, const POOL: bool>(
        &self,
        places: [Place; SQUARES],
    ) {
        // SAFETY: the caller's places; a window has `rows` rows of `run` numbers.
        unsafe {
            let bias: [L::V; VECTORS] = std::array::from_fn(|v| L::load(self.bias.add(v * L::N)));
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
                    weights = weights.add(VECTORS * L::N);
                }
            }
            let zero = L::splat(L::T::default());
            let mark = |n: f64| L::splat(L::T::from_f64(n));
            for (sums, place) in sums.iter().zip(places) {
                for v in 0..VECTORS {
                    let to = place.to + v * L::N;
                    if POOL {
                        let (mut best, mut which) = (sums[0][v], mark(0.0));
                        for p in 1..4 {
                            (best, which) =
                                L::select_greater(sums[p][v], best, mark(p as f64), which);
                        }
                        let (best, which) =
                            L::select_greater(best, zero, which, mark(f64::from(DEAD)));
                        L::store(self.values.add(to), best);
                        L::store(self.marks.add(to), which);
                    } else {
                        for p in 0..4 {
                            let to = to + p % 2 * place.right + p / 2 * place.down;
                            if self.relu {
                                let (value, _) = L::select_greater(sums[p][v], zero, zero, zero);
                                L::store(self.values.add(to), value);
                            } else {
                                L::store(self.values.add(to), sums[p][v]);
                            }
                        }
                    }
                }
            }
        }
    }
}
