//! Trains a small network from code, on digits that the project draws itself:
//! `cargo run --release --workspace --example train_from_code`

use burn::tensor::Device;
use digits_data::{OpenOptions, open};
use digits_train::{Callbacks, Outcome, Recipe, RunFolder, StartFrom, TrainingJob, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut recipe = Recipe::built_in("cnn-small")?;
    for change in [
        "data=drawn:1000",
        "training.validation=100",
        "training.batch_size=32",
    ] {
        recipe.set(change)?;
    }
    let config = recipe.resolve()?;
    let dataset = open(&config.data, &OpenOptions::default(), &mut |_| {})?;
    let place = tempfile::tempdir()?; // a folder of yours, to keep the run

    let outcome = train(
        TrainingJob {
            recipe: "cnn-small",
            config,
            dataset: &dataset,
            device: &Device::flex(),
            folder: &RunFolder::new(place.path()),
            start_from: StartFrom::Seed,
        },
        &mut Callbacks {
            on_event: &mut |event| println!("{event:?}"),
            should_stop: &|| false,
        },
    )?;
    if let Outcome::Finished(record) = outcome {
        println!("{:?}", record.result);
    }
    Ok(())
}
