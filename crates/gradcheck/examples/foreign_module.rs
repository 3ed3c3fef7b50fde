//! Checks layers that this crate has never seen, here two of Burn's own:
//! `cargo run --release --workspace --example foreign_module`.

use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_gradcheck::{GradcheckError, GradcheckOptions, gradcheck, in_f64};

fn main() -> Result<(), GradcheckError> {
    let device = Device::flex().autodiff();
    let layers: (Linear, LayerNorm) = in_f64((
        LinearConfig::new(3, 4).init(&device),
        LayerNormConfig::new(4).init(&device),
    ));
    let data = TensorData::from([[0.5_f64, -1.0, 2.0], [1.0, 0.0, -0.5]]);
    let input = Tensor::<2>::from_data(data, (&device, DType::F64)); // [2, 3]

    let loss = |(linear, norm): &(Linear, LayerNorm)| {
        let hidden = norm.forward(linear.forward(input.clone())); // [2, 4]
        hidden.tanh().powf_scalar(2.0).sum()
    };
    let report = gradcheck(&layers, loss, &GradcheckOptions::default())?;
    print!("{report}");
    assert!(report.passed());
    Ok(())
}
