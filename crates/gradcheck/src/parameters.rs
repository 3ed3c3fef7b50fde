use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Gradients, Tensor, TensorData};

use crate::error::GradcheckError;

/// One parameter and its gradient.
pub(crate) struct Found {
    pub(crate) id: ParamId,
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    /// Zeros where autodiff has none: the loss does not depend on it, says autodiff.
    pub(crate) gradient: Vec<f64>,
}

/// Reads every trainable parameter's gradient.
pub(crate) struct Collect {
    gradients: Gradients,
    path: Vec<String>,
    pub(crate) parameters: Vec<Found>,
    pub(crate) frozen: Vec<String>,
    error: Option<GradcheckError>,
}

impl Collect {
    pub(crate) fn from<M: Module>(
        module: &M,
        gradients: Gradients,
    ) -> Result<Self, GradcheckError> {
        let mut collect = Self {
            gradients,
            path: Vec::new(),
            parameters: Vec::new(),
            frozen: Vec::new(),
            error: None,
        };
        module.visit(&mut collect);
        collect.error.take().map_or(Ok(collect), Err)
    }
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (name, value) = (self.path.join("."), param.val());
        if !value.is_require_grad() {
            self.frozen.push(name);
            return;
        }
        let shape = value.dims().to_vec();
        let gradient = match value.grad(&self.gradients).map(read) {
            Some(Ok(gradient)) => gradient,
            Some(Err(error)) => {
                self.error = Some(error);
                return;
            }
            None => vec![0.0; shape.iter().product()],
        };
        self.parameters.push(Found {
            id: param.id,
            name,
            shape,
            dtype: value.dtype(),
            gradient,
        });
    }
}

/// Moves one element of one parameter.
pub(crate) struct Perturb {
    pub(crate) id: ParamId,
    pub(crate) element: usize,
    pub(crate) delta: f64,
    pub(crate) error: Option<GradcheckError>,
}

impl ModuleMapper for Perturb {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.id {
            return param;
        }
        param.map(|tensor| {
            let (device, shape) = (tensor.device(), tensor.dims());
            match read(tensor.clone()) {
                Ok(mut values) => {
                    values[self.element] += self.delta;
                    Tensor::from_data(TensorData::new(values, shape), (&device, DType::F64))
                        .require_grad()
                }
                Err(error) => {
                    self.error = Some(error);
                    tensor
                }
            }
        })
    }
}

/// Converts every floating-point parameter of a module to f64, values unchanged.
pub fn in_f64<M: Module>(module: M) -> M {
    struct Widen;
    impl ModuleMapper for Widen {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let trained = tensor.is_require_grad();
                // Outside autodiff, so that the result is a new leaf and gradients stop at it.
                let wide = |tensor: Tensor<D>| tensor.cast(DType::F64);
                let tensor = if tensor.is_autodiff() {
                    wide(tensor.inner()).autodiff()
                } else {
                    wide(tensor)
                };
                tensor.set_require_grad(trained)
            })
        }
    }
    module.map(&mut Widen)
}

pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, GradcheckError> {
    tensor
        .try_into_vec_as::<f64>()
        .map_err(|error| GradcheckError::Device(error.to_string()))
}
