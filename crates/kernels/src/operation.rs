//! What a fused operation is, how Burn calls one, on the CPU backends and under autodiff, and where
//! Burn's own operations are taken instead.
//!
//! An operation is a type with [`Operation`], in a folder of its own together with its function on
//! tensors, which checks sizes and types and then calls [`run`]. Nothing else knows of it.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchDevice,
    DispatchTensor, DispatchTensorKind, ExtensionType, Flex, NdArray, backend_extension,
};
use burn::tensor::{DType, Tensor};

use crate::host::Host;

/// A fused operation on `N` tensors.
pub(crate) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// What the backward pass needs.
    type Saved<B: Host>: Clone + Debug + Send + 'static;

    /// The results, and what the backward pass needs if the result is `tracked`. The first result
    /// carries the gradient; the others are statistics without one.
    fn forward<B: Host>(
        &self,
        inputs: [FloatTensor<B>; N],
        tracked: bool,
    ) -> (Vec<FloatTensor<B>>, Self::Saved<B>);

    /// The gradients of the inputs, at least of those that are `wanted`, from that of the first
    /// result.
    fn backward<B: Host>(
        &self,
        _saved: Self::Saved<B>,
        _gradient: FloatTensor<B>,
        _wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N] {
        unreachable!("{self:?} is for tensors that are not tracked")
    }
}

/// Runs an operation on tensors whose sizes, types and devices fit.
pub(crate) fn run<O: Operation<N>, const N: usize, const M: usize>(
    operation: O,
    inputs: [DispatchTensor; N],
) -> [DispatchTensor; M] {
    let inputs = Tensors(inputs.into());
    <Dispatch as Fused>::fused(operation, inputs).into_array()
}

/// Tensors on their way into an operation, or out of it.
pub(crate) struct Tensors<B: Backend>(Vec<FloatTensor<B>>);

impl<B: Backend> Tensors<B> {
    fn into_array<const N: usize>(self) -> [FloatTensor<B>; N] {
        match self.0.try_into() {
            Ok(tensors) => tensors,
            Err(_) => unreachable!("an operation has as many tensors as its type says"),
        }
    }
}

// Derived for structs with a field for each tensor, of which each operation would need its own.
impl<B: Backend> ExtensionType<B> for Tensors<B> {
    type Target = Tensors<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Tensors<Dispatch>
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let one = |tensor| DispatchTensor {
            kind: map_kind(BackendTensor::Float(tensor)),
            autodiff,
        };
        Tensors(self.0.into_iter().map(one).collect())
    }

    fn map_from_dispatch<F>(target: Tensors<Dispatch>, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        let tensors = target.0.into_iter();
        Self(tensors.map(|tensor| unwrap_kind(tensor).float()).collect())
    }

    fn routing_tensor(target: &Tensors<Dispatch>) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Tensors<Dispatch>) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn autodiff_context(target: &Tensors<Dispatch>) -> DispatchAutodiffContext {
        let contexts = target.0.iter().map(|tensor| tensor.autodiff);
        contexts.fold(DispatchAutodiffContext::Disabled, |all, one| all.merge(one))
    }
}

/// The operations as an extension of Burn's backends.
#[backend_extension(Flex, NdArray, Autodiff)]
pub(crate) trait Fused: Backend {
    fn fused<O: Operation<N>, const N: usize>(
        operation: O,
        #[extension_type] inputs: Tensors<Self>,
    ) -> Tensors<Self>;
}

impl Fused for Flex {
    fn fused<O: Operation<N>, const N: usize>(
        operation: O,
        inputs: Tensors<Self>,
    ) -> Tensors<Self> {
        Tensors(operation.forward::<Self>(inputs.into_array(), false).0)
    }
}

impl Fused for NdArray {
    fn fused<O: Operation<N>, const N: usize>(
        operation: O,
        inputs: Tensors<Self>,
    ) -> Tensors<Self> {
        Tensors(operation.forward::<Self>(inputs.into_array(), false).0)
    }
}

impl<B: Host, C: CheckpointStrategy> Fused for Autodiff<B, C> {
    fn fused<O: Operation<N>, const N: usize>(
        operation: O,
        inputs: Tensors<Self>,
    ) -> Tensors<Self> {
        let nodes = inputs.into_array::<N>().map(|tensor| tensor.into_parts());
        let mut inputs = Vec::new();
        let nodes = nodes.map(|(tensor, node)| {
            inputs.push(tensor);
            node
        });
        let inputs = Tensors::<B>(inputs).into_array();
        let kind = Node(operation.clone())
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        let tracked = matches!(kind, OpsKind::Tracked(_));
        let (mut results, saved) = operation.forward::<B>(inputs, tracked);
        let others = results.split_off(1);
        let [first] = Tensors::<B>(results).into_array();
        let first = match kind {
            OpsKind::Tracked(prep) => prep.finish(saved, first),
            OpsKind::UnTracked(prep) => prep.finish(first),
        };
        let others = others.into_iter().map(<FloatTensor<Self>>::new);
        Tensors(std::iter::once(first).chain(others).collect())
    }
}

/// An operation in the graph of autodiff.
#[derive(Debug)]
struct Node<O>(O);

impl<B: Host, O: Operation<N>, const N: usize> Backward<B, N> for Node<O> {
    type State = O::Saved<B>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let results = self.0.backward(ops.state, gradient, wanted);
        for (node, result) in ops.parents.into_iter().zip(results) {
            if let (Some(node), Some(result)) = (node, result) {
                grads.register::<B>(node.id, result);
            }
        }
    }
}

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
