//! The inner loops of the backward pass: lists of (gradient, place) streamed through registers.

use crate::simd::Lanes;

/// Calls `$function::<L, ROWS, VECTORS>` for run-time numbers of rows and vectors.
macro_rules! sized {
    ($rows:expr, $vectors:expr, $function:ident::<$lanes:ty>$arguments:tt) => {
        match $rows {
            5 => sized!(@5, $vectors, $function::<$lanes>$arguments),
            3 => sized!(@3, $vectors, $function::<$lanes>$arguments),
            2 => sized!(@2, $vectors, $function::<$lanes>$arguments),
            _ => sized!(@1, $vectors, $function::<$lanes>$arguments),
        }
    };
    (@$rows:literal, $vectors:expr, $function:ident::<$lanes:ty>$arguments:tt) => {
        match $vectors {
            1 => $function::<$lanes, $rows, 1>$arguments,
            2 => $function::<$lanes, $rows, 2>$arguments,
            3 => $function::<$lanes, $rows, 3>$arguments,
            4 => $function::<$lanes, $rows, 4>$arguments,
            5 => $function::<$lanes, $rows, 5>$arguments,
            6 => $function::<$lanes, $rows, 6>$arguments,
            vectors => unreachable!("no group of {vectors} vectors"),
        }
    };
}

/// Rows and vectors that are held in registers together, for `rows` rows left and a row of
/// `vectors` left: one of the groups that [`sized`] knows.
#[inline(always)]
fn group<L: Lanes>(rows: usize, vectors: usize) -> (usize, usize) {
    // Rows of many vectors are cut evenly.
    let vectors = vectors.div_ceil(vectors.div_ceil(6));
    let rows = match (L::REGISTERS / vectors).min(rows) {
        0 | 1 => 1,
        2 => 2,
        3 | 4 => 3,
        _ => 5,
    };
    (rows, vectors)
}

/// Gradients, and places or channels.
pub(super) type Listed<'a, T> = (&'a [T], &'a [u32]);

/// to[y][j] += Σ g · from[place · step + y · row + j] over the list, for a window of `height` rows
/// of `width` numbers, a multiple of a vector; `from` and `to` with the length of their rows.
///
/// # Safety
/// The processor must have the instructions of `L`; the windows of all that is listed must lie in
/// `from`, and one window in `to`.
#[inline(always)]
pub(super) unsafe fn windows<L: Lanes>(
    list: Listed<'_, L::T>,
    [height, width]: [usize; 2],
    step: usize,
    (from, row): (*const L::T, usize),
    (to, to_row): (*mut L::T, usize),
) {
    let mut y = 0;
    while y < height {
        let mut v = 0;
        let (rows, _) = group::<L>(height - y, width / L::N);
        while v < width / L::N {
            let (_, vectors) = group::<L>(rows, width / L::N);
            let vectors = vectors.min(width / L::N - v);
            // SAFETY: the caller's.
            unsafe {
                let from = from.add(y * row + v * L::N);
                let to = to.add(y * to_row + v * L::N);
                sized!(
                    rows,
                    vectors,
                    stream::<L>(list, step, from, row, to, to_row)
                );
            }
            v += vectors;
        }
        y += rows;
    }
}

/// to[r][v] += Σ g · from[place · step + r · row + v] over the list.
#[inline(always)]
unsafe fn stream<L: Lanes, const ROWS: usize, const VECTORS: usize>(
    (values, places): Listed<'_, L::T>,
    step: usize,
    from: *const L::T,
    row: usize,
    to: *mut L::T,
    to_row: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut sums: [[L::V; VECTORS]; ROWS] = std::array::from_fn(|r| {
            std::array::from_fn(|v| L::load(to.add(r * to_row + v * L::N)))
        });
        let mut at = 0;
        if ROWS * VECTORS <= 6 {
            // Few sums: two windows at a time, so that additions do not wait for each other.
            let mut others = [[L::splat(L::T::default()); VECTORS]; ROWS];
            while at + 2 <= values.len() {
                let (g, h) = (L::splat(values[at]), L::splat(values[at + 1]));
                let x = from.add(places[at] as usize * step);
                let y = from.add(places[at + 1] as usize * step);
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        sums[r][v] = L::fma(g, L::load(x.add(r * row + v * L::N)), sums[r][v]);
                        others[r][v] = L::fma(h, L::load(y.add(r * row + v * L::N)), others[r][v]);
                    }
                }
                at += 2;
            }
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    sums[r][v] = L::add(sums[r][v], others[r][v]);
                }
            }
        }
        for (&g, &place) in values[at..].iter().zip(&places[at..]) {
            let g = L::splat(g);
            let x = from.add(place as usize * step);
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    sums[r][v] = L::fma(g, L::load(x.add(r * row + v * L::N)), sums[r][v]);
                }
            }
        }
        for r in 0..ROWS {
            for v in 0..VECTORS {
                L::store(to.add(r * to_row + v * L::N), sums[r][v]);
            }
        }
    }
}
