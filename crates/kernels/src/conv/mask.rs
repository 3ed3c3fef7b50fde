//! Which results of the forward pass let a gradient through, and to which pixel.

use super::geometry::Geometry;
use crate::simd::{Float, INACTIVE};

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
    pub fn from(self, start: usize, length: usize) -> Self {
        match self {
            Self::Through => Self::Through,
            Self::Relu(results) => Self::Relu(&results[start..][..length]),
            Self::Marks(marks) => Self::Marks(&marks[start..][..length]),
        }
    }

    /// The marks of a channel, written to `buffer` where there are none.
    #[inline(always)]
    pub fn marks<'b>(&'b self, buffer: &'b mut [u8]) -> &'b [u8] {
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

    /// The mark of one result.
    fn mark(&self, index: usize) -> u8 {
        match self {
            Self::Through => 0,
            // As Burn's ReLU: a NaN lets its gradient through.
            Self::Relu(results) => u8::from(results[index] <= T::default()) * INACTIVE,
            Self::Marks(marks) => marks[index],
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
    for (index, &g) in gradients.iter().enumerate() {
        let mark = mask.mark(index);
        if mark != INACTIVE {
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
