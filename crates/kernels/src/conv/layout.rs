//! Between Burn's layout, `[channel][row][column]`, and the one that the kernels compute in,
//! `[row][column][channel]` with zeros around; one image at a time, so that it stays in the cache.

use super::geometry::{Geometry, Plan};
use crate::simd::{Aligned, Float, transpose_to};

/// Copies one image into the inside of `padded`, whose border is and stays zero.
#[inline(always)]
pub(super) fn pack<T: Float>(geometry: &Geometry, plan: &Plan, image: &[T], padded: &mut [T]) {
    let channels = geometry.channels_in;
    let [height, width] = geometry.image;
    let start = geometry.padding[0] * plan.row + geometry.padding[1] * channels;
    for y in 0..height {
        let to = &mut padded[start + y * plan.row..][..width * channels];
        let (from, to) = (&image[y * width..], to.as_mut_ptr());
        // SAFETY: `to` has `channels` numbers for each of `width` pixels.
        unsafe { transpose_to(from, height * width, to, channels, channels, width, |x| x) };
    }
}

/// Copies the inside of `padded` back to one image, all of it.
///
/// # Safety
/// `image` must be valid for writes of one image; it may be uninitialised.
#[inline(always)]
pub(super) unsafe fn unpack<T: Float>(
    geometry: &Geometry,
    plan: &Plan,
    padded: &[T],
    image: *mut T,
) {
    let channels = geometry.channels_in;
    let [height, width] = geometry.image;
    let start = geometry.padding[0] * plan.row + geometry.padding[1] * channels;
    for y in 0..height {
        // SAFETY: row y of every channel, `height · width` numbers apart, lies in the image.
        unsafe {
            let (from, to) = (&padded[start + y * plan.row..], image.add(y * width));
            transpose_to(from, channels, to, height * width, width, channels, |x| x);
        }
    }
}

/// Weights `[out][in][ky][kx]` as `[block of out][ky][kx][in][out within the block]`, zeros behind
/// the last channel.
pub(super) fn weights_for_forward<T: Float>(
    geometry: &Geometry,
    weights: &[T],
    block: usize,
) -> Aligned<T> {
    let blocks = geometry.channels_out.div_ceil(block);
    let mut packed = Aligned::zeros(blocks * block * geometry.taps());
    let [_, kernel_width] = geometry.kernel;
    each_weight(geometry, |at, [out, channel, ky, kx]| {
        let tap = (ky * kernel_width + kx) * geometry.channels_in + channel;
        packed[(out / block * geometry.taps() + tap) * block + out % block] = weights[at];
    });
    packed
}

/// Weights `[out][in][ky][kx]` as `[out][ky][run of kx and in]`, each run with zeros up to `width`.
pub(super) fn weights_for_backward<T: Float>(
    geometry: &Geometry,
    weights: &[T],
    width: usize,
) -> Aligned<T> {
    let mut packed = Aligned::zeros(geometry.channels_out * geometry.kernel[0] * width);
    each_weight(geometry, |at, [out, channel, ky, kx]| {
        let row = out * geometry.kernel[0] + ky;
        packed[row * width + kx * geometry.channels_in + channel] = weights[at];
    });
    packed
}

/// The inverse of [`weights_for_backward`], for gradients.
pub(super) fn gradients_of_weights<T: Float>(
    geometry: &Geometry,
    packed: &[T],
    width: usize,
) -> Vec<T> {
    let mut gradients = vec![T::default(); geometry.channels_out * geometry.taps()];
    each_weight(geometry, |at, [out, channel, ky, kx]| {
        let row = out * geometry.kernel[0] + ky;
        gradients[at] = packed[row * width + kx * geometry.channels_in + channel];
    });
    gradients
}

/// The place of every weight, and its out, in, ky and kx.
fn each_weight(geometry: &Geometry, mut visit: impl FnMut(usize, [usize; 4])) {
    let mut at = 0;
    for out in 0..geometry.channels_out {
        for channel in 0..geometry.channels_in {
            for ky in 0..geometry.kernel[0] {
                for kx in 0..geometry.kernel[1] {
                    visit(at, [out, channel, ky, kx]);
                    at += 1;
                }
            }
        }
    }
}
