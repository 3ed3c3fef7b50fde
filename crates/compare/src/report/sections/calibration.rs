use super::{difference_cells, seeds};
use crate::{Bin, CalibrationOf, CompareError, Network, Results, Sample};
use digits_report::chart::{Axis, Key, Line, Plot, Point, lines};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Panel, ReportError, Table};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let calibration = &results.calibration;
    let figure = Figure {
        layout: Layout::Wide,
        panels: vec![
            diagram(results, "before", "As trained", |of| (&of.diagram_before, &of.error_before))?,
            diagram(results, "after", "After temperature scaling", |of| {
                (&of.diagram_after, &of.error_after)
            })?,
        ],
        caption: Caption {
            shows: "Reliability diagrams. On the dashed diagonal a network is right as often as it says; below it, it is too sure, above it, too hesitant. Larger markers stand for more answers. ECE is the expected calibration error.".to_owned(),
            made: format!(
                "The answers on all test images, {} together, are sorted by their probability into {}; each marker is one of them at the mean probability and the fraction right. The ECE is the mean distance from the diagonal, weighted by the number of answers (Naeini et al. 2015). One temperature for each network is fitted on the validation images by their cross-entropy and divides the logits (Guo et al. 2017); it changes no answer, only its probability.",
                seeds(&calibration.seeds),
                text::plural(results.plan.calibration_bins, "interval")
            ),
        },
    };
    Ok(vec![
        Block::Figure(figure),
        table(results),
        difference_table(results),
        Block::raw(bin_tables(results)),
    ])
}

fn diagram(
    results: &Results,
    slug: &str,
    title: &str,
    pick: impl for<'a> Fn(&'a CalibrationOf) -> (&'a Vec<Bin>, &'a Sample),
) -> Result<Panel, ReportError> {
    let networks = &results.calibration.networks;
    let line = |network: Network| {
        let (bins, error) = pick(networks.of(network));
        let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
        Line {
            key: Key::new(
                network,
                format!("{}, ECE {}", network.name(), text::percent(error.mean, 2)),
            ),
            points: bins
                .iter()
                .filter(|bin| bin.count > 0)
                .map(|bin| Point {
                    // The last interval holds nearly all; logarithms keep the others visible.
                    radius: 3 + (5.0 * (bin.count as f64).ln_1p() / (most as f64).ln_1p()) as i32,
                    ..Point::new(100.0 * bin.confidence, 100.0 * bin.accuracy, None)
                })
                .collect(),
            band: false,
        }
    };
    let ticks = |step: usize| {
        (0..=100)
            .step_by(step)
            .map(|percent| (percent as f64, percent.to_string()))
            .collect::<Vec<_>>()
    };
    let error = |network: Network| text::percent(pick(networks.of(network)).1.mean, 2);
    lines(&Plot {
        slug: format!("calibration-{slug}"),
        label: format!(
            "Reliability diagram, {}: expected calibration error MLP {}, CNN {}.",
            title.to_lowercase(),
            error(Network::Mlp),
            error(Network::Cnn)
        ),
        title: format!("{title}: right answers in %"),
        x_title: Some("probability of the answer in %".to_owned()),
        x: Axis::with_ticks(0.0, 102.0, ticks(20)),
        y: Axis::with_ticks(0.0, 102.0, ticks(20)),
        lines: Network::BOTH.map(line).into(),
        layout: Layout::Wide,
        legend: true,
        diagonal: true,
        ..Plot::default()
    })
}

/// Mean and interval of a plain number.
fn cell(sample: &Sample, decimals: usize) -> String {
    let mean = text::fixed(sample.mean, decimals);
    match sample.interval {
        Some([low, high]) if low.is_finite() && high.is_finite() => format!(
            "{mean} ({} to {})",
            text::fixed(low, decimals),
            text::fixed(high, decimals)
        ),
        _ => mean,
    }
}

/// The same of a fraction, in percent.
fn percent_cell(sample: &Sample) -> String {
    let hundred = Sample {
        values: Vec::new(),
        mean: 100.0 * sample.mean,
        std: None,
        interval: sample.interval.map(|ends| ends.map(|end| 100.0 * end)),
    };
    cell(&hundred, 2)
}

fn table(results: &Results) -> Block {
    let networks = &results.calibration.networks;
    let row = |name: &str, cell: &dyn Fn(&CalibrationOf) -> String| {
        vec![name.to_owned(), cell(&networks.mlp), cell(&networks.cnn)]
    };
    Table::new("Mean over the seeds (95 % interval)", ["", "MLP", "CNN"])
        .rows([
            row("ECE as trained, %", &|of| percent_cell(&of.error_before)),
            row("ECE after scaling, %", &|of| percent_cell(&of.error_after)),
            row("temperature", &|of| cell(&of.temperature, 2)),
            row("cross-entropy as trained, nats", &|of| {
                cell(&of.loss_before, 4)
            }),
            row("cross-entropy after scaling, nats", &|of| {
                cell(&of.loss_after, 4)
            }),
        ])
        .block()
}

fn difference_table(results: &Results) -> Block {
    let calibration = &results.calibration;
    let row = |name: &str, difference| {
        let mut row = vec![name.to_owned()];
        row.extend(difference_cells(difference));
        row
    };
    Table::new(
        "Differences of the ECE in percentage points, less is better; p of the paired t-test",
        ["", "difference", "95 % interval", "p"],
    )
    .rows([
        row("CNN − MLP, as trained", &calibration.before_difference),
        row("CNN − MLP, after scaling", &calibration.after_difference),
        row("MLP, after − before scaling", &calibration.improvement.mlp),
        row("CNN, after − before scaling", &calibration.improvement.cnn),
    ])
    .block()
}

fn bin_tables(results: &Results) -> Vec<Block> {
    Network::BOTH
        .into_iter()
        .flat_map(|network| {
            let of = results.calibration.networks.of(network);
            [
                ("as trained", &of.diagram_before),
                ("after scaling", &of.diagram_after),
            ]
            .map(|(when, bins)| {
                Table::new(
                    format!("{}, {when}", network.name()),
                    [
                        "probability, %",
                        "answers",
                        "mean probability, %",
                        "right, %",
                    ],
                )
                .rows(bins.iter().map(|bin| {
                    let if_any = |value: f64| {
                        if bin.count == 0 {
                            text::NONE.to_owned()
                        } else {
                            text::fixed(100.0 * value, 2)
                        }
                    };
                    vec![
                        format!(
                            "{} to {}",
                            text::fixed(100.0 * bin.low, 0),
                            text::fixed(100.0 * bin.high, 0)
                        ),
                        text::count(bin.count),
                        if_any(bin.confidence),
                        if_any(bin.accuracy),
                    ]
                }))
                .block()
            })
        })
        .collect()
}
