use burn::tensor::Device;
use digits_data::Normalization;
use digits_train::{DatasetRecord, Origin, RunConfig, RunFolder, RunRecord, weights};

use crate::export::to_burnpack;
use crate::{Assignment, InteropError, WeightFile};

/// What an imported run is besides its weights.
#[derive(Debug, Clone)]
pub struct ImportSettings<'a> {
    /// Name of the recipe, for the record.
    pub recipe: &'a str,
    /// The configuration: the network, and how it would be trained further.
    pub config: RunConfig,
    /// How pixels become numbers for this network.
    pub normalization: Normalization,
}

/// Makes a run folder of a file of weights. Everything is checked before anything is written.
///
/// # Errors
/// Values that are not finite, variances below 0, elements that are no floats, a folder that
/// holds a run or cannot be written.
pub fn import(
    file: &WeightFile,
    assignment: &Assignment,
    settings: ImportSettings<'_>,
    folder: &RunFolder,
    device: &Device,
) -> Result<RunRecord, InteropError> {
    let ImportSettings {
        recipe,
        config,
        normalization,
    } = settings;
    config.validate()?;
    let model = model_file(file, assignment, &config, device)?;
    let dataset = DatasetRecord {
        name: file
            .dataset()
            .unwrap_or_else(|| "unknown (imported weights)".to_owned()),
        fingerprint: String::new(),
        train_images: 0,
        valid_images: 0,
        normalization,
    };
    let origin = Origin::Imported {
        file: file.path.display().to_string(),
        sha256: file.sha256.clone(),
    };
    let mut record = RunRecord::new(recipe, &config, dataset, Some(origin))?;
    record.passes = 1; // no epoch was trained here
    folder.create(&mut record, &config, &model)?;
    Ok(record)
}

/// The bytes of `model.bpk`, after the network has been built from them once.
pub(crate) fn model_file(
    file: &WeightFile,
    assignment: &Assignment,
    config: &RunConfig,
    device: &Device,
) -> Result<Vec<u8>, InteropError> {
    let values = values(file, assignment)?;
    let tensors: Vec<_> = assignment.wanted.iter().collect();
    let bytes = to_burnpack(&tensors, values.iter().map(Vec::as_slice))?;
    let model = weights::from_bytes(&config.model, bytes, device)
        .map_err(|error| InteropError::backend("building the network", error))?;
    Ok(weights::to_bytes(&model)?.to_vec())
}

/// The values of every tensor, checked.
fn values(file: &WeightFile, assignment: &Assignment) -> Result<Vec<Vec<f32>>, InteropError> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for (tensor, &place) in assignment.wanted.iter().zip(&assignment.places) {
        let stored = &file.tensors[place];
        match stored.values(&file.bytes) {
            Err(reason) => problems.push(format!("{}: {reason}", stored.name)),
            Ok(values) => {
                let odd = values.iter().filter(|value| !value.is_finite()).count();
                if odd > 0 {
                    problems.push(format!(
                        "{}: {odd} of {} values are not finite 32-bit numbers",
                        stored.name,
                        values.len()
                    ));
                }
                if tensor.name.ends_with(".running_var") && values.iter().any(|&v| v < 0.0) {
                    problems.push(format!("{}: a variance is negative", stored.name));
                }
                all.push(values);
            }
        }
    }
    if problems.is_empty() {
        Ok(all)
    } else {
        Err(InteropError::Values {
            path: file.path.clone(),
            problems,
        })
    }
}
