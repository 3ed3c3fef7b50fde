use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use crate::InteropError;
use crate::archive::Archive;
use crate::pickle::{self, Pickle, PickleError, Value};
use crate::weight_file::{Element, Stored};

/// Dictionaries nested deeper than this are no state dict.
const DEPTH: usize = 16;
/// Nor are those with more entries.
const ENTRIES: usize = 100_000;
/// Names have fewer bytes than this.
const NAME_BYTES: usize = 1000;
/// A pickle that lists tensors is small.
const PICKLE_BYTES: usize = 16 << 20;

/// The tensors of a file that `torch.save` (PyTorch 1.6 or later) wrote, in its order, under
/// dotted names.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Stored>, InteropError> {
    let format = |reason: String| InteropError::Format {
        path: path.to_owned(),
        reason,
    };
    if !bytes.starts_with(b"PK") {
        let reason = if bytes.first() == Some(&0x80) {
            "it is a pickle without a zip archive around it, as PyTorch before 1.6 wrote. Load it there and save it again with torch.save"
        } else {
            "it is neither a .safetensors file nor one that torch.save wrote"
        };
        return Err(format(reason.to_owned()));
    }
    let archive = Archive::open(bytes).map_err(format)?;
    let root = archive.root().ok_or_else(|| {
        format("the zip archive has no data.pkl, so torch.save did not write it".to_owned())
    })?;
    let entry = |name: &str| archive.entry(&format!("{root}{name}")).map_err(format);
    if let Some(range) = entry("byteorder")?
        && bytes[range] != *b"little"
    {
        return Err(format(
            "its numbers are big-endian; save it again on a little-endian machine".to_owned(),
        ));
    }
    let range = entry("data.pkl")?.unwrap_or_default();
    if range.len() > PICKLE_BYTES {
        return Err(format(format!(
            "its data.pkl has {} MiB, far more than a list of tensors",
            range.len() >> 20
        )));
    }
    let pickle = pickle::parse(&bytes[range]).map_err(|error| match error {
        PickleError::Foreign(object) => InteropError::ForeignObject {
            path: path.to_owned(),
            object,
        },
        PickleError::Damaged(reason) => format(reason),
    })?;
    let mut storages: HashMap<String, Range<usize>> = HashMap::new();
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for (name, index) in flatten(&pickle).map_err(format)? {
        let (tensor, key) = tensor(&pickle, name, index).map_err(format)?;
        if !names.insert(tensor.name.clone()) {
            return Err(format(format!("it has two tensors named {}", tensor.name)));
        }
        let window = match storages.get(&key) {
            Some(window) => window.clone(),
            None => {
                let window = entry(&format!("data/{key}"))?
                    .ok_or_else(|| format(format!("the values of {} are missing", tensor.name)))?;
                storages.insert(key, window.clone());
                window
            }
        };
        tensors.push(Stored { window, ..tensor });
    }
    Ok(tensors)
}

/// The tensors of nested dictionaries, each by its dotted name and place. A checkpoint may hold
/// numbers and text beside them.
fn flatten(pickle: &Pickle) -> Result<Vec<(String, usize)>, String> {
    if !matches!(pickle.root(), Value::Dict(_)) {
        return Err(
            "it holds no dictionary. Save the weights: torch.save(model.state_dict(), FILE)"
                .to_owned(),
        );
    }
    let mut found = Vec::new();
    let mut entries = 0;
    walk(pickle, pickle.root(), "", 0, &mut entries, &mut found)?;
    if has_model(pickle) {
        found.retain(|(name, _)| name.starts_with("model."));
    }
    Ok(found)
}

/// Whether this is a checkpoint `{"model": {…}, …}`: its optimizer's moments are tensors, too.
fn has_model(pickle: &Pickle) -> bool {
    let Value::Dict(items) = pickle.root() else {
        return false;
    };
    items.iter().any(|&(key, value)| {
        let Value::Dict(inside) = pickle.get(value) else {
            return false;
        };
        pickle.text(key) == Some("model")
            && inside
                .iter()
                .any(|&(_, value)| matches!(pickle.get(value), Value::Tensor { .. }))
    })
}

fn walk(
    pickle: &Pickle,
    value: &Value,
    prefix: &str,
    depth: usize,
    entries: &mut usize,
    found: &mut Vec<(String, usize)>,
) -> Result<(), String> {
    let Value::Dict(items) = value else {
        return Ok(());
    };
    *entries += items.len();
    if depth > DEPTH || *entries > ENTRIES {
        return Err("its dictionaries are nested beyond reason".to_owned());
    }
    for &(key, value) in items {
        let key = match pickle.get(key) {
            Value::Text(key) if key.len() <= NAME_BYTES => key.clone(),
            Value::Int(key) => key.to_string(),
            _ => continue, // no name of a tensor
        };
        let name = format!("{prefix}{key}");
        if name.len() > NAME_BYTES {
            return Err("it has a name of more than 1,000 bytes".to_owned());
        }
        match pickle.get(value) {
            Value::Tensor { .. } => found.push((name, value)),
            inner => walk(
                pickle,
                inner,
                &format!("{name}."),
                depth + 1,
                entries,
                found,
            )?,
        }
    }
    Ok(())
}

/// A tensor without its window, and the key of its storage.
fn tensor(pickle: &Pickle, name: String, index: usize) -> Result<(Stored, String), String> {
    let Value::Tensor {
        storage,
        offset,
        shape,
        strides,
    } = pickle.get(index)
    else {
        return Err(format!("{name} is no tensor"));
    };
    let Value::Storage { class, key } = pickle.get(*storage) else {
        return Err(format!("{name} has no storage"));
    };
    if shape.len() != strides.len() {
        return Err(format!("{name} has a shape and strides that differ"));
    }
    let (Some(class), Some(key)) = (pickle.text(*class), pickle.text(*key)) else {
        return Err(format!("{name} has no storage"));
    };
    let element = match class {
        "torch.DoubleStorage" => Element::F64,
        "torch.FloatStorage" => Element::F32,
        "torch.HalfStorage" => Element::F16,
        "torch.BFloat16Storage" => Element::BF16,
        other => Element::Other(other.to_owned()),
    };
    let stored = Stored {
        name,
        shape: shape.clone(),
        element,
        window: 0..0,
        offset: *offset,
        strides: strides.clone(),
    };
    Ok((stored, key.to_owned()))
}
