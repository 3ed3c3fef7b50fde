use burn::backend::Dispatch;
use burn::optim::{
    Adam, AdamConfig, AdamState, AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState,
    LearningRate, Optimizer,
};
use burn::tensor::{Device, Tensor};

use crate::elementwise::AdamStep;
use crate::operations::{self, Kernels};
use crate::{Implementation, on_host};

/// Settings of [`FusedAdam`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FusedAdamConfig {
    /// Decay of the mean of gradients.
    pub beta_1: f32,
    /// Decay of the mean of squared gradients.
    pub beta_2: f32,
    /// Keeps the denominator from zero.
    pub epsilon: f32,
    /// Decoupled weight decay (AdamW, Loshchilov and Hutter 2019); 0 for plain Adam.
    pub weight_decay: f32,
}

impl FusedAdamConfig {
    /// The optimizer.
    pub fn build(self) -> FusedAdam {
        FusedAdam {
            config: self,
            burn: AdamConfig::new()
                .with_beta_1(self.beta_1)
                .with_beta_2(self.beta_2)
                .with_epsilon(self.epsilon)
                .build(),
            burn_decay: AdamWConfig::new()
                .with_beta_1(self.beta_1)
                .with_beta_2(self.beta_2)
                .with_epsilon(self.epsilon)
                .with_weight_decay(self.weight_decay)
                .build(),
        }
    }
}

/// Burn's Adam and AdamW in one pass over memory on the CPU, the same numbers to rounding; its
/// state is that of Burn's [`Adam`], and other backends take Burn's.
///
/// # Panics
/// [`Optimizer::step`] on a state of another parameter, of another shape or type.
#[derive(Clone)]
pub struct FusedAdam {
    config: FusedAdamConfig,
    burn: Adam,
    burn_decay: AdamW,
}

impl Optimizer for FusedAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        if Self::implementation(&tensor, &gradient) == Implementation::Fallback {
            return self.fallback(rate, tensor, gradient, state);
        }
        let momentum = state.map_or_else(
            || AdaptiveMomentumState::new(0, gradient.zeros_like(), gradient.zeros_like()),
            |state| state.momentum,
        );
        for moment in [&momentum.moment_1, &momentum.moment_2] {
            assert_eq!(
                (moment.dims(), moment.dtype()),
                (tensor.dims(), tensor.dtype()),
                "Adam's state is that of another parameter"
            );
        }
        let time = momentum.time + 1;
        let config = self.config;
        let power = i32::try_from(time).unwrap_or(i32::MAX);
        // In f32, as Burn.
        let root = (1.0 - config.beta_2.powi(power)).sqrt();
        let step = AdamStep {
            beta_1: f64::from(config.beta_1),
            beta_2: f64::from(config.beta_2),
            correction: f64::from(root / (1.0 - config.beta_1.powi(power))),
            epsilon: f64::from(config.epsilon * root),
            rate,
            keep: 1.0 - rate * f64::from(config.weight_decay),
        };
        let result = <Dispatch as Kernels>::adam(
            operations::AdamState {
                values: tensor.into_dispatch(),
                first: momentum.moment_1.into_dispatch(),
                second: momentum.moment_2.into_dispatch(),
            },
            gradient.into_dispatch(),
            step,
        );
        let momentum = AdaptiveMomentumState::new(
            time,
            Tensor::from_dispatch(result.first),
            Tensor::from_dispatch(result.second),
        );
        (
            Tensor::from_dispatch(result.values),
            Some(AdamState::new(momentum)),
        )
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        Adam::to_device(state, device)
    }
}

impl FusedAdam {
    /// The code that [`Optimizer::step`] takes for tensors like these.
    pub fn implementation<const D: usize>(
        tensor: &Tensor<D>,
        gradient: &Tensor<D>,
    ) -> Implementation {
        let fits = gradient.dtype() == tensor.dtype() && gradient.dims() == tensor.dims();
        if fits && on_host(&tensor.device(), tensor.dtype()) {
            Implementation::Fused
        } else {
            Implementation::Fallback
        }
    }

    fn fallback<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        if self.config.weight_decay == 0.0 {
            return self.burn.step(rate, tensor, gradient, state);
        }
        let state = state.map(|state| AdamWState::new(state.momentum));
        let (tensor, state) = self.burn_decay.step(rate, tensor, gradient, state);
        (tensor, state.map(|state| AdamState::new(state.momentum)))
    }
}
