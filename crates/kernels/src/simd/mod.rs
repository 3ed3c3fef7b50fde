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
pub(crate) use instructions::{Kernel, Vectors, Work};
pub(crate) use lanes::{INACTIVE, LIST_SLACK, Lanes, Row};
pub(crate) use memory::{Aligned, Shared};
pub(crate) use transpose::transpose_to;

/// Numbers that one task of a pass over memory works on.
pub(crate) const CHUNK: usize = 16 * 1024;
