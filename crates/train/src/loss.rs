use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};

/// Mean cross-entropy of a batch, −1/n Σᵢ Σₖ tᵢₖ log softmax(zᵢ)ₖ, with smoothed targets
/// t = (1 − α)·onehot + α/classes (Szegedy et al. 2016).
///
/// # Shapes
/// logits `[batch, classes]`, one label an image → `[1]`
pub fn cross_entropy(
    logits: Tensor<2>,
    labels: &[u8],
    smoothing: f64,
    device: &Device,
) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    let even = (smoothing / classes as f64) as f32;
    let mut targets = vec![even; batch * classes];
    for (row, &label) in targets.chunks_exact_mut(classes).zip(labels) {
        row[usize::from(label)] = (1.0 - smoothing) as f32 + even;
    }
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [batch, classes]), device);
    (log_softmax(logits, 1) * targets)
        .sum()
        .mul_scalar(-1.0 / batch as f64)
}

/// For each row of logits: the predicted class (the first of equals) and −log softmax(z)ₗ of the
/// label, in f64.
pub(crate) fn predictions_and_losses(
    logits: &[f32],
    classes: usize,
    labels: &[u8],
) -> Vec<(usize, f64)> {
    logits
        .chunks_exact(classes)
        .zip(labels)
        .map(|(row, &label)| {
            let (best, top) = argmax(row);
            let sum: f64 = row
                .iter()
                .map(|&z| (f64::from(z) - f64::from(top)).exp())
                .sum();
            let loss = sum.ln() - (f64::from(row[usize::from(label)]) - f64::from(top));
            (best, loss)
        })
        .collect()
}

/// Index and value of the largest element; NaN never wins.
pub(crate) fn argmax(row: &[f32]) -> (usize, f32) {
    row.iter()
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, (index, &value)| {
            if value > best.1 { (index, value) } else { best }
        })
}

/// softmax of one row of logits, in f64.
pub(crate) fn softmax(row: &[f32]) -> Vec<f64> {
    let top = f64::from(argmax(row).1);
    let exponentials: Vec<f64> = row.iter().map(|&z| (f64::from(z) - top).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|e| e / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_agrees_with_the_definition_in_f64() {
        let device = Device::flex();
        let rows = [[1.0_f32, -2.0, 0.5], [0.0, 0.0, 0.0], [30.0, -30.0, 5.0]];
        let labels = [2, 1, 0];
        for smoothing in [0.0, 0.1] {
            let expected: f64 = rows
                .iter()
                .zip(labels)
                .map(|(row, label)| {
                    let sum: f64 = row.iter().map(|&z| f64::from(z).exp()).sum();
                    -row.iter()
                        .enumerate()
                        .map(|(k, &z)| {
                            let onehot = f64::from(u8::from(k == usize::from(label)));
                            ((1.0 - smoothing) * onehot + smoothing / 3.0)
                                * (f64::from(z) - sum.ln())
                        })
                        .sum::<f64>()
                })
                .sum::<f64>()
                / 3.0;
            let loss = cross_entropy(
                Tensor::from_floats(rows, &device),
                &labels,
                smoothing,
                &device,
            );
            let loss = loss.into_scalar::<f64>();
            assert!(
                (loss - expected).abs() < 1e-6 * expected.abs(),
                "{loss} {expected}"
            );
        }
    }

    #[test]
    fn judging_matches_the_loss_and_finds_the_class() {
        let judged = predictions_and_losses(&[1.0, -2.0, 0.5, 0.0, 3.0, 3.0], 3, &[2, 1]);
        assert_eq!((judged[0].0, judged[1].0), (0, 1));
        let sum = 1_f64.exp() + (-2_f64).exp() + 0.5_f64.exp();
        assert!((judged[0].1 - (sum.ln() - 0.5)).abs() < 1e-12);
    }

    #[test]
    fn a_row_of_nan_is_no_confident_answer() {
        assert!(
            predictions_and_losses(&[f32::NAN, f32::NAN], 2, &[0])[0]
                .1
                .is_nan()
        );
        assert!(softmax(&[f32::NAN, 1.0]).iter().any(|p| p.is_nan()));
    }
}
