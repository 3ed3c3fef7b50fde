use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;

use half::{bf16, f16};
use safetensors::SafeTensors;
use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

/// One tensor of a file.
#[derive(Debug)]
pub(crate) struct Stored {
    pub name: String,
    pub shape: Vec<usize>,
    /// Type of its elements, `F32` for example.
    pub element: String,
    pub source: Source,
    /// Its place in the order in which the module has them, if the file keeps that.
    pub place: Option<usize>,
}

/// Where the elements of a tensor are.
#[derive(Debug)]
pub(crate) enum Source {
    /// These bytes of the file.
    Bytes(Range<usize>),
    /// A file of `torch.save`.
    Torch(pytorch_reader::Tensor),
}

impl Stored {
    /// The elements in row-major order; `file` are the bytes that [`Source::Bytes`] means. Ask
    /// for tensors of a plausible shape only: this allocates as many numbers as the shape says.
    pub fn values(&self, file: &[u8]) -> Result<Vec<f32>, String> {
        /// Elements of `N` bytes as numbers.
        fn decode<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks().0.iter().copied().map(number).collect()
        }
        let read;
        let bytes = match &self.source {
            Source::Bytes(range) => &file[range.clone()],
            Source::Torch(tensor) => {
                read = tensor.read().map_err(|error| error.to_string())?;
                &read
            }
        };
        Ok(match self.element.as_str() {
            "F64" => decode(bytes, |b| f64::from_le_bytes(b) as f32),
            "F32" => decode(bytes, f32::from_le_bytes),
            "F16" => decode(bytes, |b| f16::from_le_bytes(b).into()),
            "BF16" => decode(bytes, |b| bf16::from_le_bytes(b).into()),
            name => return Err(format!("its elements are {name}")),
        })
    }
}

pub(crate) type Metadata = BTreeMap<String, String>;

/// Tensors and metadata of a whole `.safetensors` file. The message of an error says what is wrong.
pub(crate) fn read_safetensors(bytes: &[u8]) -> Result<(Vec<Stored>, Metadata), String> {
    let (header, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| format!("it is not a whole .safetensors file: {error}"))?;
    let start = 8 + header;
    // The crate keeps the last of two tensors with one name, and is content.
    let mut header = serde_json::Deserializer::from_slice(&bytes[8..start]);
    let once = header.deserialize_map(Names);
    once.map_err(|error| error.to_string())?;
    let tensors = metadata.tensors().into_iter();
    let tensors = tensors.map(|(name, tensor)| Stored {
        name,
        shape: tensor.shape.clone(),
        element: tensor.dtype.to_string(),
        source: Source::Bytes(start + tensor.data_offsets.0..start + tensor.data_offsets.1),
        place: None,
    });
    let metadata = metadata.metadata().clone().unwrap_or_default();
    Ok((tensors.collect(), metadata.into_iter().collect()))
}

/// The keys of a header, each of which may be there once.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the header of a .safetensors file")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut known = HashSet::new();
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            if let Some(name) = known.replace(name) {
                return Err(M::Error::custom(format!("it has two tensors named {name}")));
            }
        }
        Ok(())
    }
}
