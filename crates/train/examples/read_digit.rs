//! Reads the digit on a picture with the pretrained CNN:
//! `cargo run --release --workspace --example read_digit -- PICTURE` (a sample without one)

use burn::tensor::Device;
use digits_data::prepare::{Bounds, prepare};
use digits_train::{RunFolder, image_shape, predict};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/5-paper.jpg");
    let path = std::env::args().nth(1).unwrap_or(sample.to_owned());
    let device = Device::flex();
    let run = RunFolder::pretrained("cnn")?.load(&device)?;

    let shape = image_shape(&run.config.model);
    let picture = prepare(&path, &std::fs::read(&path)?, shape, Bounds::FILE)?;
    let answers = predict(&run, &[picture.pixels], &device)?;
    for answer in &answers[0].top {
        println!(
            "{} with probability {:.4}",
            answer.label, answer.probability
        );
    }
    Ok(())
}
