use burn::module::Module;
use burn::tensor::Device;
use digits_data::Normalization;
use digits_data::files::sha256;
use digits_models::{Model, ModelConfig};

use crate::TrainError;
use crate::record::Origin;
use crate::run_folder::{MODEL, RunFolder};
use crate::weights;

/// What a run takes over from another.
pub(crate) struct StartingPoint {
    pub model: Model,
    pub normalization: Normalization,
    pub origin: Origin,
}

/// The network of another run, for training on `device`. Dropout may differ; the network must
/// not, nor what it computes.
pub(crate) fn load_initial_weights(
    folder: &RunFolder,
    config: &ModelConfig,
    device: &Device,
) -> Result<StartingPoint, TrainError> {
    let (record, other, bytes) = folder.saved()?;
    if let Some(difference) = other.model.difference(config) {
        return Err(TrainError::OtherNetwork {
            run: folder.path().to_owned(),
            difference,
        });
    }
    let origin = Origin::Continued {
        run: folder.path().display().to_string(),
        sha256: sha256(&bytes),
    };
    let model = weights::from_bytes(config, bytes, device)
        .map_err(|reason| TrainError::damaged(folder.path().join(MODEL), reason))?;
    Ok(StartingPoint {
        model: model.train(),
        normalization: record.dataset.normalization,
        origin,
    })
}
