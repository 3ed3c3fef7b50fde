use burn::module::Module;
use burn::tensor::Device;
use digits_data::Normalization;
use digits_data::files::sha256;
use digits_models::{Model, ModelConfig};

use crate::TrainError;
use crate::exchange::{torch_tensors, without_dropout};
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
    let (record, mut files) = folder.read()?;
    let other = folder.config(&files)?.model;
    let bytes = files.remove(MODEL).ok_or_else(|| TrainError::Untrained {
        path: folder.path().to_owned(),
    })?;
    // Not the names: dropout layers count in those of PyTorch.
    let shapes = |config: &ModelConfig| -> Result<Vec<(String, Vec<usize>)>, TrainError> {
        let tensors = torch_tensors(config)?;
        Ok(tensors
            .into_iter()
            .map(|tensor| (tensor.ours, tensor.shape))
            .collect())
    };
    if shapes(config)? != shapes(&other)? {
        let size = |config: &ModelConfig| {
            let input = config.input();
            let parameters = config.parameters()?;
            Ok::<String, TrainError>(format!(
                "a {} of {parameters} parameters for {}×{} pixels and {} classes",
                config.kind(),
                input.height,
                input.width,
                input.classes
            ))
        };
        return Err(TrainError::Mismatch {
            run: folder.path().to_owned(),
            expected: size(&other)?,
            what: "the run to be trained from it".to_owned(),
            found: size(config)?,
        });
    }
    // The same parameters may be those of another network: another activation, stride, pooling.
    let (wanted, found) = (without_dropout(config)?, without_dropout(&other)?);
    if wanted != found {
        let layer = (0..wanted.len().max(found.len()))
            .find(|&layer| wanted.get(layer) != found.get(layer))
            .unwrap_or_default();
        let name = |layers: &[String]| {
            let layer = layers.get(layer);
            layer.map_or_else(|| "none".to_owned(), String::clone)
        };
        return Err(TrainError::OtherNetwork {
            run: folder.path().to_owned(),
            layer: layer + 1,
            found: name(&found),
            wanted: name(&wanted),
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
