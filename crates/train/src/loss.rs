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
///
/// # Panics
/// If `classes` is 0 or a label is not below it.
pub fn predictions_and_losses(logits: &[f32], classes: usize, labels: &[u8]) -> Vec<(usize, f64)> {
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
pub fn argmax(row: &[f32]) -> (usize, f32) {
    row.iter()
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, (index, &value)| {
            if value > best.1 { (index, value) } else { best }
        })
}

/// softmax(z) = eᶻ / Σ eᶻ of one row of logits, in f64.
pub fn softmax(row: &[f32]) -> Vec<f64> {
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
        let rows = [1.0_f32, -2.0, 0.5, 0.0, 3.0, 3.0, 30.0, -30.0, 5.0];
        let labels = [2, 1, 0];
        let found = predictions_and_losses(&rows, 3, &labels);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [0, 1, 0]);
        let definition = |row: &[f32], label: usize| {
            let sum: f64 = row.iter().map(|&z| f64::from(z).exp()).sum();
            sum.ln() - f64::from(row[label])
        };
        for smoothing in [0.0, 0.1] {
            let mut expected = 0.0;
            for ((row, &label), (_, loss)) in rows.chunks(3).zip(&labels).zip(&found) {
                let sharp = definition(row, usize::from(label));
                assert!((loss - sharp).abs() < 1e-12);
                let even: f64 = (0..3).map(|class| definition(row, class) / 3.0).sum();
                expected += ((1.0 - smoothing) * sharp + smoothing * even) / 3.0;
            }
            let logits = Tensor::<1>::from_floats(rows, &device).reshape([3, 3]);
            let loss = cross_entropy(logits, &labels, smoothing, &device).into_scalar::<f64>();
            assert!(
                (loss - expected).abs() < 1e-6 * expected,
                "{loss} {expected}"
            );
        }
    }

    #[test]
    fn a_row_of_nan_is_not_a_confident_answer() {
        let (_, loss) = predictions_and_losses(&[f32::NAN, f32::NAN], 2, &[0])[0];
        assert!(loss.is_nan());
        assert!(softmax(&[f32::NAN, 1.0]).iter().any(|p| p.is_nan()));
    }
}
