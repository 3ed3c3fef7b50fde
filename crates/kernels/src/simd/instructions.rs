//! The choice among the instructions of the processor at run time.

use std::sync::atomic::{AtomicU8, Ordering};

/// Work that is compiled for each set of instructions. It and the loops in it are inlined always,
/// not as closures: else they would be compiled without the instructions.
pub(crate) trait Work {
    /// What comes out.
    type Result;
    /// # Safety
    /// As the work says; the processor must have the instructions that this was inlined for.
    unsafe fn run(self) -> Self::Result;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn avx512<W: Work>(work: W) -> W::Result {
    // SAFETY: the caller's.
    unsafe { work.run() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn avx2<W: Work>(work: W) -> W::Result {
    // SAFETY: the caller's.
    unsafe { work.run() }
}

/// Instructions that the f32 kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Plain code, for every processor; also what f64 uses.
    Plain,
    /// AVX2 with FMA: 8 numbers at a time.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL): 16 numbers at a time.
    Avx512,
}

/// 0: not looked yet; else 1 + the instructions in use.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl Instructions {
    /// All that this processor has, the plainest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other processors have only plain code")]
        let mut found = vec![Self::Plain];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            found.push(Self::Avx2);
            let all_512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if all_512 {
                found.push(Self::Avx512);
            }
        }
        found
    }

    /// What the kernels use now: the best that the processor has, unless [`Instructions::force`]
    /// chose another.
    pub fn current() -> Self {
        match CHOSEN.load(Ordering::Relaxed) {
            1 => return Self::Plain,
            2 => return Self::Avx2,
            3 => return Self::Avx512,
            _ => {}
        }
        let best = Self::available().pop().unwrap_or(Self::Plain);
        CHOSEN.store(best as u8 + 1, Ordering::Relaxed);
        best
    }

    /// Runs ordinary loops, which the compiler turns into vectors, by the instructions in use.
    ///
    /// # Safety
    /// As the work says.
    pub(crate) unsafe fn run<W: Work>(work: W) -> W::Result {
        // SAFETY: the caller's; `current` names only what the processor has.
        unsafe {
            match Self::current() {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => avx512(work),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => avx2(work),
                _ => work.run(),
            }
        }
    }

    /// Makes all kernels of the process use these instructions; for tests and benchmarks.
    ///
    /// Returns `false`, and changes nothing, if the processor does not have them.
    pub fn force(self) -> bool {
        let has = Self::available().contains(&self);
        if has {
            CHOSEN.store(self as u8 + 1, Ordering::Relaxed);
        }
        has
    }
}
