use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Bytes, Device};
use burn_pack::Reader;
use digits_data::files::write_whole;
use digits_models::Model;
use digits_train::{RunConfig, RunFolder, RunRecord, TrainError, weights};
use half::{bf16, f16};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::InteropError;
use crate::layout::{TorchTensor, counters, torch_tensors};
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

    fn in_safetensors(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    /// The value as the type holds it, and its bytes.
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
    file: Vec<u8>,
    /// What the file holds, rounded where its type is narrower than f32, in PyTorch's layout.
    held: Vec<(TorchTensor, Vec<f32>)>,
    metadata: Value,
}

impl Export {
    /// Writes the `.safetensors` file; `path` holds the whole of it or what it held before.
    ///
    /// # Errors
    /// A place that cannot be written to.
    pub fn write(&self, path: &Path) -> Result<(), InteropError> {
        write_whole(path, &self.file).map_err(InteropError::io("write", path))
    }

    /// Writes an ONNX model instead, which takes the bytes of images (`image`, 0 = background,
    /// 255 = ink, `[batch, 1, height, width]`), normalizes them itself and gives `logits`.
    /// Returns the number of its bytes.
    ///
    /// # Errors
    /// A place that cannot be written to.
    pub fn write_onnx(&self, path: &Path) -> Result<usize, InteropError> {
        let values = self
            .held
            .iter()
            .map(|(tensor, values)| (tensor.name.as_str(), &tensor.shape[..], &values[..]));
        let metadata = self.metadata.as_object().into_iter().flatten();
        let bytes = onnx(
            &self.config.model,
            &self.record.dataset.normalization,
            values,
            metadata
                .filter(|(key, _)| *key != FORMAT)
                .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))),
        )
        .map_err(|error| InteropError::backend("writing the ONNX model", error))?;
        write_whole(path, &bytes).map_err(InteropError::io("write", path))?;
        Ok(bytes.len())
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.file
    }

    /// The network with its parameters as the file holds them, rounded where the type is
    /// narrower than f32; the arithmetic stays f32.
    ///
    /// # Errors
    /// A backend that fails.
    pub fn model(&self, device: &Device) -> Result<Model, InteropError> {
        let order: Vec<&TorchTensor> = self.held.iter().map(|(tensor, _)| tensor).collect();
        let bytes = to_burnpack(&order, self.held.iter().map(|(_, values)| &values[..]))?;
        let model = weights::from_bytes(&self.config.model, bytes, device)
            .map_err(|error| InteropError::backend("building the network", error))?;
        Ok(model)
    }
}

/// The best network of a run under the names and in the layout of the equivalent `torch.nn`
/// module, with the recipe, the normalization and the accuracy as metadata.
///
/// # Errors
/// A run that cannot be read, and values beyond the range of `to`.
pub fn export(folder: &RunFolder, to: FloatType) -> Result<Export, InteropError> {
    let (record, config, bytes) = folder.saved()?;
    let damaged = |reason| TrainError::Damaged {
        path: folder.path().join("model.bpk"),
        reason,
    };
    let saved = read_saved(bytes).map_err(damaged)?;
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    let mut held = Vec::new();
    for tensor in torch_tensors(&config.model)? {
        let values = saved
            .get(&tensor.ours)
            .filter(|values| values.len() == tensor.elements());
        let values = values
            .ok_or_else(|| damaged(format!("it has no {} of the right shape", tensor.ours)))?;
        let start = data.len();
        let rounded = encode(&tensor, values, to, &mut data)?;
        header.insert(
            tensor.name.clone(),
            json!({"dtype": to.in_safetensors(), "shape": tensor.shape, "data_offsets": [start, data.len()]}),
        );
        held.push((tensor, rounded));
    }
    let best = record
        .epochs
        .iter()
        .find(|row| row.epoch == record.best_epoch);
    let steps = best.map_or(0, |row| row.step) as i64;
    for name in counters(&config.model)? {
        let start = data.len();
        data.extend(steps.to_le_bytes());
        header.insert(
            name,
            json!({"dtype": "I64", "shape": [], "data_offsets": [start, data.len()]}),
        );
    }
    let tensors = header.len();
    let metadata = metadata(&config, &record, to)?;
    header.insert("__metadata__".to_owned(), metadata.clone());
    Ok(Export {
        tensors,
        file: with_header(header, &data)?,
        held,
        metadata,
        config,
        record,
    })
}

/// The parameters of a `model.bpk`, by name.
pub(crate) fn read_saved(bytes: Vec<u8>) -> Result<BTreeMap<String, Vec<f32>>, String> {
    let reader =
        Reader::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|error| error.to_string())?;
    reader
        .into_tensors()
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|tensor| {
            let (name, dtype, _, _, bytes) =
                tensor.into_parts().map_err(|error| error.to_string())?;
            if dtype != burn::tensor::DType::F32 {
                return Err(format!("{name} is {dtype:?}, not F32"));
            }
            let values = bytes
                .chunks_exact(4)
                .map(|bytes| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes))
                .collect();
            Ok((name, values))
        })
        .collect()
}

/// Appends a tensor in PyTorch's layout; returns its values, in that layout, as the file holds
/// them.
fn encode(
    tensor: &TorchTensor,
    values: &[f32],
    to: FloatType,
    data: &mut Vec<u8>,
) -> Result<Vec<f32>, InteropError> {
    let values = if tensor.transposed {
        transposed(values, &tensor.our_shape())
    } else {
        values.to_vec()
    };
    values
        .into_iter()
        .map(|value| {
            let held = to.encode(value, data);
            if value.is_finite() && !held.is_finite() {
                return Err(InteropError::OutOfRange {
                    tensor: tensor.name.clone(),
                    value,
                    to: to.name(),
                    instead: if to == FloatType::F16 {
                        "bf16 or f32"
                    } else {
                        "f32"
                    },
                });
            }
            Ok(held)
        })
        .collect()
}

/// `[rows, columns]` → `[columns, rows]`.
pub(crate) fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let (rows, columns) = (shape[0], shape[1]);
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| values[row * columns + column]))
        .collect()
}

/// The parameters, in PyTorch's layout, as the bytes of a `model.bpk`.
pub(crate) fn to_burnpack<'a>(
    tensors: &[&TorchTensor],
    values: impl Iterator<Item = &'a [f32]>,
) -> Result<Vec<u8>, InteropError> {
    let tensors = tensors
        .iter()
        .zip(values)
        .zip(1..)
        .map(|((tensor, values), id)| {
            let ours = if tensor.transposed {
                transposed(values, &tensor.shape)
            } else {
                values.to_vec()
            };
            let bytes: Vec<u8> = ours.into_iter().flat_map(f32::to_le_bytes).collect();
            burn_pack::Tensor::new(
                tensor.ours.clone(),
                burn::tensor::DType::F32,
                tensor.our_shape(),
                Some(id),
                Bytes::from_bytes_vec(bytes),
            )
        })
        .collect();
    let bytes = burn_pack::Writer::new(tensors)
        .into_bytes()
        .map_err(|error| InteropError::backend("writing the parameters", error))?;
    Ok(bytes.to_vec())
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
fn with_header(
    header: serde_json::Map<String, Value>,
    data: &[u8],
) -> Result<Vec<u8>, InteropError> {
    let mut text = serde_json::to_vec(&header)
        .map_err(|error| InteropError::backend("writing the header", error))?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend(text);
    file.extend(data);
    Ok(file)
}
