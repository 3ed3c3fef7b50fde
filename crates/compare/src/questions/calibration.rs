//! Question 7: whether the probabilities mean what they say, before and after temperature
//! scaling fitted on the validation images (Guo et al. 2017).

use digits_data::stratified_split;

use crate::CompareError;
use crate::experiment::{Lab, Outputs};
use crate::results::{Calibration, CalibrationOf, Network, Pair};
use crate::specs::Group;
use crate::stats;

/// Expected calibration error, loss and reliability diagram of each network.
pub(crate) fn ask(lab: &mut Lab<'_>, outputs: &Outputs) -> Result<Calibration, CompareError> {
    let networks = Pair::measure(|network| of(lab, network, outputs.full.of(network)))?;
    let before = networks.map(|of| of.error_before.values.clone());
    let after = networks.map(|of| of.error_after.values.clone());
    Ok(Calibration {
        seeds: lab.plan.seeds.clone(),
        before_difference: stats::paired(&before.mlp, &before.cnn),
        after_difference: stats::paired(&after.mlp, &after.cnn),
        improvement: Pair {
            mlp: stats::paired(&before.mlp, &after.mlp),
            cnn: stats::paired(&before.cnn, &after.cnn),
        },
        networks,
    })
}

fn of(
    lab: &Lab<'_>,
    network: Network,
    outputs: &[Vec<f64>],
) -> Result<CalibrationOf, CompareError> {
    let bins = lab.plan.calibration_bins;
    let classes = lab.test.classes();
    let mut temperatures = Vec::new();
    let (mut errors, mut losses) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut all = [Vec::new(), Vec::new()];
    for (run, logits) in lab.runs_of(Group::Full, network).into_iter().zip(outputs) {
        let network = run.load(lab.device)?;
        let held_out = stratified_split(
            lab.dataset.train.labels(),
            network.config.training.validation,
            network.config.seed,
        )?
        .valid;
        let labels: Vec<u8> = held_out
            .iter()
            .map(|&index| lab.dataset.train.label(index as usize))
            .collect();
        let fitted_on = lab.logits(&network, &lab.dataset.train, Some(&held_out))?;
        let temperature = stats::temperature(&fitted_on, &labels, classes);
        temperatures.push(temperature);
        for (after, scale) in [1.0, temperature].into_iter().enumerate() {
            let answers: Vec<(f64, bool)> = logits
                .chunks_exact(classes)
                .zip(lab.test.labels())
                .map(|(row, &label)| {
                    let (answer, probability) = stats::top(row, scale);
                    (probability, answer == label)
                })
                .collect();
            let diagram = stats::reliability(&answers, bins);
            errors[after].push(stats::expected_calibration_error(&diagram));
            losses[after].push(stats::mean_cross_entropy(
                logits,
                lab.test.labels(),
                classes,
                scale,
            ));
            all[after].extend(answers);
        }
    }
    let [before, after] = all.map(|answers| stats::reliability(&answers, bins));
    let [error_before, error_after] = errors.map(stats::sample);
    let [loss_before, loss_after] = losses.map(stats::sample);
    Ok(CalibrationOf {
        temperature: stats::sample(temperatures),
        error_before,
        error_after,
        loss_before,
        loss_after,
        diagram_before: before,
        diagram_after: after,
    })
}
