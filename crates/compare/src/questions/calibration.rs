//! Whether the probabilities mean what they say, before and after temperature scaling fitted on
//! the validation images (Guo et al. 2017).

use digits_data::stratified_split;
use digits_report::chart::{Axis, Key, Line, Plot, Point, lines};
use digits_report::{Block, Figure, Panel, Table, text};
use digits_train::LoadedRun;
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{columns_table, difference_table, seeds, ticks};
use crate::network::{Network, Pair};
use crate::question::{Claim, Context, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{self, Bin, Difference, Sample, paired};
use crate::words::{Verdict, probability, seeds_note, verdict};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub seeds: Vec<u64>,
    pub networks: Pair<CalibrationOf>,
    /// CNN − MLP of the expected calibration error as trained.
    pub before_difference: Difference,
    pub after_difference: Difference,
    /// After − before temperature scaling.
    pub improvement: Pair<Difference>,
}

/// The calibration of one network, as trained and after temperature scaling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationOf {
    /// The temperature; above 1 the network was too sure, below 1 too hesitant.
    pub temperature: Sample,
    /// Expected calibration error as trained, 0 to 1.
    pub error_before: Sample,
    pub error_after: Sample,
    /// Mean cross-entropy in nats as trained.
    pub loss_before: Sample,
    pub loss_after: Sample,
    /// Reliability diagram as trained, all seeds together.
    pub diagram_before: Vec<Bin>,
    pub diagram_after: Vec<Bin>,
}

impl Question for Calibration {
    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        let group = Group::full(runner.plan);
        let outputs = runner.outputs(&group)?;
        runner.timed("calibration", "calibration", |runner| {
            let runs = runner.load(&group)?;
            let networks =
                Pair::measure(|network| measure(runner, runs.of(network), outputs.of(network)))?;
            let before = networks.map(|of| of.error_before.values.clone());
            let after = networks.map(|of| of.error_after.values.clone());
            Ok(Self {
                seeds: runner.plan.seeds.clone(),
                before_difference: before.difference(),
                after_difference: after.difference(),
                improvement: Pair::from_fn(|network| paired(before.of(network), after.of(network))),
                networks,
            })
        })
    }

    fn claims<'a>(&'a self, context: &Context<'a>) -> Vec<Claim<'a>> {
        let mut networks = context.networks.iter();
        let smoothing = networks.any(|network| network.label_smoothing > 0.0);
        vec![Claim::tested(&self.before_difference, move |p| {
            self.sentence(p, smoothing)
        })]
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        let figure = Figure::new(
            vec![
                self.diagram("before", "As trained", |of| {
                    (&of.diagram_before, &of.error_before)
                })?,
                self.diagram("after", "After temperature scaling", |of| {
                    (&of.diagram_after, &of.error_after)
                })?,
            ],
            "Reliability diagrams. On the dashed diagonal a network is right as often as it says; below it, it is too sure, above it, too hesitant. Larger markers stand for more answers. ECE is the expected calibration error.",
            format!(
                "The answers on all test images, {} together, are sorted by their probability into {}; each marker is one of them at the mean probability and the fraction right. The ECE is the mean distance from the diagonal, weighted by the number of answers (Naeini et al. 2015). One temperature for each network is fitted on the validation images by their cross-entropy and divides the logits (Guo et al. 2017); it changes no answer, only its probability.",
                seeds(&self.seeds),
                text::plural(context.plan.calibration_bins, "interval")
            ),
        );
        let differences = [
            ("CNN − MLP, as trained", &self.before_difference),
            ("CNN − MLP, after scaling", &self.after_difference),
            ("MLP, after − before scaling", &self.improvement.mlp),
            ("CNN, after − before scaling", &self.improvement.cnn),
        ];
        let differences = difference_table(
            "Differences of the ECE in percentage points, less is better; p of the paired t-test",
            (&[""], "difference"),
            differences.map(|(name, difference)| (vec![name.to_owned()], difference)),
        );
        Ok(vec![
            Block::Figure(figure),
            self.table(),
            differences.block(),
            Block::raw(self.bin_tables()),
        ])
    }
}

/// Expected calibration error, loss and reliability diagram of the networks of one kind, whose
/// outputs on the test images are `outputs`.
fn measure(
    runner: &Runner<'_>,
    runs: &[LoadedRun],
    outputs: &[Vec<f64>],
) -> Result<CalibrationOf, CompareError> {
    let bins = runner.plan.calibration_bins;
    let (train, classes) = (&runner.dataset.train, runner.test.classes());
    let mut temperatures = Vec::new();
    // Before and after scaling.
    let (mut errors, mut losses) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut all = [Vec::new(), Vec::new()];
    for (run, logits) in runs.iter().zip(outputs) {
        let validation = run.config.training.validation;
        let held_out = stratified_split(train.labels(), validation, run.config.seed)?.valid;
        let labels: Vec<u8> = held_out.iter().map(|&i| train.label(i as usize)).collect();
        let fitted_on = runner.logits(run, train, Some(&held_out))?;
        let temperature = stats::temperature(&fitted_on, &labels, classes);
        temperatures.push(temperature);
        let labels = runner.test.labels();
        for (after, scale) in [1.0, temperature].into_iter().enumerate() {
            let answers: Vec<(f64, bool)> = logits
                .chunks_exact(classes)
                .zip(labels)
                .map(|(row, &label)| {
                    let (answer, probability) = stats::top(row, scale);
                    (probability, answer == label)
                })
                .collect();
            let diagram = stats::reliability(&answers, bins);
            errors[after].push(stats::expected_calibration_error(&diagram));
            losses[after].push(stats::mean_cross_entropy(logits, labels, classes, scale));
            all[after].extend(answers);
        }
    }
    let [diagram_before, diagram_after] = all.map(|answers| stats::reliability(&answers, bins));
    let [error_before, error_after] = errors.map(stats::sample);
    let [loss_before, loss_after] = losses.map(stats::sample);
    Ok(CalibrationOf {
        temperature: stats::sample(temperatures),
        error_before,
        error_after,
        loss_before,
        loss_after,
        diagram_before,
        diagram_after,
    })
}

impl Calibration {
    fn sentence(&self, p: Option<f64>, smoothing: bool) -> String {
        let errors = self.networks.map(|network| {
            [&network.error_before, &network.error_after].map(|error| text::percent(error.mean, 2))
        });
        let ([cnn_before, cnn_after], [mlp_before, mlp_after]) = (&errors.cnn, &errors.mlp);
        let numbers = format!(
            "the expected calibration error is {cnn_before} for the CNN and {mlp_before} for the MLP{}",
            probability(p)
        );
        let better = |name| {
            format!(
                "As trained, the {name}'s probabilities are the more trustworthy ones: {numbers}"
            )
        };
        let found = match verdict(&self.before_difference, p) {
            // The larger error is the CNN's.
            Verdict::Cnn => better("MLP"),
            Verdict::Mlp => better("CNN"),
            Verdict::None => format!(
                "No difference was found in how far the probabilities can be trusted{}: as trained, {numbers}",
                seeds_note(&self.before_difference)
            ),
        };
        let smoothed = " Label smoothing, which only one of the recipes has, is a part of this.";
        format!(
            "{found}; after temperature scaling on the validation images, {cnn_after} and {mlp_after}.{}",
            if smoothing { smoothed } else { "" }
        )
    }

    fn diagram(
        &self,
        slug: &str,
        title: &str,
        pick: impl Fn(&CalibrationOf) -> (&Vec<Bin>, &Sample),
    ) -> Result<Panel, CompareError> {
        let error = |network| text::percent(pick(self.networks.of(network)).1.mean, 2);
        let line = |network: Network| {
            let (bins, _) = pick(self.networks.of(network));
            let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
            let point = |bin: &Bin| Point {
                // The last interval holds nearly all; logarithms keep the others visible.
                radius: 3 + (5.0 * (bin.count as f64).ln_1p() / (most as f64).ln_1p()) as i32,
                ..Point::new(100.0 * bin.confidence, 100.0 * bin.accuracy, None)
            };
            let name = format!("{}, ECE {}", network.name(), error(network));
            Line {
                key: Key::new(network, name),
                points: bins.iter().filter(|bin| bin.count > 0).map(point).collect(),
                band: false,
            }
        };
        let axis = Axis::with_ticks(0.0, 102.0, ticks((0..=100).step_by(20).map(f64::from)));
        Ok(lines(&Plot {
            slug: format!("calibration-{slug}"),
            label: format!(
                "Reliability diagram, {}: expected calibration error MLP {}, CNN {}.",
                title.to_lowercase(),
                error(Network::Mlp),
                error(Network::Cnn)
            ),
            title: format!("{title}: right answers in %"),
            x_title: Some("probability of the answer in %".to_owned()),
            x: axis.clone(),
            y: axis,
            lines: Network::BOTH.map(line).into(),
            legend: true,
            diagonal: true,
            ..Plot::default()
        })?)
    }

    fn table(&self) -> Block {
        let columns = Network::BOTH.map(|network| {
            let of = self.networks.of(network);
            let cells = vec![
                with_interval(&of.error_before, 100.0, 2),
                with_interval(&of.error_after, 100.0, 2),
                with_interval(&of.temperature, 1.0, 2),
                with_interval(&of.loss_before, 1.0, 4),
                with_interval(&of.loss_after, 1.0, 4),
            ];
            (network.name(), cells)
        });
        let rows = [
            "ECE as trained, %",
            "ECE after scaling, %",
            "temperature",
            "cross-entropy as trained, nats",
            "cross-entropy after scaling, nats",
        ];
        let rows = rows.map(str::to_owned);
        columns_table("Mean over the seeds (95 % interval)", "", rows, &columns)
    }

    fn bin_tables(&self) -> Vec<Block> {
        let head = [
            "probability, %",
            "answers",
            "mean probability, %",
            "right, %",
        ];
        let table = |network: Network, when: &str, bins: &[Bin]| {
            Table::new(format!("{}, {when}", network.name()), head)
                .rows(bins.iter().map(bin_row))
                .block()
        };
        let both = Network::BOTH.map(|network| {
            let of = self.networks.of(network);
            [
                table(network, "as trained", &of.diagram_before),
                table(network, "after scaling", &of.diagram_after),
            ]
        });
        both.into_iter().flatten().collect()
    }
}

/// Mean and interval, `unit` times as large.
fn with_interval(sample: &Sample, unit: f64, decimals: usize) -> String {
    let number = |value: f64| text::fixed(unit * value, decimals);
    let mean = number(sample.mean);
    match sample.interval {
        Some([low, high]) if low.is_finite() && high.is_finite() => {
            format!("{mean} ({} to {})", number(low), number(high))
        }
        _ => mean,
    }
}

fn bin_row(bin: &Bin) -> Vec<String> {
    let percent = |value: f64, decimals| text::fixed(100.0 * value, decimals);
    let if_any = |value: f64| percent(if bin.count == 0 { f64::NAN } else { value }, 2);
    vec![
        format!("{} to {}", percent(bin.low, 0), percent(bin.high, 0)),
        text::count(bin.count),
        if_any(bin.confidence),
        if_any(bin.accuracy),
    ]
}
