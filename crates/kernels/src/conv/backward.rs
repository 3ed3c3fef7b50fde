//! The backward pass, sparse: after ReLU and pooling at most one of four pixels carries a
//! gradient, often none. Per output channel a list of (gradient, window) is streamed against the
//! image with the weights' gradient in registers; per pixel a list of (gradient, channel) gathers
//! the image's gradient.
//!
//! ∂L/∂w[o,i,m,n] = Σ g[o,y,x] · x[i, y+m, x+n]   and   ∂L/∂x[i, y+m, x+n] = Σ g[o,y,x] · w[o,i,m,n]

use rayon::prelude::*;

use super::geometry::{Geometry, Plan, SLACK};
use super::layout::{gradients_of_weights, pack, unpack, weights_for_backward};
use super::stream::windows;
use crate::simd::{
    Aligned, Float, INACTIVE, Kernel, LIST_SLACK, Lanes, Row, Shared, Work, all_finite,
};

/// Parts that a batch is cut into; each sums the weights' gradients of its images. A function of
/// the sizes alone, so that the sums do not depend on the number of threads.
fn parts(geometry: &Geometry) -> usize {
    let weights = geometry.taps() * geometry.channels_out;
    let by_size = (4 << 20) / weights.max(1);
    geometry.batch.min(by_size.clamp(2, 16))
}

/// The backward pass, and what it reads.
#[derive(Clone, Copy)]
pub(super) struct Backward<'a, T> {
    pub geometry: &'a Geometry,
    /// `[batch][in][row][column]`
    pub images: &'a [T],
    /// `[out][in][ky][kx]`
    pub weights: &'a [T],
    /// Gradient of the results, `[batch][out][pixel]`.
    pub gradients: &'a [T],
    /// What the forward pass says of each result.
    pub mask: ReluPoolMask<'a, T>,
    /// Whether the images' gradient is wanted.
    pub for_images: bool,
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    /// Gradients of images (where asked for), weights and bias. `None` where a number is infinite
    /// or NaN: the lists would lose what 0 · ∞ gives.
    type Result = Option<(Option<Vec<T>>, Vec<T>, Vec<T>)>;

    unsafe fn run<L: Lanes<T = T>>(self) -> Self::Result {
        let geometry = self.geometry;
        let plan = geometry.plan()?;
        if self.for_images && !all_finite(self.weights) {
            return None;
        }
        let width = plan.run.next_multiple_of(L::N);
        let packed = match self.for_images {
            true => weights_for_backward(geometry, self.weights, width),
            false => Aligned::zeros(0),
        };
        // Where windows start and pixels of a pool's window lie, counted in pixels of the padded image.
        let pixels = plan.row / geometry.channels_in;
        let step = geometry.epilogue.step();
        let corners: Vec<u32> = (0..plan.pixels_out)
            .map(|pixel| {
                let (y, x) = (pixel / plan.output[1], pixel % plan.output[1]);
                (y * step * pixels + x * step) as u32
            })
            .collect();
        let within = [0, 1, pixels as u32, pixels as u32 + 1];
        let total = geometry.batch * geometry.channels_in * geometry.image[0] * geometry.image[1];
        let total = if self.for_images { total } else { 0 };
        let mut images: Vec<T> = Vec::with_capacity(total);
        let part = Part::<L> {
            geometry,
            plan: &plan,
            inputs: self,
            target: self.for_images.then_some(Shared(images.as_mut_ptr())),
            packed: &packed,
            width,
            corners: &corners,
            within,
        };
        let count = parts(geometry);
        let partial: Vec<Option<(Vec<T>, Vec<T>)>> = (0..count)
            .into_par_iter()
            .map(|index| {
                let mut worker = Worker::new(&part);
                let first = index * geometry.batch / count;
                let last = (index + 1) * geometry.batch / count;
                for image in first..last {
                    // SAFETY: each image writes its own part of the buffer, all of it; this processor
                    // has the instructions.
                    if !unsafe { L::compiled(OneImage(&part, &mut worker, image)) } {
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
            let all = sums.iter_mut().chain(&mut bias);
            for (sum, x) in all.zip(more.into_iter().chain(more_bias)) {
                *sum += x;
            }
        }
        let weights = gradients_of_weights(geometry, &sums, width);
        // SAFETY: all images were written, else this function returned above.
        unsafe { images.set_len(total) };
        Some((self.for_images.then_some(images), weights, bias))
    }
}

/// What is the same for all images of a call.
struct Part<'a, L: Lanes> {
    geometry: &'a Geometry,
    plan: &'a Plan,
    inputs: Backward<'a, L::T>,
    /// The images' gradient, where it is wanted: memory that is not initialised yet.
    target: Option<Shared<L::T>>,
    /// Weights as `[out][ky][run]`, rows of `width` numbers.
    packed: &'a [L::T],
    width: usize,
    /// Of every result, the place of the upper left pixel of its window.
    corners: &'a [u32],
    /// From there to the pixels of the window.
    within: [u32; 4],
}

/// Memory of one worker.
struct Worker<T> {
    padded: Aligned<T>,
    gradient: Aligned<T>,
    /// Gradient of the weights so far, `[out][ky][run]`.
    sums: Aligned<T>,
    bias: Vec<T>,
    /// Marks of one channel, where the forward pass left none.
    marks: Vec<u8>,
    /// Of one channel.
    list: List<T>,
    /// Of every pixel of the convolution, by its place in the padded image: gradients and their
    /// channels, `channels_out` entries each.
    by_pixel: List<T>,
    /// Entries in use of each of them.
    counts: Vec<u32>,
}

/// Numbers, and where each belongs.
struct List<T> {
    values: Vec<T>,
    places: Vec<u32>,
}

impl<T: Float> List<T> {
    fn new(length: usize) -> Self {
        Self {
            values: vec![T::default(); length],
            places: vec![0; length],
        }
    }
}

impl<T: Float> Worker<T> {
    fn new<L: Lanes<T = T>>(part: &Part<'_, L>) -> Self {
        let (geometry, plan) = (part.geometry, part.plan);
        let places = plan.convolved[0] * plan.row / geometry.channels_in;
        let (places, channels, gradient) = if part.inputs.for_images {
            (places, geometry.channels_out, plan.padded + SLACK)
        } else {
            (0, 0, 0)
        };
        Self {
            padded: Aligned::zeros(plan.padded + SLACK),
            gradient: Aligned::zeros(gradient),
            sums: Aligned::zeros(geometry.channels_out * geometry.kernel[0] * part.width),
            bias: vec![T::default(); geometry.channels_out],
            marks: vec![0; plan.pixels_out],
            list: List::new(plan.pixels_out + LIST_SLACK),
            by_pixel: List::new(places * channels),
            counts: vec![0; places],
        }
    }
}

struct OneImage<'a, 'b, L: Lanes>(&'a Part<'b, L>, &'a mut Worker<L::T>, usize);

impl<L: Lanes> Work for OneImage<'_, '_, L> {
    type Result = bool;

    #[inline(always)]
    unsafe fn run(self) -> bool {
        // SAFETY: the caller's.
        unsafe { one_image(self.0, self.1, self.2) }
    }
}

/// The image at `index`; `false` if a pixel or a gradient is not finite.
///
/// # Safety
/// The processor must have the instructions of `L`; the target must be valid for writes of the
/// image, and is written whole if the answer is `true`.
#[inline(always)]
unsafe fn one_image<L: Lanes>(part: &Part<'_, L>, worker: &mut Worker<L::T>, index: usize) -> bool {
    let (geometry, plan) = (part.geometry, part.plan);
    let size_in = geometry.channels_in * geometry.image[0] * geometry.image[1];
    let size_out = geometry.channels_out * plan.pixels_out;
    let gradients = &part.inputs.gradients[index * size_out..][..size_out];
    let mask = part.inputs.mask.from(index * size_out, size_out);
    let image = &part.inputs.images[index * size_in..][..size_in];
    if !all_finite(image) {
        return false;
    }
    pack(geometry, plan, image, &mut worker.padded);
    let size = [geometry.kernel[0], part.width];
    let wide = geometry.kernel[0] * part.width;
    let channels = geometry.channels_out;
    worker.counts.fill(0);
    for channel in 0..channels {
        let from = &gradients[channel * plan.pixels_out..][..plan.pixels_out];
        let mask = mask.from(channel * plan.pixels_out, plan.pixels_out);
        let row = Row {
            gradients: from.as_ptr(),
            marks: mask.marks(&mut worker.marks).as_ptr(),
            corners: part.corners.as_ptr(),
            within: part.within,
            length: plan.pixels_out,
        };
        let List { values, places } = &mut worker.list;
        // SAFETY: the slices of the row are as long as it says, the list is `LIST_SLACK` longer.
        let count = unsafe { L::list(&row, values.as_mut_ptr(), places.as_mut_ptr()) };
        // SAFETY: the list has room for a vector behind its end.
        let sum = unsafe { sum::<L>(values, count) };
        if !sum.is_finite() {
            return false;
        }
        worker.bias[channel] += sum;
        let list = (&values[..count], &places[..count]);
        // SAFETY: every listed window lies inside the padded image, which has spare numbers
        // behind it for the last vector; `sums` has a row of `width` for each row of the window.
        unsafe {
            let from = (worker.padded.as_ptr(), plan.row);
            let to = (worker.sums.as_mut_ptr().add(channel * wide), part.width);
            windows::<L>(list, size, geometry.channels_in, from, to);
        }
        if part.target.is_some() {
            for (&g, &place) in values[..count].iter().zip(&places[..count]) {
                let entries = &mut worker.counts[place as usize];
                let at = place as usize * channels + *entries as usize;
                worker.by_pixel.values[at] = g;
                worker.by_pixel.places[at] = channel as u32;
                *entries += 1;
            }
        }
    }
    let Some(target) = part.target else {
        return true;
    };
    worker.gradient.fill(L::T::default());
    let [height, width] = plan.convolved;
    let padded_width = plan.row / geometry.channels_in;
    for y in 0..height {
        for x in 0..width {
            let place = y * padded_width + x;
            let count = worker.counts[place] as usize;
            if count == 0 {
                continue;
            }
            let listed = place * channels..place * channels + count;
            let List { values, places } = &worker.by_pixel;
            let listed = (&values[listed.clone()], &places[listed]);
            // SAFETY: the window at a pixel lies inside the padded gradient (and its slack); what
            // is listed are channels of the packed weights, whose rows end in zeros, so that the
            // numbers behind the window stay as they are.
            unsafe {
                let from = (part.packed.as_ptr(), part.width);
                let to = worker.gradient.as_mut_ptr();
                let to = (to.add(place * geometry.channels_in), plan.row);
                windows::<L>(listed, size, wide, from, to);
            }
        }
    }
    // SAFETY: the caller's target.
    unsafe { unpack(geometry, plan, &worker.gradient, target.at(index * size_in)) };
    true
}

/// Sum of the first `count` values; overwrites a vector behind them.
///
/// # Safety
/// The processor must have the instructions of `L`, and `values` `L::N` elements behind `count`.
#[inline(always)]
unsafe fn sum<L: Lanes>(values: &mut [L::T], count: usize) -> L::T {
    let zero = L::T::default();
    // SAFETY: the caller's.
    unsafe {
        L::store(values.as_mut_ptr().add(count), L::splat(zero));
        let mut sum = L::splat(zero);
        for i in (0..count).step_by(L::N) {
            sum = L::add(sum, L::load(values.as_ptr().add(i)));
        }
        let mut lanes = [zero; 16];
        const { assert!(L::N <= 16) };
        L::store(lanes.as_mut_ptr(), sum);
        lanes.into_iter().fold(zero, |sum, x| sum + x)
    }
}

/// Which results let a gradient through, and to which pixel.
#[derive(Clone, Copy)]
pub(super) enum ReluPoolMask<'a, T> {
    /// All: there was no ReLU.
    Through,
    /// Those that ReLU left: here are its results.
    Relu(&'a [T]),
    /// The marks of ReLU and pool.
    Marks(&'a [u8]),
}

impl<T: Float> ReluPoolMask<'_, T> {
    /// The part from `start` on.
    fn from(self, start: usize, length: usize) -> Self {
        match self {
            Self::Through => Self::Through,
            Self::Relu(results) => Self::Relu(&results[start..][..length]),
            Self::Marks(marks) => Self::Marks(&marks[start..][..length]),
        }
    }

    /// The marks of a channel, written to `buffer` where there are none.
    #[inline(always)]
    fn marks<'b>(&'b self, buffer: &'b mut [u8]) -> &'b [u8] {
        match self {
            Self::Marks(marks) => marks,
            // Zeros since it was made.
            Self::Through => buffer,
            Self::Relu(results) => {
                for (mark, &result) in buffer.iter_mut().zip(*results) {
                    // As Burn's ReLU: a NaN lets its gradient through.
                    *mark = u8::from(result <= T::default()) * INACTIVE;
                }
                buffer
            }
        }
    }
}

/// The gradient of the convolution's result, `[batch][out][row][column]`, zero where ReLU and pool
/// let nothing through.
pub(super) fn unpool<T: Float>(
    geometry: &Geometry,
    gradients: &[T],
    mask: ReluPoolMask<'_, T>,
) -> Vec<T> {
    let (Some([height, width]), Some(output)) = (geometry.convolved(), geometry.output()) else {
        return Vec::new();
    };
    let step = geometry.epilogue.step();
    let maps = geometry.batch * geometry.channels_out;
    let mut before = vec![T::default(); maps * height * width];
    let mut buffer = vec![0; gradients.len()];
    let marks = mask.marks(&mut buffer);
    for (index, (&g, &mark)) in gradients.iter().zip(marks).enumerate() {
        if mark != INACTIVE {
            let area = output[0] * output[1];
            let (map, pixel) = (index / area, index % area);
            let y = pixel / output[1] * step + usize::from(mark / 2);
            let x = pixel % output[1] * step + usize::from(mark % 2);
            before[(map * height + y) * width + x] = g;
        }
    }
    before
}
