//! Access to the numbers of a tensor in main memory: what makes one set of kernels serve Burn's
//! CPU backends.

use std::borrow::Cow;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, NdArray, TensorMetadata};
use burn::tensor::{DType, Element, Shape, TensorData};
use burn_ndarray::NdArrayTensor;
use ndarray::{ArcArray, ArrayView, IxDyn};

use crate::simd::Vectors;

/// A number type of tensors that the kernels compute in: f32 or f64.
pub(crate) trait Number: Vectors + Element + bytemuck::Pod {
    /// The numbers of an ndarray tensor, if they are of this type.
    fn view(tensor: &NdArrayTensor) -> Option<ArrayView<'_, Self, IxDyn>>;
    /// The array inside an ndarray tensor.
    fn array(tensor: NdArrayTensor) -> Option<ArcArray<Self, IxDyn>>;
    /// An ndarray tensor of such numbers.
    fn tensor(array: ArcArray<Self, IxDyn>) -> NdArrayTensor;
}

macro_rules! number {
    ($t:ty, $variant:ident) => {
        impl Number for $t {
            fn view(tensor: &NdArrayTensor) -> Option<ArrayView<'_, Self, IxDyn>> {
                match tensor {
                    NdArrayTensor::$variant(storage) => Some(storage.view()),
                    _ => None,
                }
            }
            fn array(tensor: NdArrayTensor) -> Option<ArcArray<Self, IxDyn>> {
                match tensor {
                    NdArrayTensor::$variant(storage) => Some(storage.into_owned()),
                    _ => None,
                }
            }
            fn tensor(array: ArcArray<Self, IxDyn>) -> NdArrayTensor {
                NdArrayTensor::from(array)
            }
        }
    };
}
number!(f32, F32);
number!(f64, F64);

/// Calls `$function::<T>` for the type of `$tensor`.
macro_rules! typed {
    ($tensor:expr, $function:ident::<$($generic:ty),+>($($argument:expr),* $(,)?)) => {
        match $tensor.dtype() {
            DType::F64 => $function::<$($generic),+, f64>($($argument),*),
            _ => $function::<$($generic),+, f32>($($argument),*),
        }
    };
}
pub(crate) use typed;

/// Empty numbers would be computed with silently.
fn wrong_type<T: Number>(found: DType) -> ! {
    panic!("a tensor of {found:?} among tensors of {:?}", T::dtype())
}

/// A backend whose tensors lie in main memory.
pub(crate) trait Host: Backend {
    /// The numbers of a tensor, row-major; copied only if they lie otherwise.
    ///
    /// # Panics
    /// If they are not of type `T`.
    fn read<T: Number>(tensor: &FloatTensor<Self>) -> Cow<'_, [T]>;
    /// A tensor of these numbers, without a copy.
    fn make<T: Number>(numbers: Vec<T>, shape: Shape) -> FloatTensor<Self>;
    /// Changes the numbers of tensors in place; copied first where another tensor shares them.
    ///
    /// # Panics
    /// If they are not of type `T`.
    fn change<T: Number, const N: usize>(
        tensors: [FloatTensor<Self>; N],
        change: impl FnOnce([&mut [T]; N]),
    ) -> [FloatTensor<Self>; N];
}

impl Host for Flex {
    fn read<T: Number>(tensor: &FloatTensor<Self>) -> Cow<'_, [T]> {
        if let Some(numbers) = tensor.as_slice::<T>() {
            return Cow::Borrowed(numbers);
        }
        match tensor.to_contiguous().as_slice::<T>() {
            Some(numbers) => Cow::Owned(numbers.to_vec()),
            None => wrong_type::<T>(tensor.dtype()),
        }
    }

    fn make<T: Number>(numbers: Vec<T>, shape: Shape) -> FloatTensor<Self> {
        <FloatTensor<Self>>::from_data(TensorData::new(numbers, shape))
    }

    fn change<T: Number, const N: usize>(
        tensors: [FloatTensor<Self>; N],
        change: impl FnOnce([&mut [T]; N]),
    ) -> [FloatTensor<Self>; N] {
        let mut tensors = tensors.map(|tensor| {
            let layout = tensor.layout();
            let length = tensor.bytes().len() / size_of::<T>();
            if layout.contiguous_offsets() == Some((0, length)) {
                return tensor;
            }
            let shape = layout.shape().clone();
            Self::make(Self::read::<T>(&tensor).into_owned(), shape)
        });
        change(tensors.each_mut().map(|tensor| tensor.storage_mut()));
        tensors
    }
}

impl Host for NdArray {
    fn read<T: Number>(tensor: &FloatTensor<Self>) -> Cow<'_, [T]> {
        let Some(view) = T::view(tensor) else {
            wrong_type::<T>(tensor.dtype());
        };
        match view.to_slice() {
            Some(numbers) => Cow::Borrowed(numbers),
            None => Cow::Owned(view.iter().copied().collect()),
        }
    }

    fn make<T: Number>(numbers: Vec<T>, shape: Shape) -> FloatTensor<Self> {
        let dimensions: Vec<usize> = shape.iter().copied().collect();
        match ArcArray::from_shape_vec(IxDyn(&dimensions), numbers) {
            Ok(array) => T::tensor(array),
            Err(error) => unreachable!("kernels return as many numbers as the shape has: {error}"),
        }
    }

    fn change<T: Number, const N: usize>(
        tensors: [FloatTensor<Self>; N],
        change: impl FnOnce([&mut [T]; N]),
    ) -> [FloatTensor<Self>; N] {
        let mut arrays = tensors.map(|tensor| {
            let dtype = tensor.dtype();
            let Some(array) = T::array(tensor) else {
                wrong_type::<T>(dtype);
            };
            if array.is_standard_layout() {
                array
            } else {
                array.as_standard_layout().into_owned().into_shared()
            }
        });
        change(arrays.each_mut().map(|array| match array.as_slice_mut() {
            Some(numbers) => numbers,
            None => unreachable!("in standard layout, see above"),
        }));
        arrays.map(T::tensor)
    }
}
