use burn::tensor::Device;
use digits_data::Normalization;
use digits_train::{DatasetRecord, Origin, RunConfig, RunFolder, RunRecord, weights};

use crate::error::lines;
use crate::parameters::Parameters;
use crate::{Assignment, InteropError, WeightFile};

/// Makes a run folder of a file of weights. Everything is checked before anything is written.
/// `recipe` is a name for the record, `config` the network and how it would be trained further,
/// `normalization` what its pixels went through.
///
/// # Errors
/// Values that are not finite, variances below 0, elements that are not floats, a folder that
/// holds a run or cannot be written.
pub fn import(
    file: &WeightFile,
    assignment: &Assignment,
    recipe: &str,
    config: &RunConfig,
    normalization: Normalization,
    folder: &RunFolder,
) -> Result<RunRecord, InteropError> {
    config.validate()?;
    let device = Device::flex(); // only to build the network once
    let model = parameters(file, assignment)?.build(&config.model, &device)?;
    let unknown = || "unknown (imported weights)".to_owned();
    let dataset = DatasetRecord {
        name: file.dataset().unwrap_or_else(unknown),
        fingerprint: String::new(),
        train_images: 0,
        valid_images: 0,
        normalization,
    };
    let origin = Origin::Imported {
        file: file.path.display().to_string(),
        sha256: file.sha256.clone(),
    };
    let mut record = RunRecord::new(recipe, config, dataset, Some(origin))?;
    record.passes = 1; // no epoch was trained here
    folder.create(&mut record, config, weights::to_bytes(&model)?.to_vec())?;
    Ok(record)
}

/// The values of every tensor, checked.
fn parameters(file: &WeightFile, assignment: &Assignment) -> Result<Parameters, InteropError> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for (tensor, place) in &assignment.pairs {
        let stored = &file.tensors[*place];
        let mut problem = |reason: String| problems.push(format!("{}: {reason}", stored.name));
        match stored.values(&file.bytes) {
            Err(reason) => problem(reason),
            Ok(values) => {
                let odd = values.iter().filter(|value| !value.is_finite()).count();
                let of = values.len();
                if odd > 0 {
                    problem(format!(
                        "{odd} of {of} values are not finite 32-bit numbers"
                    ));
                }
                if tensor.name.ends_with(".running_var") && values.iter().any(|&v| v < 0.0) {
                    problem("a variance is negative".to_owned());
                }
                all.push((tensor.clone(), values));
            }
        }
    }
    if !problems.is_empty() {
        let (path, problems) = (file.path.display(), lines(&problems));
        let message = format!("{path} holds values that cannot be used:{problems}");
        return Err(InteropError::Refused(message));
    }
    Ok(Parameters(all))
}
