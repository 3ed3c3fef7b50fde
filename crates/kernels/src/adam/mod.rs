//! Adam and AdamW as Burn has them, in one pass over memory.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{DType, Device, Tensor};
use rayon::prelude::*;

use crate::host::{Host, Number, typed};
use crate::operation::{Implementation, Operation, run};
use crate::simd::{CHUNK, Float, Instructions, Work};

/// Burn's Adam and AdamW in one pass over memory on the CPU, the same numbers to rounding; its
/// state is that of Burn's [`Adam`], and other backends take Burn's.
///
/// # Panics
/// [`Optimizer::step`] on a state of another parameter, of another shape or type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FusedAdam {
    /// Decay of the mean of gradients.
    pub beta_1: f32,
    /// Decay of the mean of squared gradients.
    pub beta_2: f32,
    /// Keeps the denominator from zero.
    pub epsilon: f32,
    /// Decoupled weight decay (AdamW, Loshchilov and Hutter 2019); 0 for plain Adam.
    pub weight_decay: f32,
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
        // What remains of a parameter before the step: less than all for AdamW.
        let keep = 1.0 - rate * f64::from(self.weight_decay);
        if Self::implementation(&tensor, &gradient) == Implementation::Fallback {
            let adam = AdamConfig::new()
                .with_beta_1(self.beta_1)
                .with_beta_2(self.beta_2)
                .with_epsilon(self.epsilon);
            return adam.build().step(rate, tensor * keep, gradient, state);
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
        let power = i32::try_from(time).unwrap_or(i32::MAX);
        // In f32, as Burn; the corrections of the moments' bias are folded in.
        let root = (1.0 - self.beta_2.powi(power)).sqrt();
        let correction = root / (1.0 - self.beta_1.powi(power));
        let [beta_1, beta_2] = [self.beta_1, self.beta_2].map(f64::from);
        let step = AdamStep([
            beta_1,
            beta_2,
            1.0 - beta_1,
            1.0 - beta_2,
            -rate * f64::from(correction),
            f64::from(self.epsilon * root),
            keep,
        ]);
        let tensors = [
            tensor.into_dispatch(),
            momentum.moment_1.into_dispatch(),
            momentum.moment_2.into_dispatch(),
            gradient.into_dispatch(),
        ];
        let [values, first, second] = run(step, tensors);
        let [first, second] = [first, second].map(Tensor::from_dispatch);
        let momentum = AdaptiveMomentumState::new(time, first, second);
        (
            Tensor::from_dispatch(values),
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
        Implementation::choose(fits, tensor)
    }
}

/// One step of Adam (Kingma and Ba 2015): β₁, β₂, 1 − β₁, 1 − β₂, the factor of the change, ε, and
/// what is kept of a parameter.
#[derive(Debug, Clone, Copy)]
struct AdamStep([f64; 7]);

impl Operation<4> for AdamStep {
    type Saved<B: Host> = ();

    /// Parameters and both moments, which are changed in place where nothing shares them.
    fn forward<B: Host>(
        &self,
        [values, first, second, gradient]: [FloatTensor<B>; 4],
        _: bool,
    ) -> (Vec<FloatTensor<B>>, ()) {
        let state = [values, first, second];
        let state = typed!(gradient, adam::<B>(*self, state, &gradient));
        (state.into(), ())
    }
}

/// Updates parameters and both moments in place.
fn adam<B: Host, T: Number>(
    step: AdamStep,
    state: [FloatTensor<B>; 3],
    gradient: &FloatTensor<B>,
) -> [FloatTensor<B>; 3] {
    let gradient = B::read::<T>(gradient);
    B::change::<T, 3>(state, |[values, first, second]| {
        // `zip` would end with the shortest, and leave the rest of the parameters as they are.
        for other in [gradient.len(), first.len(), second.len()] {
            assert_eq!(
                values.len(),
                other,
                "Adam: parameters, gradient and moments"
            );
        }
        let chunks = values.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
        let moments = first
            .par_chunks_mut(CHUNK)
            .zip(second.par_chunks_mut(CHUNK));
        chunks
            .zip(moments)
            .for_each(|((values, gradient), (first, second))| {
                let chunk = Chunk(step, values, gradient, first, second);
                // SAFETY: any processor may run it.
                unsafe { Instructions::run(chunk) };
            });
    })
}

/// Part of the parameters, their gradient and both moments.
struct Chunk<'a, T>(AdamStep, &'a mut [T], &'a [T], &'a mut [T], &'a mut [T]);

impl<T: Float> Work for Chunk<'_, T> {
    type Result = ();

    #[inline(always)]
    unsafe fn run(self) {
        let Self(step, values, gradient, first, second) = self;
        let [beta_1, beta_2, rest_1, rest_2, scale, epsilon, keep] = step.0.map(T::from_f64);
        let moments = first.iter_mut().zip(second);
        for ((value, &g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
            *m = *m * beta_1 + g * rest_1;
            *v = *v * beta_2 + g * g * rest_2;
            let change = *m * scale / (v.root() + epsilon);
            *value = *value * keep + change;
        }
    }
}
