use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use digits_data::Normalization;
use digits_data::files::sha256;
use digits_models::ModelConfig;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::InteropError;
use crate::error::printable;
use crate::state_dict;

/// Files above this size are not read: twice the largest network that this program builds.
const MOST_BYTES: u64 = 1 << 30;

/// Keys of the metadata that an exported file carries.
pub(crate) const MODEL: &str = "model";
pub(crate) const RECIPE: &str = "recipe";
pub(crate) const NORMALIZATION: &str = "normalization";
pub(crate) const DATASET: &str = "dataset";

/// Name of the recipe of a file that does not say a usable one.
const UNNAMED: &str = "imported";

/// A file of tensors, read and checked as far as it can be without a network to compare it with.
#[derive(Debug)]
pub struct WeightFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What stands before the name of every tensor in the file and is left out, for example
    /// `state_dict.`; mostly empty.
    pub prefix: String,
    pub(crate) tensors: Vec<Stored>,
    /// Whether they stand in the order in which the module has them.
    pub(crate) ordered: bool,
    bytes: Vec<u8>,
    metadata: BTreeMap<String, String>,
}

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub name: String,
    pub shape: Vec<usize>,
    pub element: Element,
    /// Bytes of the file that hold it, and perhaps others.
    pub window: Range<usize>,
    /// Its first element, counted from the window's start.
    pub offset: usize,
    /// Elements from one index to the next, for each dimension.
    pub strides: Vec<usize>,
}

/// Type of the elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element {
    F64,
    F32,
    F16,
    BF16,
    /// One that no weight has, by name.
    Other(String),
}

impl WeightFile {
    /// Reads a `.safetensors` file or a PyTorch state dict (`.pt`, `.pth`).
    ///
    /// # Errors
    /// A file that cannot be read, that is damaged in any way, or that refers to code.
    pub fn open(path: &Path) -> Result<Self, InteropError> {
        let information = fs::metadata(path).map_err(InteropError::io("read", path))?;
        let format = |reason: String| InteropError::Format {
            path: path.to_owned(),
            reason,
        };
        if !information.is_file() {
            return Err(format("it is no file".to_owned()));
        }
        if information.len() > MOST_BYTES {
            return Err(format(format!(
                "it has {} MiB, and no network of this program needs more than {}",
                information.len() >> 20,
                MOST_BYTES >> 20
            )));
        }
        let bytes = fs::read(path).map_err(InteropError::io("read", path))?;
        let named = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        // The format's own writers sort by name.
        let ordered = !named && bytes.get(8) != Some(&b'{');
        let (tensors, metadata) = if ordered {
            (state_dict::read(path, &bytes)?, BTreeMap::new())
        } else {
            read_safetensors(&bytes).map_err(format)?
        };
        if tensors.is_empty() {
            return Err(format("it holds no tensor".to_owned()));
        }
        let mut tensors = tensors;
        for tensor in &mut tensors {
            tensor.name = printable(&tensor.name); // they are shown, and kept in run.json
        }
        let mut file = Self {
            path: path.to_owned(),
            sha256: sha256(&bytes),
            prefix: String::new(),
            tensors,
            ordered,
            bytes,
            metadata,
        };
        file.unwrap();
        Ok(file)
    }

    /// The network that the file says it holds, with the name of its recipe, if it says so;
    /// `digits export` does.
    ///
    /// # Errors
    /// A description that is none.
    pub fn model(&self) -> Result<Option<(String, ModelConfig)>, InteropError> {
        // It becomes the name of folders, and part of what is printed.
        let recipe = self.metadata.get(RECIPE).map(String::as_str);
        let recipe = recipe.filter(|name| is_recipe(name)).unwrap_or(UNNAMED);
        Ok(self
            .described(MODEL)?
            .map(|model| (recipe.to_owned(), model)))
    }

    /// How pixels become numbers, if the file says so.
    ///
    /// # Errors
    /// A description that is none.
    pub fn normalization(&self) -> Result<Option<Normalization>, InteropError> {
        self.described(NORMALIZATION)
    }

    /// Name of the data set that the network was trained on, if the file says so.
    pub fn dataset(&self) -> Option<String> {
        let name = printable(self.metadata.get(DATASET)?.trim());
        (1..=100).contains(&name.len()).then_some(name)
    }

    fn described<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, InteropError> {
        self.metadata
            .get(key)
            .map(|text| serde_json::from_str(text))
            .transpose()
            .map_err(|error| InteropError::Format {
                path: self.path.clone(),
                reason: format!("its metadata `{key}` makes no sense: {error}"),
            })
    }

    /// Takes off what training scripts wrap around a state dict: `{"state_dict": …}`, and the
    /// `module.` of `DataParallel`. (What stands beside a `{"model": …}` of its own in a
    /// checkpoint has been left out where it was read; names alone would not tell it from a layer
    /// called `model`.)
    fn unwrap(&mut self) {
        for wrapper in ["state_dict.", "model_state_dict.", "model.", "module."] {
            let inside = |tensor: &&Stored| tensor.name.starts_with(wrapper);
            let count = self.tensors.iter().filter(inside).count();
            let beside_others = wrapper.ends_with("state_dict.");
            if count == self.tensors.len() || (count > 0 && beside_others) {
                self.tensors
                    .retain(|tensor| tensor.name.starts_with(wrapper));
                for tensor in &mut self.tensors {
                    tensor.name.drain(..wrapper.len());
                }
                self.prefix += wrapper;
            }
        }
    }

    /// The elements of one of the tensors in row-major order. Ask for tensors of a plausible
    /// shape only: this allocates as many numbers as the shape says.
    pub(crate) fn values(&self, tensor: &Stored) -> Result<Vec<f32>, String> {
        let window = &self.bytes[tensor.window.clone()];
        let decode: fn(&[u8]) -> f32 = match tensor.element {
            Element::F64 => |b| {
                b.try_into()
                    .map_or(f32::NAN, |b| f64::from_le_bytes(b) as f32)
            },
            Element::F32 => |b| b.try_into().map_or(f32::NAN, f32::from_le_bytes),
            Element::F16 => |b| {
                b.try_into()
                    .map_or(f32::NAN, |b| f16::from_le_bytes(b).into())
            },
            Element::BF16 => |b| {
                b.try_into()
                    .map_or(f32::NAN, |b| bf16::from_le_bytes(b).into())
            },
            Element::Other(ref name) => return Err(format!("its elements are {name}")),
        };
        let size = tensor.element.size();
        let outside = || "it reaches beyond its storage".to_owned();
        let mut values = Vec::with_capacity(tensor.shape.iter().product());
        let mut index = vec![0_usize; tensor.shape.len()];
        if tensor.shape.contains(&0) {
            return Ok(values);
        }
        loop {
            let place = index
                .iter()
                .zip(&tensor.strides)
                .try_fold(tensor.offset, |place, (&i, &stride)| {
                    place.checked_add(i.checked_mul(stride)?)
                })
                .and_then(|place| place.checked_mul(size))
                .ok_or_else(outside)?;
            let end = place.checked_add(size).ok_or_else(outside)?;
            values.push(decode(window.get(place..end).ok_or_else(outside)?));
            // The next index, the last dimension first.
            let Some(moved) = (0..index.len())
                .rev()
                .find(|&d| index[d] + 1 < tensor.shape[d])
            else {
                return Ok(values);
            };
            index[moved] += 1;
            index[moved + 1..].fill(0);
        }
    }
}

impl Element {
    /// Bytes of one element; 0 for types that are not read.
    pub fn size(&self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Other(_) => 0,
        }
    }
}

type Contents = (Vec<Stored>, BTreeMap<String, String>);

fn read_safetensors(bytes: &[u8]) -> Result<Contents, String> {
    let reason =
        |error: safetensors::SafeTensorError| format!("it is no whole .safetensors file: {error}");
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(reason)?;
    let start = 8 + header;
    // The crate keeps the last of two tensors with one name, and is content.
    serde_json::from_slice::<Names>(&bytes[8..start]).map_err(|error| error.to_string())?;
    let mut tensors: Vec<Stored> = metadata
        .tensors()
        .into_iter()
        .map(|(name, tensor)| Stored {
            name,
            shape: tensor.shape.clone(),
            element: match tensor.dtype {
                Dtype::F64 => Element::F64,
                Dtype::F32 => Element::F32,
                Dtype::F16 => Element::F16,
                Dtype::BF16 => Element::BF16,
                other => Element::Other(other.to_string()),
            },
            window: start + tensor.data_offsets.0..start + tensor.data_offsets.1,
            offset: 0,
            strides: row_major(&tensor.shape),
        })
        .collect();
    tensors.sort_by_key(|tensor| tensor.window.start);
    let metadata = metadata
        .metadata()
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Ok((tensors, metadata))
}

/// The keys of a header, each of which may be there once.
struct Names;

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(header: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the header of a .safetensors file")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Names, M::Error> {
                let mut known = HashSet::new();
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    if known.contains(&name) {
                        return Err(M::Error::custom(format!("it has two tensors named {name}")));
                    }
                    known.insert(name);
                }
                Ok(Names)
            }
        }
        header.deserialize_map(Keys)
    }
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d].saturating_mul(shape[d]);
    }
    strides
}

/// Whether this is a name that a recipe may have: 1 to 40 of `a` to `z`, `0` to `9` and `-`.
fn is_recipe(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(plain)
}

/// A shape as PyTorch writes it.
pub(crate) fn shown(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "[] (a single number)".to_owned();
    }
    format!("{shape:?}")
}
