use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{
    DynOptimizer, DynState, GradientsParams, SgdConfig, StateSink, StateSource,
    decay::WeightDecayConfig, momentum::MomentumConfig,
};
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use burn_pack::{Reader, Scalar, Writer};
use digits_models::{FusedAdam, Model};

use crate::TrainError;
use crate::config::OptimizerConfig;

/// Scalar under which the rank of each parameter is kept in a saved state.
const RANK: &str = "rank";

/// Applies one of Burn's optimizers to every parameter of a network and keeps its state.
///
/// Burn's own `ModuleOptimizer` restores a state on `Device::default()`, which prefers a GPU that
/// may not exist; this one is told the device. It also clips by the norm over all parameters
/// together, where Burn clips each parameter by itself.
pub struct Optimizer {
    rule: Arc<dyn DynOptimizer>,
    clip_norm: Option<f64>,
    states: BTreeMap<u64, DynState>,
}

impl Optimizer {
    /// The rule of `config`; gradients are scaled so that their norm is at most `clip_norm`.
    pub fn new(config: &OptimizerConfig, clip_norm: Option<f64>) -> Self {
        Self {
            rule: rule(config),
            clip_norm,
            states: BTreeMap::new(),
        }
    }

    /// One step with learning rate `rate`.
    pub fn step(&mut self, rate: f64, model: Model, gradients: GradientsParams) -> Model {
        let scale = self.clip_norm.and_then(|limit| {
            let norm = global_norm(&model, &gradients);
            (norm > limit).then(|| limit / norm)
        });
        model.map(&mut Step {
            rule: self.rule.as_ref(),
            states: &mut self.states,
            gradients,
            scale,
            rate,
        })
    }

    /// The state of every parameter as one burnpack, in the order of the parameters' numbers.
    pub fn to_bytes(&self) -> Result<Bytes, TrainError> {
        let mut sink = StateSink::default();
        for (id, state) in &self.states {
            let prefix = id.to_string();
            self.rule.state_flatten(&prefix, state, &mut sink);
            sink.push_scalar(&prefix, RANK, Scalar::from(state.rank()));
        }
        let tensors = sink
            .tensors
            .into_iter()
            .map(|(name, data)| {
                let (bytes, shape, dtype) = data.into_parts();
                burn_pack::Tensor::new(name, dtype, shape, None, bytes)
            })
            .collect();
        sink.scalars
            .iter()
            .fold(Writer::new(tensors), |writer, (name, value)| {
                writer.with_scalar(name, *value)
            })
            .into_bytes()
            .map_err(|error| TrainError::backend("writing the optimizer's state", error))
    }

    /// Restores what [`Optimizer::to_bytes`] wrote, on `device`. The message of an error says
    /// what does not fit.
    pub fn restore(&mut self, bytes: Vec<u8>, device: &Device) -> Result<(), String> {
        fn text(error: impl ToString) -> String {
            error.to_string()
        }
        let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(text)?;
        let scalars = reader.scalars().clone();
        let mut source = StateSource::new(scalars.clone());
        for tensor in reader.into_tensors().map_err(text)? {
            let (name, dtype, shape, _, bytes) = tensor.into_parts().map_err(text)?;
            source.insert_tensor(name, TensorData::from_bytes(bytes, shape, dtype));
        }
        self.states.clear();
        for (name, value) in &scalars {
            let Some(prefix) = name.strip_suffix(&format!(".{RANK}")) else {
                continue;
            };
            let id: u64 = prefix
                .parse()
                .map_err(|_| format!("`{prefix}` is not a parameter's number"))?;
            let rank = usize::try_from(*value)
                .ok()
                .filter(|rank| (1..=4).contains(rank))
                .ok_or_else(|| format!("parameter {id} has no valid rank"))?;
            let state = self
                .rule
                .state_unflatten(rank, prefix, &mut source, device)
                .ok_or_else(|| format!("the state of parameter {id} is incomplete"))?;
            self.states.insert(id, state);
        }
        Ok(())
    }
}

fn rule(config: &OptimizerConfig) -> Arc<dyn DynOptimizer> {
    let adam = |beta_1: f64, beta_2: f64, epsilon: f64, weight_decay: f64| {
        Arc::new(FusedAdam {
            beta_1: beta_1 as f32,
            beta_2: beta_2 as f32,
            epsilon: epsilon as f32,
            weight_decay: weight_decay as f32,
        })
    };
    match *config {
        OptimizerConfig::Adam {
            beta_1,
            beta_2,
            epsilon,
        } => adam(beta_1, beta_2, epsilon, 0.0),
        OptimizerConfig::AdamW {
            beta_1,
            beta_2,
            epsilon,
            weight_decay,
        } => adam(beta_1, beta_2, epsilon, weight_decay),
        OptimizerConfig::Sgd {
            momentum,
            nesterov,
            weight_decay,
        } => {
            let momentum = (momentum > 0.0).then(|| {
                MomentumConfig::new()
                    .with_momentum(momentum)
                    .with_dampening(0.0)
                    .with_nesterov(nesterov)
            });
            let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
            let config = SgdConfig::new().with_momentum(momentum);
            Arc::new(config.with_weight_decay(decay).build())
        }
    }
}

struct Step<'a> {
    rule: &'a dyn DynOptimizer,
    states: &'a mut BTreeMap<u64, DynState>,
    gradients: GradientsParams,
    /// What every gradient is multiplied by, if it is clipped.
    scale: Option<f64>,
    rate: f64,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let gradient = match self.scale {
            Some(scale) => gradient.mul_scalar(scale),
            None => gradient,
        };
        let (id, value, mapper) = param.consume();
        let (value, state) = self.rule.step_dyn(
            D,
            self.rate,
            value.inner().into_bridge(),
            gradient.into_bridge(),
            self.states.remove(&id.val()),
        );
        if let Some(state) = state {
            self.states.insert(id.val(), state);
        }
        let value = Tensor::<D>::from_inner(Tensor::from_bridge(value)).require_grad();
        Param::from_mapped_value(id, value, mapper)
    }
}

/// √Σ g², over all gradients.
fn global_norm(model: &Model, gradients: &GradientsParams) -> f64 {
    struct SquaredNorm<'a>(&'a GradientsParams, f64);
    impl ModuleVisitor for SquaredNorm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1 += gradient.square().sum().into_scalar::<f64>();
            }
        }
    }
    let mut norm = SquaredNorm(gradients, 0.0);
    model.visit(&mut norm);
    norm.1.sqrt()
}
