use std::path::Path;

use burn::tensor::Device;
use digits_data::Normalization;
use digits_models::{Model, ModelConfig, ModelError};
use digits_train::{RunConfig, RunFolder, RunRecord, TrainError};
use half::{bf16, f16};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::InteropError;
use crate::layout::{Parameters, parts};
use crate::onnx::onnx;
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
        let held = match self {
            Self::F32 => value,
            Self::F16 => f16::from_f32(value).to_f32(),
            Self::Bf16 => bf16::from_f32(value).to_f32(),
        };
        match self {
            Self::F32 => out.extend(held.to_le_bytes()),
            Self::F16 => out.extend(f16::from_f32(held).to_le_bytes()),
            Self::Bf16 => out.extend(bf16::from_f32(held).to_le_bytes()),
        }
        held
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
        onnx(
            &self.config.model,
            normalization,
            &self.held,
            &self.metadata,
        )
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
    let file = folder.path().join("model.bpk");
    let mut held = held.map_err(|reason| TrainError::damaged(file, reason))?;
    let mut header = Map::new();
    let mut data = Vec::new();
    let entry = |dtype: &str, shape: &[usize], offsets: [usize; 2]| json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
    for (tensor, values) in &mut held.0 {
        let start = data.len();
        for value in values {
            let exact = std::mem::replace(value, to.encode(*value, &mut data));
            if exact.is_finite() && !value.is_finite() {
                let (name, narrow) = (&tensor.name, to.name());
                let wider = if narrow == "f16" {
                    "bf16 or f32"
                } else {
                    "f32"
                };
                let problem = format!("which {narrow} cannot hold; use {wider}");
                let message = format!("{name} holds {exact:e}, {problem}");
                return Err(InteropError::Refused(message));
            }
        }
        let dtype = to.name().to_uppercase();
        let entry = entry(&dtype, &tensor.shape, [start, data.len()]);
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
        header.insert(name, entry("I64", &[], [start, data.len()]));
    }
    let tensors = header.len();
    let metadata = metadata(&config, &record, to)?;
    header.insert("__metadata__".to_owned(), metadata.clone());
    // Eight bytes with the header's length, the header (JSON, padded with spaces to a multiple of
    // eight bytes), the tensors: <https://huggingface.co/docs/safetensors>. Written here, because
    // the keys are sorted then, and the same network gives the same bytes.
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    Ok(Export {
        tensors,
        bytes: [&length, &header[..], &data].concat(),
        held,
        metadata,
        config,
        record,
    })
}

/// Text by text: the format allows nothing else. The accuracies are those of the run, and their
/// names say so where the file holds rounded parameters.
fn metadata(config: &RunConfig, record: &RunRecord, to: FloatType) -> Result<Value, InteropError> {
    let failed = |error| TrainError::backend("writing the metadata", error);
    let mut metadata = json!({
        "format": "pt", // by which the format knows whose layout the tensors have
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

/// A PyTorch module equal to the network of `model`, which loads the exported `file`, and the
/// function that normalizes pixels for it.
pub(crate) fn script(
    model: &ModelConfig,
    normalization: &Normalization,
    file: &str,
) -> Result<String, ModelError> {
    let mut class = model.kind().to_owned();
    class[..1].make_ascii_uppercase(); // as Python names classes
    let input = model.input();
    let parts = parts(model)?;
    let mut init = String::new();
    for part in &parts {
        let layers = part.layers.iter();
        let layers: String = layers
            .map(|layer| format!("            {},\n", layer.python))
            .collect();
        init += &format!(
            "        self.{} = nn.Sequential(\n{layers}        )\n",
            part.name
        );
    }
    let features = ["images", "self.features(images)"][parts.len() - 1];
    let Normalization { mean, std } = normalization;
    let file = Value::from(file); // a JSON string is a Python string
    Ok(format!(
        r#""""A network exported by digits. Needs: torch, safetensors."""

import torch
from safetensors.torch import load_file
from torch import nn

MEAN, STD = {mean:?}, {std:?}  # of the training pixels, scaled to 0..1


class {class}(nn.Module):
    """images [batch, 1, {height}, {width}], normalized -> logits [batch, {classes}]"""

    def __init__(self):
        super().__init__()
{init}
    def forward(self, images):
        return self.classifier(torch.flatten({features}, 1))


def normalize(pixels):
    """Bytes, 0 = background, 255 = ink -> what the network was trained on."""
    return (pixels.to(torch.float32) / 255 - MEAN) / STD


def load(file={file}):
    model = {class}()
    model.load_state_dict(load_file(file), strict=True)
    return model.eval()


if __name__ == "__main__":
    print(load())
"#,
        height = input.height,
        width = input.width,
        classes = input.classes,
    ))
}
