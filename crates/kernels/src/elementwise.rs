//! Operations number by number: ReLU, Adam and dropout, each in one pass over memory.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::simd::{Float, Instructions};

/// One step of Adam (Kingma and Ba 2015) with the corrections of its bias folded in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamStep {
    pub beta_1: f64,
    pub beta_2: f64,
    /// √(1 − β₂ᵗ) / (1 − β₁ᵗ)
    pub correction: f64,
    /// ε · √(1 − β₂ᵗ)
    pub epsilon: f64,
    pub rate: f64,
    /// What remains of a parameter before the step: 1 − rate · decay for AdamW, else 1.
    pub keep: f64,
}

/// Numbers that one task works on.
const CHUNK: usize = 16 * 1024;

/// A number type with kernels.
pub(crate) trait Elementwise: Float {
    /// Updates parameters and both moments in place.
    fn adam(step: AdamStep, values: &mut [Self], gradient: &[Self], moments: [&mut [Self]; 2]) {
        let [first, second] = moments;
        // `zip` would end with the shortest, and leave the rest of the parameters as they are.
        for other in [gradient.len(), first.len(), second.len()] {
            assert_eq!(
                values.len(),
                other,
                "Adam: parameters, gradient and moments"
            );
        }
        values
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(first.par_chunks_mut(CHUNK))
            .zip(second.par_chunks_mut(CHUNK))
            .for_each(|(((values, gradient), first), second)| {
                Self::adam_chunk(step, values, gradient, first, second);
            });
    }

    /// `x · mask(seed)`, see [`keep`].
    fn dropout(seed: u64, probability: f64, x: &[Self]) -> Vec<Self> {
        let mut result = Vec::with_capacity(x.len());
        result.spare_capacity_mut()[..x.len()]
            .par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .enumerate()
            .for_each(|(chunk, (to, from))| {
                Self::dropout_chunk(seed, probability, chunk * CHUNK, from, to);
            });
        // SAFETY: the chunks cover all of the buffer, and each was written from its like of `x`.
        unsafe { result.set_len(x.len()) };
        result
    }

    /// One chunk of [`Elementwise::adam`].
    fn adam_chunk(
        step: AdamStep,
        values: &mut [Self],
        gradient: &[Self],
        first: &mut [Self],
        second: &mut [Self],
    );

    /// One chunk of [`Elementwise::dropout`] that starts at element `start`.
    fn dropout_chunk(
        seed: u64,
        probability: f64,
        start: usize,
        from: &[Self],
        to: &mut [MaybeUninit<Self>],
    );
}

/// max(0, y) in place, except that a NaN stays one.
pub(crate) fn relu<T: Float>(numbers: &mut [T]) {
    numbers.par_chunks_mut(CHUNK).for_each(|chunk| {
        for y in chunk {
            *y = if *y <= T::default() { T::default() } else { *y };
        }
    });
}

/// The gradient before ReLU, of which `y` is the result.
pub(crate) fn relu_backward<T: Float>(gradient: &[T], y: &[T]) -> Vec<T> {
    assert_eq!(gradient.len(), y.len(), "ReLU: gradient and result");
    let through = |(&g, &y): (&T, &T)| if y <= T::default() { T::default() } else { g };
    let pairs = gradient.par_iter().zip(y).with_min_len(CHUNK);
    pairs.map(through).collect()
}

/// 32 bits that depend on seed and position alone: the position through the finalizer of
/// MurmurHash3, keyed before and between its rounds.
#[inline(always)]
fn bits(key: [u32; 2], index: u32) -> u32 {
    let mut h = index ^ key[0];
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35) ^ key[1];
    h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
    (h ^ (h >> 15)).wrapping_mul(0x846c_a68b)
}

/// The largest [`bits`] that are dropped, plus one.
fn threshold(probability: f64) -> u32 {
    (probability * f64::from(u32::MAX)) as u32
}

/// The mask of dropout (Srivastava et al. 2014): 0 with `probability`, else 1/(1 − p). A function
/// of the seed and the position, on every backend.
pub(crate) fn mask(seed: u64, probability: f64, length: usize) -> Vec<f64> {
    f64::dropout(seed, probability, &vec![1.0; length])
}

#[inline(always)]
fn adam_body<T: Float>(
    step: AdamStep,
    values: &mut [T],
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
) {
    let [beta_1, beta_2, rest_1, rest_2, scale, epsilon, keep] = [
        step.beta_1,
        step.beta_2,
        1.0 - step.beta_1,
        1.0 - step.beta_2,
        -step.rate * step.correction,
        step.epsilon,
        step.keep,
    ]
    .map(T::from_f64);
    let moments = first.iter_mut().zip(second);
    for ((value, &g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
        *m = m.times(beta_1).plus(g.times(rest_1));
        *v = v.times(beta_2).plus(g.times(g).times(rest_2));
        let change = m.times(scale).over(v.root().plus(epsilon));
        *value = value.times(keep).plus(change);
    }
}

#[inline(always)]
fn dropout_body<T: Float>(
    seed: u64,
    probability: f64,
    start: usize,
    from: &[T],
    to: &mut [MaybeUninit<T>],
) {
    // More than 2³² elements would repeat the mask: the high half of the position joins the key.
    let key = [
        seed as u32 ^ (start >> 32) as u32,
        (seed >> 32) as u32 ^ 0x9e37_79b9,
    ];
    let limit = threshold(probability);
    let scale = T::from_f64(1.0 / (1.0 - probability));
    for (i, (to, &x)) in to.iter_mut().zip(from).enumerate() {
        let kept = bits(key, (start + i) as u32) >= limit;
        // A product with the mask, so that NaN and ∞ do not vanish where they are dropped.
        to.write(x.times(if kept { scale } else { T::default() }));
    }
}

macro_rules! elementwise {
    ($t:ty, $module:ident) => {
        // Ordinary loops; the compiler makes vectors of them for each set of instructions.
        #[cfg(target_arch = "x86_64")]
        mod $module {
            use super::{AdamStep, MaybeUninit, adam_body, dropout_body};
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            pub(super) fn adam_512(
                s: AdamStep,
                p: &mut [$t],
                g: &[$t],
                m: &mut [$t],
                v: &mut [$t],
            ) {
                adam_body(s, p, g, m, v);
            }
            #[target_feature(enable = "avx2,fma")]
            pub(super) fn adam_2(s: AdamStep, p: &mut [$t], g: &[$t], m: &mut [$t], v: &mut [$t]) {
                adam_body(s, p, g, m, v);
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            pub(super) fn dropout_512(
                s: u64,
                p: f64,
                i: usize,
                from: &[$t],
                to: &mut [MaybeUninit<$t>],
            ) {
                dropout_body(s, p, i, from, to);
            }
            #[target_feature(enable = "avx2,fma")]
            pub(super) fn dropout_2(
                s: u64,
                p: f64,
                i: usize,
                from: &[$t],
                to: &mut [MaybeUninit<$t>],
            ) {
                dropout_body(s, p, i, from, to);
            }
        }

        impl Elementwise for $t {
            fn adam_chunk(
                step: AdamStep,
                values: &mut [$t],
                gradient: &[$t],
                first: &mut [$t],
                second: &mut [$t],
            ) {
                match Instructions::current() {
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the processor has these instructions.
                    Instructions::Avx512 => unsafe {
                        $module::adam_512(step, values, gradient, first, second)
                    },
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the processor has these instructions.
                    Instructions::Avx2 => unsafe {
                        $module::adam_2(step, values, gradient, first, second)
                    },
                    _ => adam_body(step, values, gradient, first, second),
                }
            }

            fn dropout_chunk(
                seed: u64,
                p: f64,
                start: usize,
                from: &[$t],
                to: &mut [MaybeUninit<$t>],
            ) {
                match Instructions::current() {
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the processor has these instructions.
                    Instructions::Avx512 => unsafe {
                        $module::dropout_512(seed, p, start, from, to)
                    },
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the processor has these instructions.
                    Instructions::Avx2 => unsafe { $module::dropout_2(seed, p, start, from, to) },
                    _ => dropout_body(seed, p, start, from, to),
                }
            }
        }
    };
}
elementwise!(f32, vectors_f32);
elementwise!(f64, vectors_f64);
