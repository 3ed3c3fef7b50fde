//! Dropout by a mask that is a function of seed and position.

use std::mem::MaybeUninit;

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

use crate::host::{Host, Number, typed};
use crate::operation::{Implementation, Operation, run};
use crate::simd::{CHUNK, Float, Instructions, Work};

/// The code that [`dropout`] takes for tensors like this.
pub fn dropout_implementation<const D: usize>(x: &Tensor<D>) -> Implementation {
    Implementation::choose(true, x)
}

/// Dropout (Srivastava et al. 2014): each number is multiplied by 0 with `probability`
/// (0 ≤ p < 1), else by 1/(1 − p); NaN stays NaN and 0 · ∞ becomes it. Which ones is a function of
/// `seed` and the position, the same on every backend, so any step can be repeated.
pub fn dropout<const D: usize>(x: Tensor<D>, probability: f64, seed: u64) -> Tensor<D> {
    if probability <= 0.0 {
        return x;
    }
    if dropout_implementation(&x) == Implementation::Fused {
        let [y] = run(Dropout { seed, probability }, [x.into_dispatch()]);
        return Tensor::from_dispatch(y);
    }
    let mask = masked(
        &Dropout { seed, probability },
        &vec![1.0_f64; x.shape().num_elements()],
    );
    let mask = TensorData::new(mask, x.shape()).convert_dtype(x.dtype());
    let mask = Tensor::<D>::from_data(mask, (&x.device(), x.dtype()));
    x * mask
}

#[derive(Debug, Clone)]
struct Dropout {
    seed: u64,
    probability: f64,
}

impl Operation<1> for Dropout {
    type Saved<B: Host> = ();

    fn forward<B: Host>(&self, [x]: [FloatTensor<B>; 1], _: bool) -> (Vec<FloatTensor<B>>, ()) {
        (vec![typed!(x, apply::<B>(self, &x))], ())
    }

    fn backward<B: Host>(
        &self,
        (): (),
        gradient: FloatTensor<B>,
        _: [bool; 1],
    ) -> [Option<FloatTensor<B>>; 1] {
        // The mask is a function of the seed: the same again.
        [Some(typed!(gradient, apply::<B>(self, &gradient)))]
    }
}

fn apply<B: Host, T: Number>(dropout: &Dropout, x: &FloatTensor<B>) -> FloatTensor<B> {
    let result = masked(dropout, &B::read::<T>(x));
    B::make(result, x.shape())
}

/// x · mask(seed)
fn masked<T: Float>(dropout: &Dropout, x: &[T]) -> Vec<T> {
    let mut result = Vec::with_capacity(x.len());
    result.spare_capacity_mut()[..x.len()]
        .par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .enumerate()
        .for_each(|(index, (to, from))| {
            let chunk = Chunk(dropout, index * CHUNK, from, to);
            // SAFETY: any processor may run it.
            unsafe { Instructions::run(chunk) };
        });
    // SAFETY: the chunks cover all of the buffer, and each was written from its like of `x`.
    unsafe { result.set_len(x.len()) };
    result
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

/// The part of [`masked`] that starts at an element.
struct Chunk<'a, T>(&'a Dropout, usize, &'a [T], &'a mut [MaybeUninit<T>]);

impl<T: Float> Work for Chunk<'_, T> {
    type Result = ();

    #[inline(always)]
    unsafe fn run(self) {
        let Self(&Dropout { seed, probability }, start, from, to) = self;
        // More than 2³² elements would repeat the mask: the high half of the position joins the key.
        let key = [
            seed as u32 ^ (start >> 32) as u32,
            (seed >> 32) as u32 ^ 0x9e37_79b9,
        ];
        // The largest bits that are dropped, plus one.
        let limit = (probability * f64::from(u32::MAX)) as u32;
        let scale = T::from_f64(1.0 / (1.0 - probability));
        for (i, (to, &x)) in to.iter_mut().zip(from).enumerate() {
            let kept = bits(key, (start + i) as u32) >= limit;
            // A product with the mask, so that NaN and ∞ do not vanish where they are dropped.
            to.write(x * if kept { scale } else { T::default() });
        }
    }
}
