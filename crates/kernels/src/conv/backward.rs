//! The backward pass, sparse: after ReLU and pooling at most one of four pixels carries a
//! gradient, often none. Per output channel a list of (gradient, window) is streamed against the
//! image with the weights' gradient in registers; per pixel a list of (gradient, channel) gathers
//! the image's gradient.
//!
//! ∂L/∂w[o,i,m,n] = Σ g[o,y,x] · x[i, y+m, x+n]   and   ∂L/∂x[i, y+m, x+n] = Σ g[o,y,x] · w[o,i,m,n]

use rayon::prelude::*;

use super::forward::DEAD;
use super::geometry::{Geometry, Plan, SLACK, Then};
use super::layout::{gradients_of_weights, pack, row_width, unpack, weights_for_backward};
use crate::simd::{Aligned, Float, Lanes, Shared, all_finite};

/// Parts that a batch is cut into; each sums the weights' gradients of its images. A function of
/// the sizes alone, so that the sums do not depend on the number of threads.
fn parts(geometry: &Geometry) -> usize {
    let weights = geometry.taps() * geometry.channels_out;
    let by_size = (4 << 20) / weights.max(1);
    geometry.batch.min(by_size.clamp(2, 16))
}

/// [`one_image`], compiled for a set of instructions.
type OneImage<L> = unsafe fn(
    &Part<'_, L>,
    &mut Worker<<L as Lanes>::T>,
    usize,
    Option<*mut <L as Lanes>::T>,
) -> bool;

/// Gradients of weights and bias of one part.
type Sums<T> = (Vec<T>, Vec<T>);

/// Gradients of one call.
pub(crate) struct Gradients<T> {
    /// As the images, where asked for.
    pub images: Option<Vec<T>>,
    /// As the weights.
    pub weights: Vec<T>,
    /// One a channel.
    pub bias: Vec<T>,
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a, T> {
    /// `[batch][in][row][column]`
    pub images: &'a [T],
    /// `[out][in][ky][kx]`
    pub weights: &'a [T],
    /// Gradient of the results, `[batch][out][pixel]`.
    pub gradients: &'a [T],
    /// What the forward pass says of each result.
    pub fate: Fate<'a, T>,
    /// Whether the images' gradient is wanted.
    pub for_images: bool,
}

/// Which results let a gradient through, and to which pixel.
#[derive(Clone, Copy)]
pub(crate) enum Fate<'a, T> {
    /// All: there was no ReLU.
    Through,
    /// Those that ReLU left: here are its results.
    Relu(&'a [T]),
    /// The marks of ReLU and pool.
    Marks(&'a [u8]),
}

impl<T: Float> Fate<'_, T> {
    /// The part from `start` on.
    fn from(self, start: usize, length: usize) -> Self {
        match self {
            Self::Through => Self::Through,
            Self::Relu(results) => Self::Relu(&results[start..][..length]),
            Self::Marks(marks) => Self::Marks(&marks[start..][..length]),
        }
    }

    /// The mark of one result.
    #[inline(always)]
    fn mark(&self, index: usize) -> u8 {
        match self {
            Self::Through => 0,
            // As Burn's ReLU: a NaN lets its gradient through.
            Self::Relu(results) => u8::from(results[index] <= T::default()) * DEAD,
            Self::Marks(marks) => marks[index],
        }
    }
}

/// The gradient of the convolution's result, `[batch][out][row][column]`, zero where ReLU and pool
/// let nothing through.
pub(crate) fn spread<T: Float>(geometry: &Geometry, gradients: &[T], fate: Fate<'_, T>) -> Vec<T> {
    let (Some([height, width]), Some(output)) = (geometry.convolved(), geometry.output()) else {
        return Vec::new();
    };
    let step = if geometry.then == Then::ReluPool {
        2
    } else {
        1
    };
    let maps = geometry.batch * geometry.channels_out;
    let mut before = vec![T::default(); maps * height * width];
    for (index, &g) in gradients.iter().enumerate() {
        let mark = fate.mark(index);
        if mark != DEAD {
            let (map, pixel) = (
                index / (output[0] * output[1]),
                index % (output[0] * output[1]),
            );
            let y = pixel / output[1] * step + usize::from(mark / 2);
            let x = pixel % output[1] * step + usize::from(mark % 2);
            before[(map * height + y) * width + x] = g;
        }
    }
    before
}

/// `None` where a number is infinite or NaN: the lists would lose what 0 · ∞ gives.
pub(crate) fn backward<L: Lanes>(
    geometry: &Geometry,
    inputs: Inputs<'_, L::T>,
    run: OneImage<L>,
) -> Option<Gradients<L::T>> {
    let plan = geometry.plan()?;
    if inputs.for_images && !all_finite(inputs.weights) {
        return None;
    }
    let width = row_width::<L>(&plan);
    let wide = geometry.kernel[0] * width;
    let mut packed = Aligned::zeros(if inputs.for_images {
        geometry.channels_out * wide
    } else {
        0
    });
    if inputs.for_images {
        weights_for_backward(geometry, inputs.weights, width, &mut packed);
    }
    let part = Part::<L> {
        geometry,
        plan: &plan,
        inputs,
        packed: &packed,
        width,
    };
    let size = geometry.channels_in * geometry.image[0] * geometry.image[1];
    let count = parts(geometry);
    let mut images: Vec<L::T> = Vec::with_capacity(if inputs.for_images {
        geometry.batch * size
    } else {
        0
    });
    let to = Shared(images.as_mut_ptr());
    let partial: Vec<Option<Sums<L::T>>> = (0..count)
        .into_par_iter()
        .map(|index| {
            let mut worker = Worker::new(&part);
            let first = index * geometry.batch / count;
            let last = (index + 1) * geometry.batch / count;
            for image in first..last {
                // SAFETY: each image writes its own part of the buffer, all of it; `run` was
                // compiled for instructions that this processor has.
                let fine = unsafe {
                    let target = inputs.for_images.then(|| to.at(image * size));
                    run(&part, &mut worker, image, target)
                };
                if !fine {
                    return None;
                }
            }
            Some((worker.sums.to_vec(), worker.bias))
        })
        .collect();
    let mut partial = partial.into_iter();
    let (mut sums, mut bias) = partial.next()??;
    for next in partial {
        let (more, more_bias) = next?;
        for (sum, x) in sums.iter_mut().zip(more) {
            *sum = sum.plus(x);
        }
        for (sum, x) in bias.iter_mut().zip(more_bias) {
            *sum = sum.plus(x);
        }
    }
    let mut weights = vec![L::T::default(); geometry.channels_out * geometry.taps()];
    gradients_of_weights(geometry, &sums, width, &mut weights);
    if inputs.for_images {
        // SAFETY: all images were written, else this function returned above.
        unsafe { images.set_len(geometry.batch * size) };
    }
    Some(Gradients {
        images: inputs.for_images.then_some(images),
        weights,
        bias,
    })
}

/// What is the same for all images of a call.
pub(crate) struct Part<'a, L: Lanes> {
    geometry: &'a Geometry,
    plan: &'a Plan,
    inputs: Inputs<'a, L::T>,
    /// Weights as `[out][ky][run]`, rows of `width` numbers.
    packed: &'a [L::T],
    width: usize,
}

/// Memory of one worker.
pub(crate) struct Worker<T> {
    padded: Aligned<T>,
    gradient: Aligned<T>,
    /// Gradient of the weights so far, `[out][ky][run]`.
    sums: Aligned<T>,
    bias: Vec<T>,
    /// Of one channel: gradients, and offsets of their windows.
    list: Vec<(T, u32)>,
    /// Of every pixel before the pool: gradients and offsets of their channels' weights.
    by_pixel: Vec<(T, u32)>,
    counts: Vec<u32>,
}

impl<T: Float> Worker<T> {
    fn new<L: Lanes<T = T>>(part: &Part<'_, L>) -> Self {
        let (geometry, plan) = (part.geometry, part.plan);
        let pixels = plan.convolved[0] * plan.convolved[1];
        let (pixels, channels, gradient) = if part.inputs.for_images {
            (pixels, geometry.channels_out, plan.padded + SLACK)
        } else {
            (0, 0, 0)
        };
        Self {
            padded: Aligned::zeros(plan.padded + SLACK),
            gradient: Aligned::zeros(gradient),
            sums: Aligned::zeros(geometry.channels_out * geometry.kernel[0] * part.width),
            bias: vec![T::default(); geometry.channels_out],
            list: vec![(T::default(), 0); plan.pixels_out + 1],
            by_pixel: vec![(T::default(), 0); pixels * channels + 1],
            counts: vec![0; pixels],
        }
    }
}

/// One image; `false` if a pixel or a gradient is not finite.
///
/// # Safety
/// The processor must have the instructions of `L`; `target` must be valid for writes of one
/// image, and is written whole if the answer is `true`.
#[inline(always)]
pub(crate) unsafe fn one_image<L: Lanes>(
    part: &Part<'_, L>,
    worker: &mut Worker<L::T>,
    index: usize,
    target: Option<*mut L::T>,
) -> bool {
    let (geometry, plan) = (part.geometry, part.plan);
    let size_in = geometry.channels_in * geometry.image[0] * geometry.image[1];
    let size_out = geometry.channels_out * plan.pixels_out;
    let gradients = &part.inputs.gradients[index * size_out..][..size_out];
    let fate = part.inputs.fate.from(index * size_out, size_out);
    let image = &part.inputs.images[index * size_in..][..size_in];
    if !all_finite(image) {
        return false;
    }
    pack(geometry, plan, image, &mut worker.padded);
    let pool = geometry.then == Then::ReluPool;
    // Where the window of each mark starts: pixel of the result → offset in the padded image.
    let columns = plan.output[1];
    let step = if pool { 2 } else { 1 };
    let inputs = geometry.channels_in;
    let within = [0, inputs, plan.row, plan.row + inputs].map(|offset| offset as u32);
    let wide = geometry.kernel[0] * part.width;
    for channel in 0..geometry.channels_out {
        let from = &gradients[channel * plan.pixels_out..][..plan.pixels_out];
        let fate = fate.from(channel * plan.pixels_out, plan.pixels_out);
        let mut count = 0;
        let mut sum = L::T::default();
        let list = &mut worker.list[..];
        for y in 0..plan.output[0] {
            let base = (y * step * plan.row) as u32;
            for x in 0..columns {
                let pixel = y * columns + x;
                let g = from[pixel];
                let mark = fate.mark(pixel);
                // No branch: which results are dead cannot be predicted.
                let alive = (mark != DEAD) & (g != L::T::default());
                let offset = base + (x * step * inputs) as u32 + within[usize::from(mark & 3)];
                list[count] = (g, offset);
                count += usize::from(alive);
                sum = sum.plus(g.times(L::T::from_f64(f64::from(u8::from(alive)))));
            }
        }
        if !sum.is_finite() {
            return false;
        }
        worker.bias[channel] = worker.bias[channel].plus(sum);
        // SAFETY: every listed window lies inside the padded image, which has spare numbers
        // behind it for the last vector; `sums` has a row of `width` for each row of the window.
        unsafe {
            weights_gradient::<L>(
                part,
                &worker.list[..count],
                worker.padded.as_ptr(),
                worker.sums.as_mut_ptr().add(channel * wide),
            );
        }
    }
    let Some(target) = target else {
        return true;
    };
    by_pixel(part, worker, gradients, fate);
    worker.gradient.fill(L::T::default());
    let channels = geometry.channels_out;
    let [height, width] = plan.convolved;
    for y in 0..height {
        for x in 0..width {
            let pixel = y * width + x;
            let count = worker.counts[pixel] as usize;
            if count == 0 {
                continue;
            }
            // SAFETY: the window at a pixel lies inside the padded gradient (and its slack);
            // the listed offsets are those of whole channels in the packed weights.
            unsafe {
                images_gradient::<L>(
                    part,
                    &worker.by_pixel[pixel * channels..][..count],
                    worker.gradient.as_mut_ptr().add(y * plan.row + x * inputs),
                );
            }
        }
    }
    // SAFETY: the caller's target.
    unsafe { unpack(geometry, plan, &worker.gradient, target) };
    true
}

/// Lists, for each pixel before the pool, the channels that send a gradient there.
#[inline(always)]
fn by_pixel<L: Lanes>(
    part: &Part<'_, L>,
    worker: &mut Worker<L::T>,
    gradients: &[L::T],
    fate: Fate<'_, L::T>,
) {
    let (geometry, plan) = (part.geometry, part.plan);
    let pool = geometry.then == Then::ReluPool;
    let step = if pool { 2 } else { 1 };
    let width = plan.convolved[1];
    let wide = (geometry.kernel[0] * part.width) as u32;
    let channels = geometry.channels_out;
    worker.counts.fill(0);
    for y in 0..plan.output[0] {
        for x in 0..plan.output[1] {
            let pixel = y * plan.output[1] + x;
            let corner = y * step * width + x * step;
            for channel in 0..channels {
                let at = channel * plan.pixels_out + pixel;
                let g = gradients[at];
                let mark = fate.mark(at);
                let alive = (mark != DEAD) & (g != L::T::default());
                let mark = usize::from(mark & 3);
                let place = corner + mark % 2 + mark / 2 * width;
                let count = &mut worker.counts[place];
                // Written in any case, counted only if alive. One entry is spare.
                worker.by_pixel[place * channels + *count as usize] = (g, channel as u32 * wide);
                *count += u32::from(alive);
            }
        }
    }
}

/// Calls `$function::<L, ROWS, VECTORS>` for run-time numbers of rows and vectors.
macro_rules! sized {
    ($rows:expr, $vectors:expr, $function:ident::<$lanes:ty>($($argument:expr),*)) => {
        match ($rows, $vectors) {
            (5, 1) => $function::<$lanes, 5, 1>($($argument),*),
            (5, 2) => $function::<$lanes, 5, 2>($($argument),*),
            (5, 3) => $function::<$lanes, 5, 3>($($argument),*),
            (5, 4) => $function::<$lanes, 5, 4>($($argument),*),
            (5, 5) => $function::<$lanes, 5, 5>($($argument),*),
            (3, 1) => $function::<$lanes, 3, 1>($($argument),*),
            (3, 2) => $function::<$lanes, 3, 2>($($argument),*),
            (3, 3) => $function::<$lanes, 3, 3>($($argument),*),
            (3, 4) => $function::<$lanes, 3, 4>($($argument),*),
            (3, 5) => $function::<$lanes, 3, 5>($($argument),*),
            (3, 6) => $function::<$lanes, 3, 6>($($argument),*),
            (2, 1) => $function::<$lanes, 2, 1>($($argument),*),
            (2, 2) => $function::<$lanes, 2, 2>($($argument),*),
            (2, 3) => $function::<$lanes, 2, 3>($($argument),*),
            (2, 4) => $function::<$lanes, 2, 4>($($argument),*),
            (2, 5) => $function::<$lanes, 2, 5>($($argument),*),
            (2, 6) => $function::<$lanes, 2, 6>($($argument),*),
            (1, 1) => $function::<$lanes, 1, 1>($($argument),*),
            (1, 2) => $function::<$lanes, 1, 2>($($argument),*),
            (1, 3) => $function::<$lanes, 1, 3>($($argument),*),
            (1, 4) => $function::<$lanes, 1, 4>($($argument),*),
            (1, 5) => $function::<$lanes, 1, 5>($($argument),*),
            (1, 6) => $function::<$lanes, 1, 6>($($argument),*),
            (rows, vectors) => unreachable!("no group of {rows} rows and {vectors} vectors"),
        }
    };
}

/// Rows and vectors that are held in registers together, for `rows` rows left and a row of
/// `vectors` left: one of the groups that [`sized`] knows.
#[inline(always)]
fn group<L: Lanes>(rows: usize, vectors: usize) -> (usize, usize) {
    // Rows of many vectors are cut evenly.
    let vectors = vectors.div_ceil(vectors.div_ceil(6));
    let rows = match (L::REGISTERS / vectors).min(rows) {
        0 | 1 => 1,
        2 => 2,
        3 | 4 => 3,
        _ => 5,
    };
    (rows, vectors)
}

#[inline(always)]
unsafe fn weights_gradient<L: Lanes>(
    part: &Part<'_, L>,
    list: &[(L::T, u32)],
    padded: *const L::T,
    sums: *mut L::T,
) {
    let mut ky = 0;
    while ky < part.geometry.kernel[0] {
        let mut v = 0;
        let (rows, _) = group::<L>(part.geometry.kernel[0] - ky, part.width / L::N);
        while v < part.width / L::N {
            let (_, vectors) = group::<L>(rows, part.width / L::N);
            let vectors = vectors.min(part.width / L::N - v);
            // SAFETY: the caller's.
            unsafe {
                let from = padded.add(ky * part.plan.row + v * L::N);
                let to = sums.add(ky * part.width + v * L::N);
                sized!(
                    rows,
                    vectors,
                    stream::<L>(list, from, part.plan.row, to, part.width)
                );
            }
            v += vectors;
        }
        ky += rows;
    }
}

/// to[r][v] += Σ g · from[offset + r·row + v] over the list.
#[inline(always)]
unsafe fn stream<L: Lanes, const ROWS: usize, const VECTORS: usize>(
    list: &[(L::T, u32)],
    from: *const L::T,
    row: usize,
    to: *mut L::T,
    to_row: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut sums: [[L::V; VECTORS]; ROWS] = std::array::from_fn(|r| {
            std::array::from_fn(|v| L::load(to.add(r * to_row + v * L::N)))
        });
        let mut pairs = list.chunks_exact(2);
        if ROWS * VECTORS <= 6 {
            // Few sums: two windows at a time, so that additions do not wait for each other.
            let mut others = [[L::splat(L::T::default()); VECTORS]; ROWS];
            for pair in &mut pairs {
                let (g, h) = (L::splat(pair[0].0), L::splat(pair[1].0));
                let x = from.add(pair[0].1 as usize);
                let y = from.add(pair[1].1 as usize);
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        sums[r][v] = L::fma(g, L::load(x.add(r * row + v * L::N)), sums[r][v]);
                        others[r][v] = L::fma(h, L::load(y.add(r * row + v * L::N)), others[r][v]);
                    }
                }
            }
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    sums[r][v] = L::add(sums[r][v], others[r][v]);
                }
            }
            for (g, offset) in pairs.remainder() {
                let g = L::splat(*g);
                let x = from.add(*offset as usize);
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        sums[r][v] = L::fma(g, L::load(x.add(r * row + v * L::N)), sums[r][v]);
                    }
                }
            }
        } else {
            for (g, offset) in list {
                let g = L::splat(*g);
                let x = from.add(*offset as usize);
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        sums[r][v] = L::fma(g, L::load(x.add(r * row + v * L::N)), sums[r][v]);
                    }
                }
            }
        }
        for r in 0..ROWS {
            for v in 0..VECTORS {
                L::store(to.add(r * to_row + v * L::N), sums[r][v]);
            }
        }
    }
}

#[inline(always)]
unsafe fn images_gradient<L: Lanes>(part: &Part<'_, L>, list: &[(L::T, u32)], gradient: *mut L::T) {
    let mut ky = 0;
    while ky < part.geometry.kernel[0] {
        let mut v = 0;
        let (rows, _) = group::<L>(part.geometry.kernel[0] - ky, part.width / L::N);
        while v < part.width / L::N {
            let (_, vectors) = group::<L>(rows, part.width / L::N);
            let vectors = vectors.min(part.width / L::N - v);
            // SAFETY: the caller's. The weights behind a row's end are zero, so the numbers behind
            // the window stay as they are.
            unsafe {
                let from = part.packed.as_ptr().add(ky * part.width + v * L::N);
                let to = gradient.add(ky * part.plan.row + v * L::N);
                sized!(
                    rows,
                    vectors,
                    stream::<L>(list, from, part.width, to, part.plan.row)
                );
            }
            v += vectors;
        }
        ky += rows;
    }
}
