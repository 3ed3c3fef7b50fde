//! Between Burn's layout, `[channel][row][column]`, and the one that the kernels compute in,
//! `[row][column][channel]` with zeros around; one image at a time, so that it stays in the cache.

use super::geometry::{Geometry, Plan};
use crate::simd::{Float, Lanes, transpose, transpose_to};

/// Copies one image into the inside of `padded`, whose border is and stays zero.
#[inline(always)]
pub(super) fn pack<T: Float>(geometry: &Geometry, plan: &Plan, image: &[T], padded: &mut [T]) {
    let channels = geometry.channels_in;
    let [height, width] = geometry.image;
    let start = geometry.padding[0] * plan.row + geometry.padding[1] * channels;
    for y in 0..height {
        let to = &mut padded[start + y * plan.row..][..width * channels];
        transpose(
            &image[y * width..],
            height * width,
            to,
            channels,
            channels,
            width,
        );
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
            transpose_to(
                &padded[start + y * plan.row..],
                channels,
                image.add(y * width),
                height * width,
                width,
                channels,
                |x| x,
            );
        }
    }
}

/// Weights `[out][in][ky][kx]` as `[block of out][ky][kx][in][out within the block]`, zeros behind
/// the last channel.
pub(super) fn weights_for_forward<T: Float>(
    geometry: &Geometry,
    weights: &[T],
    block: usize,
    packed: &mut [T],
) {
    let [kernel_height, kernel_width] = geometry.kernel;
    let inputs = geometry.channels_in;
    for (out, filter) in weights.chunks_exact(geometry.taps()).enumerate() {
        let start = out / block * block * geometry.taps() + out % block;
        for channel in 0..inputs {
            for tap in 0..kernel_height * kernel_width {
                packed[start + (tap * inputs + channel) * block] =
                    filter[channel * kernel_height * kernel_width + tap];
            }
        }
    }
}

/// Weights `[out][in][ky][kx]` as `[out][ky][run of kx and in]`, each run with zeros up to `width`.
pub(super) fn weights_for_backward<T: Float>(
    geometry: &Geometry,
    weights: &[T],
    width: usize,
    packed: &mut [T],
) {
    each_weight(geometry, width, |at, to| packed[to] = weights[at]);
}

/// The inverse of [`weights_for_backward`], for gradients.
pub(super) fn gradients_of_weights<T: Float>(
    geometry: &Geometry,
    packed: &[T],
    width: usize,
    gradients: &mut [T],
) {
    each_weight(geometry, width, |to, at| gradients[to] = packed[at]);
}

/// The places of every weight as Burn has it, and as the backward pass.
fn each_weight(geometry: &Geometry, width: usize, mut visit: impl FnMut(usize, usize)) {
    let [kernel_height, kernel_width] = geometry.kernel;
    let inputs = geometry.channels_in;
    let mut at = 0;
    for out in 0..geometry.channels_out {
        for channel in 0..inputs {
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let row = out * kernel_height + ky;
                    visit(at, row * width + kx * inputs + channel);
                    at += 1;
                }
            }
        }
    }
}

/// Numbers in a row of a window, rounded up to whole vectors.
pub(super) fn row_width<L: Lanes>(plan: &Plan) -> usize {
    plan.run.next_multiple_of(L::N)
}
