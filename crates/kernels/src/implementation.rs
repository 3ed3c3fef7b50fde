//! Which code an operation takes, and what its functions on tensors check.

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Tensor};

/// The code that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    /// The kernels of this crate.
    Fused,
    /// Burn's own operations.
    Fallback,
}

impl Implementation {
    /// The kernels, where the sizes `fit` and the tensor has a device and a type that they serve.
    pub(crate) fn choose<const D: usize>(fit: bool, tensor: &Tensor<D>) -> Self {
        fn host(device: &DispatchDevice) -> bool {
            match device {
                DispatchDevice::Flex(_) | DispatchDevice::NdArray(_) => true,
                DispatchDevice::Autodiff(device) => host(device),
                #[allow(
                    unreachable_patterns,
                    reason = "which others exist depends on features"
                )]
                _ => false,
            }
        }
        let served = matches!(tensor.dtype(), DType::F32 | DType::F64);
        if fit && served && host(tensor.device().as_dispatch()) {
            Self::Fused
        } else {
            Self::Fallback
        }
    }
}

/// # Panics
/// On a bias of another length or type than the layer's: it would be read as zeros, or not at all.
pub(crate) fn check_bias(bias: &Tensor<1>, length: usize, dtype: DType) {
    assert_eq!(
        (bias.dims(), bias.dtype()),
        ([length], dtype),
        "the bias has one number of the weights' type for each channel or unit"
    );
}

/// The bias, or zeros of the type and device of `like`.
pub(crate) fn or_zeros<const D: usize>(
    bias: Option<Tensor<1>>,
    length: usize,
    like: &Tensor<D>,
) -> Tensor<1> {
    bias.unwrap_or_else(|| Tensor::zeros([length], (&like.device(), like.dtype())))
}
