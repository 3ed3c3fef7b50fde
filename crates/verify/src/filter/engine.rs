use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use super::geometry::Geometry;
use super::grid::Grid;
use crate::engine::{Precision, no_gradient, read, tensor};
use crate::error::VerifyError;

/// Burn's `conv2d` on one image, one kernel, with the padding of [`Geometry`].
pub(crate) fn burn_correlate(
    image: &Grid<f64>,
    kernel: &Grid<f64>,
    geometry: Geometry,
    device: &Device,
    precision: Precision,
) -> Result<Grid<f64>, VerifyError> {
    let (image_tensor, kernel_tensor) =
        (on(image, device, precision), on(kernel, device, precision));
    grid(apply(image_tensor, kernel_tensor, image, kernel, geometry)?)
}

/// ∂L/∂image and ∂L/∂kernel by Burn's autodiff, for L = Σ upstream · out.
pub(crate) fn burn_gradients(
    image: &Grid<f64>,
    kernel: &Grid<f64>,
    upstream: &Grid<f64>,
    geometry: Geometry,
    device: &Device,
    precision: Precision,
) -> Result<(Grid<f64>, Grid<f64>), VerifyError> {
    let device = device.clone().autodiff();
    let x = on(image, &device, precision).require_grad();
    let w = on(kernel, &device, precision).require_grad();
    let out = apply(x.clone(), w.clone(), image, kernel, geometry)?;
    let gradients = (out * on(upstream, &device, precision)).sum().backward();
    Ok((
        grid(x.grad(&gradients).ok_or_else(|| no_gradient("the image"))?)?,
        grid(
            w.grad(&gradients)
                .ok_or_else(|| no_gradient("the kernel"))?,
        )?,
    ))
}

/// # Shapes
/// `[1, 1, height, width]` → `[1, 1, height', width']`
fn apply(
    x: Tensor<4>,
    w: Tensor<4>,
    image: &Grid<f64>,
    kernel: &Grid<f64>,
    geometry: Geometry,
) -> Result<Tensor<4>, VerifyError> {
    let [vertical, horizontal] = geometry.axes(image, kernel)?;
    let (stride, dilation) = ([geometry.stride; 2], [geometry.dilation; 2]);
    let options = |padding| ConvOptions::new(stride, padding, dilation, 1);
    if vertical.before == vertical.after && horizontal.before == horizontal.after {
        let padding = [vertical.before, horizontal.before];
        return Ok(conv2d(x, w, None, options(padding)));
    }
    // Even kernels: one more zero to the right and below, which is not the same on both sides.
    let (left, right) = (horizontal.before, horizontal.after);
    let x = x.pad((left, right, vertical.before, vertical.after), 0.0);
    Ok(conv2d(x, w, None, options([0, 0])))
}

fn on(grid: &Grid<f64>, device: &Device, precision: Precision) -> Tensor<4> {
    tensor(
        grid.values().to_vec(),
        [1, 1, grid.rows(), grid.columns()],
        device,
        precision.dtype(),
    )
}

fn grid(tensor: Tensor<4>) -> Result<Grid<f64>, VerifyError> {
    let [_, _, rows, columns] = tensor.dims();
    Grid::new(rows, columns, read(tensor)?)
}
