use std::path::Path;

use burn::tensor::Device;
use digits_models::Model;
use digits_train::{RunConfig, RunFolder, RunRecord, TrainError};
use half::{bf16, f16};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::InteropError;
use crate::onnx::onnx;
use crate::parameters::Parameters;
use crate::script::script;
use crate::weight_file::{DATASET, MODEL, NORMALIZATION, RECIPE};

/// Type of the numbers in an exported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloatType {
    /// 32 bits, as they were trained.
    F32,
    /// IEEE half precision: 11 bits of significand, up to 65,504.
    F16,
    /// The upper half of an f32: 8 bits of significand, the range of f32.
    Bf16,
}

impl FloatType {
    /// `f32`, `f16` or `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// Appends the bytes of a value; returns the value as the type holds it.
    fn encode(self, value: f32, out: &mut Vec<u8>) -> f32 {
        match self {
            Self::F32 => {
                out.extend(value.to_le_bytes());
                value
            }
            Self::F16 => {
                let half = f16::from_f32(value);
                out.extend(half.to_le_bytes());
                half.to_f32()
            }
            Self::Bf16 => {
                let half = bf16::from_f32(value);
                out.extend(half.to_le_bytes());
                half.to_f32()
            }
        }
    }
}

/// A network in the form that PyTorch reads.
#[derive(Debug)]
pub struct Export {
    /// The run's configuration.
    pub config: RunConfig,
    /// The run's record.
    pub record: RunRecord,
    /// Tensors in the file.
    pub tensors: usize,
    /// Bytes of the `.safetensors` file.
    pub bytes: Vec<u8>,
    /// What the file holds, rounded where its type is narrower than f32.
    held: Parameters,
    metadata: Value,
}

impl Export {
    /// An ONNX model, which takes the bytes of images (`image`, 0 = background, 255 = ink,
    /// `[batch, 1, height, width]`), normalizes them itself and gives `logits`.
    ///
    /// # Errors
    /// A configuration that describes no network.
    pub fn onnx(&self) -> Result<Vec<u8>, InteropError> {
        let normalization = &self.record.dataset.normalization;
        let metadata = self.metadata.as_object().into_iter().flatten();
        let metadata = metadata
            .filter(|(key, _)| *key != FORMAT)
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        onnx(&self.config.model, normalization, &self.held, metadata)
    }

    /// The Python module that loads the file at `path`.
    ///
    /// # Errors
    /// A configuration that describes no network.
    pub fn script(&self, path: &Path) -> Result<String, InteropError> {
        let normalization = &self.record.dataset.normalization;
        let path = path.display().to_string();
        Ok(script(&self.config.model, normalization, &path)?)
    }

    /// The network with its parameters as the file holds them, rounded where the type is
    /// narrower than f32; the arithmetic stays f32.
    ///
    /// # Errors
    /// A backend that fails.
    pub fn model(&self, device: &Device) -> Result<Model, InteropError> {
        self.held.build(&self.config.model, device)
    }
}

/// The best network of a run under the names and in the layout of the equivalent `torch.nn`
/// module, with the recipe, the normalization and the accuracy as metadata.
///
/// # Errors
/// A run that cannot be read, and values beyond the range of `to`.
pub fn export(folder: &RunFolder, to: FloatType) -> Result<Export, InteropError> {
    let (record, config, bytes) = folder.saved()?;
    let held = Parameters::from_saved(&config.model, bytes);
    let mut held = held.map_err(|reason| TrainError::Damaged {
        path: folder.path().join("model.bpk"),
        reason,
    })?;
    let mut header = Map::new();
    let mut data = Vec::new();
    let entry = |dtype: &str, shape: &[usize], start: usize, end: usize| json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
    for (tensor, values) in &mut held.0 {
        let start = data.len();
        for value in values {
            let exact = std::mem::replace(value, to.encode(*value, &mut data));
            if exact.is_finite() && !value.is_finite() {
                let (name, narrow) = (&tensor.name, to.name());
                let wide = match to {
                    FloatType::F16 => "bf16 or f32",
                    FloatType::F32 | FloatType::Bf16 => "f32",
                };
                return Err(InteropError::Refused(format!(
                    "{name} holds {exact:e}, which {narrow} cannot hold; use {wide}"
                )));
            }
        }
        let dtype = to.name().to_uppercase();
        let entry = entry(&dtype, &tensor.shape, start, data.len());
        header.insert(tensor.name.clone(), entry);
    }
    let mut epochs = record.epochs.iter();
    let best = epochs.find(|row| row.epoch == record.best_epoch);
    let steps = best.map_or(0, |row| row.step) as i64;
    // The counters that PyTorch's batch normalization keeps.
    let names = held.0.iter().map(|(tensor, _)| &tensor.name);
    for layer in names.filter_map(|name| name.strip_suffix("running_mean")) {
        let start = data.len();
        data.extend(steps.to_le_bytes());
        let name = format!("{layer}num_batches_tracked");
        header.insert(name, entry("I64", &[], start, data.len()));
    }
    let tensors = header.len();
    let metadata = metadata(&config, &record, to)?;
    header.insert("__metadata__".to_owned(), metadata.clone());
    Ok(Export {
        tensors,
        bytes: with_header(header, &data)?,
        held,
        metadata,
        config,
        record,
    })
}

/// Key by which the format knows whose layout the tensors have.
const FORMAT: &str = "format";

/// Text by text: the format allows nothing else. The accuracies are those of the run, and their
/// names say so where the file holds rounded parameters.
fn metadata(config: &RunConfig, record: &RunRecord, to: FloatType) -> Result<Value, InteropError> {
    let failed = |error| InteropError::backend("writing the metadata", error);
    let mut metadata = json!({
        FORMAT: "pt",
        "producer": format!("digits {}", record.versions.digits),
        RECIPE: record.recipe,
        MODEL: serde_json::to_string(&config.model).map_err(failed)?,
        NORMALIZATION: serde_json::to_string(&record.dataset.normalization).map_err(failed)?,
        DATASET: record.dataset.name,
        "dtype": to.name(),
    });
    if let Some(result) = record.result {
        let of = if to == FloatType::F32 { "" } else { "_f32" };
        metadata[format!("valid_accuracy{of}")] = result.valid_accuracy.to_string().into();
        metadata[format!("test_accuracy{of}")] = result.test_accuracy.to_string().into();
    }
    Ok(metadata)
}

/// Eight bytes with the header's length, the header (JSON, padded with spaces to a multiple of
/// eight bytes), the tensors: <https://huggingface.co/docs/safetensors>. Written here, because
/// the keys are sorted then, and the same network gives the same bytes.
fn with_header(header: Map<String, Value>, data: &[u8]) -> Result<Vec<u8>, InteropError> {
    let mut text = serde_json::to_vec(&header)
        .map_err(|error| InteropError::backend("writing the header", error))?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let length = (text.len() as u64).to_le_bytes();
    Ok([&length, &text[..], data].concat())
}
