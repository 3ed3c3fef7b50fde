//! Numbers, vectors and memory that the kernels share, and the choice of instructions.

mod float;
mod instructions;
mod lanes;
mod memory;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use float::{Float, all_finite, within_safe_range};
pub use instructions::Instructions;
pub(crate) use instructions::Work;
pub(crate) use lanes::{INACTIVE, LIST_SLACK, Lanes, Row};
pub(crate) use memory::{Aligned, Shared};
pub(crate) use transpose::transpose_to;

use lanes::Plain;
#[cfg(target_arch = "x86_64")]
use x86::{Avx2, Avx512, Avx512Narrow};

/// Numbers that one task of a pass over memory works on.
pub(crate) const CHUNK: usize = 16 * 1024;

/// An operation on numbers of type `T` with vectors of any kind.
pub(crate) trait Kernel<T> {
    /// What comes out.
    type Result;
    /// # Safety
    /// The processor must have the instructions of `L`.
    unsafe fn run<L: Lanes<T = T>>(self) -> Self::Result;
}

/// A number type with vectors: f32 by the best instructions of the processor, f64 by plain code.
pub(crate) trait Vectors: Float {
    /// Runs a kernel on rows of about `length` numbers; so few that they leave more than half of a
    /// 16-lane vector empty take one of 8.
    fn run<K: Kernel<Self>>(kernel: K, length: usize) -> K::Result;
}

impl Vectors for f32 {
    fn run<K: Kernel<f32>>(kernel: K, length: usize) -> K::Result {
        // SAFETY: `current` names only what the processor has.
        unsafe {
            match Instructions::current() {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 if length > 8 => kernel.run::<Avx512>(),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => kernel.run::<Avx512Narrow>(),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => kernel.run::<Avx2>(),
                _ => kernel.run::<Plain<f32>>(),
            }
        }
    }
}

impl Vectors for f64 {
    fn run<K: Kernel<f64>>(kernel: K, _: usize) -> K::Result {
        // SAFETY: every processor runs plain code.
        unsafe { kernel.run::<Plain<f64>>() }
    }
}
