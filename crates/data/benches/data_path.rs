//! How fast batches are filled and digits are drawn: images a second, the median of 21 rounds.

use std::hint::black_box;
use std::time::Instant;

use digits_data::{Augmentation, Batcher, DataError, Normalization, drawn, shuffled};

/// Images of one round.
const COUNT: usize = 12_800;
/// Images of one batch.
const BATCH: usize = 128;

fn main() -> Result<(), DataError> {
    let images = drawn::images(drawn::SEED, 0, COUNT)?;
    let indices: Vec<u32> = (0..COUNT as u32).collect();
    let normalization = Normalization::measure(&images, &indices);
    let order = shuffled(&indices, 1, 1);
    let fill = |augmentation: &Augmentation| {
        let batcher = Batcher::new(&images, normalization, augmentation, 1);
        for (number, chunk) in order.chunks(BATCH).enumerate() {
            black_box(batcher.fill(chunk, 1, number * BATCH));
        }
    };
    let none = Augmentation::default();
    let changes = Augmentation {
        shift: 2.0,
        rotation: 12.0,
        scale: 0.1,
        shear: 10.0,
    };
    let draw = || drop(black_box(drawn::images(drawn::SEED, 0, COUNT)));
    let works: [(&str, &dyn Fn()); 3] = [
        ("fill batches", &|| fill(&none)),
        ("fill augmented batches", &|| fill(&changes)),
        ("draw digits", &draw),
    ];
    for (name, work) in works {
        let mut seconds = [0.0; 21];
        for seconds in &mut seconds {
            let started = Instant::now();
            work();
            *seconds = started.elapsed().as_secs_f64();
        }
        seconds.sort_by(f64::total_cmp);
        let (rate, threads) = (COUNT as f64 / seconds[10], rayon::current_num_threads());
        println!("{name:<24} {rate:>12.0} images/s   ({threads} threads)");
    }
    Ok(())
}
