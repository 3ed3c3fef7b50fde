//! The vectors of x86-64.
#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each is the intrinsic of its function: processor and pointers are the trait's contract"
)]

use std::arch::x86_64::*;

use super::instructions::{Work, avx2, avx512};
use super::lanes::{INACTIVE, LIST_SLACK, Lanes, Row, list_from};

/// AVX2 with FMA: 8 × f32.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// 8 × f32 where there is AVX-512: for rows that would leave most of 16 empty.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Narrow;

/// AVX-512: 16 × f32.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

/// [`Lanes::list`] with AVX-512, 16 results at a time.
#[inline(always)]
unsafe fn list_512(row: &Row<f32>, values: *mut f32, places: *mut u32) -> usize {
    const { assert!(LIST_SLACK >= 16) };
    // SAFETY: the caller's pointers and processor; a store reaches at most 16 elements past what
    // is listed.
    unsafe {
        let [a, b, c, d] = row.within.map(|place| place as i32);
        let within = _mm512_setr_epi32(a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        let dead = _mm512_set1_epi32(i32::from(INACTIVE));
        let mut count = 0;
        let whole = row.length / 16 * 16;
        for i in (0..whole).step_by(16) {
            let g = _mm512_loadu_ps(row.gradients.add(i));
            let mark = _mm512_cvtepu8_epi32(_mm_loadu_si128(row.marks.add(i).cast()));
            // Unordered: a NaN is not 0, as in plain code.
            let some = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(g, _mm512_setzero_ps());
            let alive = _mm512_mask_cmpneq_epi32_mask(some, mark, dead);
            let corner = _mm512_loadu_si512(row.corners.add(i).cast());
            let place = _mm512_add_epi32(corner, _mm512_permutexvar_epi32(mark, within));
            let values = values.add(count);
            _mm512_storeu_ps(values, _mm512_maskz_compress_ps(alive, g));
            let places = places.add(count);
            _mm512_storeu_si512(places.cast(), _mm512_maskz_compress_epi32(alive, place));
            count += alive.count_ones() as usize;
        }
        list_from(row, whole, count, values, places)
    }
}

#[inline(always)]
unsafe fn select_256(a: __m256, b: __m256, x: __m256, y: __m256) -> (__m256, __m256) {
    unsafe {
        let greater = _mm256_cmp_ps::<_CMP_GT_OQ>(a, b);
        let take = _mm256_or_ps(greater, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a));
        (_mm256_blendv_ps(b, a, take), _mm256_blendv_ps(y, x, take))
    }
}

#[inline(always)]
unsafe fn select_512(a: __m512, b: __m512, x: __m512, y: __m512) -> (__m512, __m512) {
    unsafe {
        let greater = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b);
        let take = greater | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a);
        (
            _mm512_mask_blend_ps(take, b, a),
            _mm512_mask_blend_ps(take, y, x),
        )
    }
}

macro_rules! lanes {
    (
        $name:ident, $n:literal x $vector:ty, $registers:literal, $compiled:ident,
        $splat:ident, $load:ident, $store:ident, $fma:ident, $add:ident, $sub:ident, $select:ident
        $(, $list:ident)?
    ) => {
        // SAFETY: the contract of the trait (processor and pointers) is that of the intrinsics.
        impl Lanes for $name {
            type T = f32;
            type V = $vector;
            const N: usize = $n;
            const REGISTERS: usize = $registers;
            unsafe fn compiled<W: Work>(work: W) -> W::Result {
                unsafe { $compiled(work) }
            }
            #[inline(always)]
            unsafe fn splat(x: f32) -> $vector {
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> $vector {
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(to: *mut f32, v: $vector) {
                unsafe { $store(to, v) }
            }
            #[inline(always)]
            unsafe fn fma(a: $vector, b: $vector, c: $vector) -> $vector {
                unsafe { $fma(a, b, c) }
            }
            #[inline(always)]
            unsafe fn add(a: $vector, b: $vector) -> $vector {
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            unsafe fn sub(a: $vector, b: $vector) -> $vector {
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            unsafe fn select_greater(
                a: $vector,
                b: $vector,
                x: $vector,
                y: $vector,
            ) -> ($vector, $vector) {
                unsafe { $select(a, b, x, y) }
            }
            $(
                #[inline(always)]
                unsafe fn list(row: &Row<f32>, values: *mut f32, places: *mut u32) -> usize {
                    unsafe { $list(row, values, places) }
                }
            )?
        }
    };
}
#[rustfmt::skip]
lanes!(
    Avx2, 8 x __m256, 12, avx2, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    _mm256_fmadd_ps, _mm256_add_ps, _mm256_sub_ps, select_256
);
#[rustfmt::skip]
lanes!(
    Avx512Narrow, 8 x __m256, 25, avx512, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    _mm256_fmadd_ps, _mm256_add_ps, _mm256_sub_ps, select_256, list_512
);
#[rustfmt::skip]
lanes!(
    Avx512, 16 x __m512, 25, avx512, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps,
    _mm512_fmadd_ps, _mm512_add_ps, _mm512_sub_ps, select_512, list_512
);
