//! The choice among the instructions of the processor at run time.

use std::sync::atomic::{AtomicU8, Ordering};

/// Defines a function that is compiled for each set of instructions, from ordinary loops that the
/// compiler turns into vectors, and that runs by the best of them.
macro_rules! vectorized {
    (
        $(#[$attribute:meta])*
        fn $name:ident<$t:ident>($($argument:ident: $type:ty),* $(,)?) = $body:ident;
    ) => {
        $(#[$attribute])*
        fn $name<$t: Float>($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512<$t: Float>($($argument: $type),*) {
                $body($($argument),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$t: Float>($($argument: $type),*) {
                $body($($argument),*);
            }
            match Instructions::current() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the processor has these instructions.
                Instructions::Avx512 => unsafe { avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the processor has these instructions.
                Instructions::Avx2 => unsafe { avx2($($argument),*) },
                _ => $body($($argument),*),
            }
        }
    };
}
pub(crate) use vectorized;

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
            1 => Self::Plain,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => {
                let best = Self::available()[Self::available().len() - 1];
                CHOSEN.store(best as u8 + 1, Ordering::Relaxed);
                best
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
