use std::collections::{BTreeMap, HashSet};
use std::fmt;

use safetensors::SafeTensors;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::stored::{Source, Stored};

/// Tensors and metadata.
pub(crate) type Contents = (Vec<Stored>, BTreeMap<String, String>);

/// Reads a whole `.safetensors` file. The message of an error says what is wrong.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, String> {
    let (header, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| format!("it is not a whole .safetensors file: {error}"))?;
    let start = 8 + header;
    // The crate keeps the last of two tensors with one name, and is content.
    serde_json::from_slice::<Names>(&bytes[8..start]).map_err(|error| error.to_string())?;
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
                    if let Some(name) = known.replace(name) {
                        return Err(M::Error::custom(format!("it has two tensors named {name}")));
                    }
                }
                Ok(Names)
            }
        }
        header.deserialize_map(Keys)
    }
}
