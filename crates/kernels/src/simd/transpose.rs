//! Rows and columns exchanged, in tiles that lie in registers.

use super::float::Float;

/// `to[column][row] = from[row][column]`, every number converted, rows of `from` being `from_step`
/// apart and rows of `to`, which may be uninitialised, `to_step`.
///
/// # Safety
/// `to` must be valid for writes of `(columns − 1) · to_step + rows` numbers.
#[inline(always)]
pub(crate) unsafe fn transpose_to<T: Float, U: Copy + Default>(
    from: &[T],
    from_step: usize,
    to: *mut U,
    to_step: usize,
    rows: usize,
    columns: usize,
    convert: impl Fn(T) -> U,
) {
    const TILE: usize = 8;
    assert!(rows > 0 && columns > 0);
    assert!((rows - 1) * from_step + columns <= from.len());
    let source = from.as_ptr();
    // SAFETY: the largest index of `from` was checked above, that of `to` is the caller's.
    unsafe {
        if rows == 1 && to_step == 1 {
            for i in 0..columns {
                to.add(i).write(convert(*source.add(i)));
            }
            return;
        }
        for top in (0..rows).step_by(TILE) {
            let bottom = rows.min(top + TILE);
            for left in (0..columns).step_by(TILE) {
                let right = columns.min(left + TILE);
                if bottom - top == TILE && right - left == TILE {
                    let mut tile = [[U::default(); TILE]; TILE];
                    for (i, row) in tile.iter_mut().enumerate() {
                        let from = source.add((top + i) * from_step + left);
                        *row = from.cast::<[T; TILE]>().read_unaligned().map(&convert);
                    }
                    for j in 0..TILE {
                        let column: [U; TILE] = std::array::from_fn(|i| tile[i][j]);
                        let to = to.add((left + j) * to_step + top);
                        to.cast::<[U; TILE]>().write_unaligned(column);
                    }
                } else {
                    for i in top..bottom {
                        for j in left..right {
                            to.add(j * to_step + i)
                                .write(convert(*source.add(i * from_step + j)));
                        }
                    }
                }
            }
        }
    }
}
