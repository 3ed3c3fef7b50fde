use super::Shape;
use super::numbers::{difference, noise, sample};
use super::pictures::{digit, png};
use crate::*;

pub(super) fn features(shape: Shape) -> Features {
    let kernel = |name: &str, rows: [[i32; 3]; 3]| NamedKernel {
        name: name.to_owned(),
        rows: rows.map(|row| row.map(f64::from).to_vec()).to_vec(),
    };
    let filters = (0..16)
        .map(|number| LearnedFilter {
            rows: (0..5)
                .map(|y| {
                    (0..5)
                        .map(|x| 0.4 * noise(number * 25 + y * 5 + x))
                        .collect()
                })
                .collect(),
            share: Some(0.12 + 0.1 * noise(number)),
            nearest: Some((
                ["vertical", "horizontal", "Laplacian"][number % 3].to_owned(),
                0.6 * noise(number * 3),
            )),
        })
        .collect();
    let maps = |channels: usize, side: usize, salt: usize| {
        (0..channels)
            .map(|channel| {
                let picture = digit(channel + salt);
                (0..side)
                    .map(|y| {
                        (0..side)
                            .map(|x| picture[y * 28 / side][x * 28 / side])
                            .collect()
                    })
                    .collect()
            })
            .collect()
    };
    Features {
        seed: 1,
        sheet: vec![
            kernel("vertical", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
            kernel("horizontal", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
            kernel("Laplacian", [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ],
        filters,
        chance: Some(0.12),
        share_over_chance: Some(difference(
            &sample(0.141, 0.02, shape.seeds),
            &sample(0.12, 0.0, shape.seeds),
        )),
        units: (0..16)
            .map(|number| Unit {
                index: number * 31,
                norm: 4.2 - 0.05 * number as f64,
                rows: (0..28)
                    .map(|y| {
                        (0..28)
                            .map(|x| {
                                let wave =
                                    (x as f64 / 4.0 + number as f64).sin() * (y as f64 / 5.0).cos();
                                wave + 0.5 * noise(number * 784 + y * 28 + x)
                            })
                            .collect()
                    })
                    .collect(),
            })
            .collect(),
        digit: DigitMaps {
            index: 0,
            label: 7,
            png: png(3),
            blocks: vec![maps(16, 14, 0), maps(32, 7, 40)],
        },
    }
}
