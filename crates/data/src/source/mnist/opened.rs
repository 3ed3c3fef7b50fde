use burn_dataset::Dataset as _;
use burn_dataset::vision::MnistDataset;

use super::cache::Cache;
use super::checks::fingerprint;
use crate::DataError;
use crate::images::{ImageShape, Images};
use crate::source::opening::{Event, OpenOptions, Opened};

/// MNIST from the cache, into which it is fetched unless it is there.
pub(in crate::source) fn open(
    options: &OpenOptions,
    on_event: &mut dyn FnMut(Event),
) -> Result<Opened, DataError> {
    Cache::of_user()?.fetch(options, on_event)?;
    Ok(Opened {
        name: "mnist".to_owned(),
        fingerprint: fingerprint(),
        train: read(&MnistDataset::train())?,
    })
}

/// The test images of MNIST, which is in the cache.
pub(in crate::source) fn open_test() -> Result<Images, DataError> {
    read(&MnistDataset::test())
}

fn read(dataset: &MnistDataset) -> Result<Images, DataError> {
    let mut pixels = Vec::with_capacity(dataset.len() * ImageShape::MNIST.pixels());
    let mut labels = Vec::with_capacity(dataset.len());
    for index in 0..dataset.len() {
        let item = dataset.get(index);
        let item = item.map_err(|e| DataError::Inconsistent("mnist".into(), e.to_string()))?;
        // Burn hands the bytes out as f32; they are whole numbers from 0 to 255.
        pixels.extend(item.image.iter().flatten().map(|&value| value as u8));
        labels.push(item.label);
    }
    Images::new(ImageShape::MNIST, 10, pixels, labels)
}
