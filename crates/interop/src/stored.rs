use std::ops::Range;

use half::{bf16, f16};

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
