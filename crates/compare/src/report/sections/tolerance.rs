use super::{difference_cells, extent_of_differences, images, seeds, spread};
use crate::report::figures::keys;
use crate::report::summary::mean_and_deviation;
use crate::{Axis, AxisKind, CompareError, Network, Results, Sample};
use digits_report::chart::{Axis as Scale, Key, Line, Mark, Plot, Point, Row, Rows, lines, rows};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Panel, ReportError, Table};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let tolerance = &results.tolerance;
    if tolerance.axes.is_empty() {
        return Ok(vec![Block::paragraph("Not measured in this plan.")]);
    }
    let mut panels = Vec::new();
    for axis in &tolerance.axes {
        panels.push(curves(axis)?);
    }
    let augmented = !tolerance.augmented_seeds.is_empty();
    if augmented {
        panels.push(gains(&tolerance.axes)?);
    }
    let trained = if augmented {
        format!(
            " Without augmentation: {}; with it: {}, each training image shifted at random by up to {} pixels in each direction.",
            seeds(&tolerance.seeds),
            seeds(&tolerance.augmented_seeds),
            text::plain(tolerance.augmentation_shift)
        )
    } else {
        format!(" {}.", text::capitalized(&seeds(&tolerance.seeds)))
    };
    let figure = Figure {
        layout: Layout::Wide,
        panels,
        caption: Caption {
            shows: "Test accuracy as the test images are shifted, turned and resized. Dashed lines with open markers: trained with shift augmentation. Last: what that augmentation gains on average over all amounts that change something.".to_owned(),
            made: format!(
                "The networks are the same at every amount; only {} are changed. A shift is tried to the right, left, down and up, and the four are averaged; turned clockwise; resized about the middle.{trained} {}",
                images(results.plan.tolerance.images, results),
                spread(tolerance.seeds.len())
            ),
        },
    };
    let mut blocks = vec![
        Block::Figure(figure),
        difference_table(&tolerance.axes, augmented),
    ];
    let mut raw: Vec<Block> = tolerance.axes.iter().map(raw_table).collect();
    raw.extend(tolerance.axes.iter().filter_map(direction_table));
    blocks.push(Block::raw(raw));
    Ok(blocks)
}

/// Name, unit and file name of a perturbation.
fn words(kind: AxisKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        AxisKind::Shift => ("Shift", "shift in pixels, mean of four directions", "shift"),
        AxisKind::Rotation => ("Rotation", "degrees, clockwise", "rotation"),
        AxisKind::Scale => ("Scale", "size, 1 = unchanged", "scale"),
    }
}

/// Four lines: network, augmented, samples.
fn variants(axis: &Axis) -> Vec<(Network, bool, &[Sample])> {
    let mut found = Vec::new();
    for (augmented, pair) in [(false, &axis.plain), (true, &axis.augmented)] {
        for network in Network::BOTH {
            let samples = pair.of(network).as_slice();
            if !samples.is_empty() {
                found.push((network, augmented, samples));
            }
        }
    }
    found
}

fn variant_name(network: Network, augmented: bool) -> String {
    let kind = if augmented { ", augmented" } else { "" };
    format!("{}{kind}", network.name())
}

fn curves(axis: &Axis) -> Result<Panel, ReportError> {
    let (name, unit, slug) = words(axis.kind);
    let variants = variants(axis);
    let means = variants
        .iter()
        .flat_map(|(_, _, samples)| samples.iter().map(|sample| sample.mean));
    let (low, high) = (
        axis.amounts.first().copied().unwrap_or(0.0),
        axis.amounts.last().copied().unwrap_or(1.0),
    );
    let high = if high > low { high } else { low + 1.0 };
    // Every amount has a tick as long as their labels do not touch.
    let every = axis.amounts.len().div_ceil(9).max(1);
    let ticks = axis
        .amounts
        .iter()
        .step_by(every)
        .map(|amount| (*amount, text::plain(*amount)))
        .collect();
    let ends: Vec<String> = variants
        .iter()
        .filter_map(|(network, augmented, samples)| {
            let worst = samples
                .iter()
                .map(|s| s.mean)
                .filter(|mean| mean.is_finite())
                .reduce(f64::min)?;
            let name = variant_name(*network, *augmented);
            Some(format!("{name} {}", text::percent(worst, 1)))
        })
        .collect();
    let lines_of = variants.iter().map(|(network, augmented, samples)| Line {
        key: Key {
            role: (*network).into(),
            hollow: *augmented,
            name: variant_name(*network, *augmented),
        },
        points: axis
            .amounts
            .iter()
            .zip(*samples)
            .map(|(amount, sample)| Point::percent(*amount, sample))
            .collect(),
        band: true,
    });
    lines(&Plot {
        slug: format!("tolerance-{slug}"),
        label: format!(
            "Test accuracy against {slug}; lowest mean accuracy: {}.",
            ends.join(", ")
        ),
        title: format!("{name}: test accuracy in %"),
        x_title: Some(unit.to_owned()),
        x: Scale::with_ticks(low, high, ticks),
        y: Scale::percent(means.chain([1.0])),
        lines: lines_of.collect(),
        layout: Layout::Wide,
        legend: true,
        ..Plot::default()
    })
}

fn gains(axes: &[Axis]) -> Result<Panel, ReportError> {
    let all = axes
        .iter()
        .flat_map(|axis| [&axis.gain.mlp, &axis.gain.cnn]);
    let each: Vec<String> = axes
        .iter()
        .flat_map(|axis| {
            Network::BOTH.map(|network| {
                let gain = axis.gain.of(network).mean;
                format!(
                    "{} {} {}",
                    words(axis.kind).2,
                    network.name(),
                    text::points(gain)
                )
            })
        })
        .collect();
    rows(&Rows {
        slug: "tolerance-gain".to_owned(),
        label: format!(
            "Gain from shift augmentation in percentage points: {}.",
            each.join(", ")
        ),
        title: "Gain from shift augmentation".to_owned(),
        x_title: "percentage points, augmented − not".to_owned(),
        x: Scale::difference(extent_of_differences(all)),
        rows: axes
            .iter()
            .map(|axis| Row {
                label: words(axis.kind).0.to_owned(),
                marks: Network::BOTH
                    .map(|network| {
                        let gain = axis.gain.of(network);
                        Mark::percent(network, gain, text::points(gain.mean))
                    })
                    .into(),
            })
            .collect(),
        legend: keys(),
        line: Some(0.0),
        together: false,
    })
}

fn difference_table(axes: &[Axis], augmented: bool) -> Block {
    Table::new(
        "CNN − MLP in percentage points: mean accuracy over all amounts that change something; p of the paired t-test",
        [
            "perturbation",
            "training",
            "difference",
            "95 % interval",
            "p",
        ],
    )
    .words(2)
    .rows(axes.iter().flat_map(|axis| {
        let row = |training: &str, difference| {
            let mut row = vec![words(axis.kind).0.to_owned(), training.to_owned()];
            row.extend(difference_cells(difference));
            row
        };
        let mut rows = vec![row("as they are", &axis.plain_difference)];
        if augmented {
            rows.push(row("shift augmentation", &axis.augmented_difference));
        }
        rows
    }))
    .block()
}

fn raw_table(axis: &Axis) -> Block {
    let variants = variants(axis);
    let head = std::iter::once(words(axis.kind).1.to_owned()).chain(
        variants
            .iter()
            .map(|(network, augmented, _)| variant_name(*network, *augmented)),
    );
    Table::new(
        format!(
            "{}: test accuracy in %, mean ± standard deviation",
            words(axis.kind).0
        ),
        head,
    )
    .rows(axis.amounts.iter().enumerate().map(|(number, amount)| {
        std::iter::once(text::plain(*amount))
            .chain(variants.iter().map(|(_, _, samples)| {
                samples
                    .get(number)
                    .map_or_else(|| text::NONE.to_owned(), mean_and_deviation)
            }))
            .collect()
    }))
    .block()
}

fn direction_table(axis: &Axis) -> Option<Block> {
    if axis.directions.is_empty() {
        return None;
    }
    let head = std::iter::once(words(axis.kind).0.to_owned()).chain(
        axis.directions.iter().flat_map(|direction| {
            Network::BOTH.map(|network| format!("{} {}", network.name(), direction.name))
        }),
    );
    let table = Table::new(
        "By direction: test accuracy in %, mean over the seeds, trained without augmentation",
        head,
    )
    .rows(axis.amounts.iter().enumerate().map(|(number, amount)| {
        std::iter::once(text::plain(*amount))
            .chain(axis.directions.iter().flat_map(|direction| {
                Network::BOTH.map(|network| {
                    let value = direction.accuracy.of(network).get(number);
                    text::fixed(100.0 * value.copied().unwrap_or(f64::NAN), 2)
                })
            }))
            .collect()
    }));
    Some(table.block())
}
