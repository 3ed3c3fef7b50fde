use super::numbers::noise;
use digits_report::{Palette, Picture};

/// Something round like a digit; `kind` changes its form.
pub(super) fn digit(kind: usize) -> Vec<Vec<f64>> {
    let bend = 3.0 + 2.0 * noise(kind);
    (0..28)
        .map(|y| {
            (0..28)
                .map(|x| {
                    let (dx, dy) = (f64::from(x) - 13.5, f64::from(y) - 13.5);
                    let angle = dy.atan2(dx);
                    let ring = 8.0 + bend * (angle * (1 + kind % 3) as f64).sin();
                    (1.6 - ((dx * dx + dy * dy).sqrt() - ring).abs()).clamp(0.0, 1.0)
                })
                .collect()
        })
        .collect()
}

pub(super) fn png(kind: usize) -> String {
    Picture::heat_map(&digit(kind), Palette::Ink)
        .base64()
        .unwrap()
}

pub(super) fn damaged(kind: usize, level: usize) -> String {
    let rows: Vec<Vec<f64>> = digit(3)
        .into_iter()
        .enumerate()
        .map(|(y, row)| {
            row.into_iter()
                .enumerate()
                .map(|(x, ink)| {
                    let random = noise(kind * 100_000 + level * 1000 + y * 28 + x);
                    (ink + 0.15 * level as f64 * random).clamp(0.0, 1.0)
                })
                .collect()
        })
        .collect();
    Picture::heat_map(&rows, Palette::Ink).base64().unwrap()
}

pub(super) fn permuted_digit() -> String {
    let mut flat: Vec<f64> = digit(3).into_iter().flatten().collect();
    for at in (1..flat.len()).rev() {
        let other = ((noise(at) + 1.0) / 2.0 * at as f64) as usize;
        flat.swap(at, other);
    }
    let rows: Vec<Vec<f64>> = flat.chunks(28).map(<[f64]>::to_vec).collect();
    Picture::heat_map(&rows, Palette::Ink).base64().unwrap()
}
