use super::{difference_cells, seeds, spread};
use crate::report::figures::keys;
use crate::report::summary::mean_and_deviation;
use crate::{CompareError, Network, Results, SampleSize};
use digits_report::chart::{Axis, Key, Line, Plot, Point, Role, lines};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Panel, ReportError, Table};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let samples = &results.samples;
    if samples.sizes.is_empty() {
        return Ok(vec![Block::paragraph("Not measured in this plan.")]);
    }
    let plan = &results.plan.samples;
    let figure = Figure {
        layout: Layout::Wide,
        panels: vec![accuracies(results)?, differences(results)?],
        caption: Caption {
            shows: "Test accuracy against the number of training images, and the paired difference of the two networks. The horizontal axes are logarithmic.".to_owned(),
            made: format!(
                "For each size both networks of a seed are trained on the same images, as many of each class, for about {} of {}, and the last network is kept; “all” is taken from question 1, where epochs and batches are those of the recipe. {}. {}",
                text::plural(plan.steps, "step"),
                text::plural(plan.batch_size, "image"),
                text::capitalized(&seeds(&samples.seeds)),
                spread(samples.seeds.len())
            ),
        },
    };
    Ok(vec![
        Block::Figure(figure),
        table(&samples.sizes),
        Block::raw(vec![raw_table(results)]),
    ])
}

/// Positions (logarithms) and labels; no image at all has no place on a logarithmic axis.
fn axis(sizes: &[SampleSize]) -> Axis {
    let ticks: Vec<(f64, String)> = sizes
        .iter()
        .filter(|size| size.images > 0)
        .map(|size| (place(size), name(size)))
        .collect();
    let low = ticks
        .iter()
        .map(|(at, _)| *at)
        .reduce(f64::min)
        .unwrap_or(0.0);
    let high = ticks
        .iter()
        .map(|(at, _)| *at)
        .reduce(f64::max)
        .unwrap_or(1.0);
    Axis::with_ticks(low - 0.15, high + 0.2, ticks)
}

fn place(size: &SampleSize) -> f64 {
    (size.images as f64).log10()
}

fn name(size: &SampleSize) -> String {
    size.per_class.map_or_else(|| "all".to_owned(), text::count)
}

const X_TITLE: &str = "training images of each class";

fn accuracies(results: &Results) -> Result<Panel, ReportError> {
    let sizes = &results.samples.sizes;
    let line = |(key, network): (Key, Network)| Line {
        key,
        points: sizes
            .iter()
            .map(|size| Point::percent(place(size), size.accuracy.of(network)))
            .collect(),
        band: true,
    };
    let each: Vec<String> = sizes
        .iter()
        .map(|size| {
            format!(
                "{} of each class: MLP {}, CNN {}",
                name(size),
                text::percent(size.accuracy.mlp.mean, 1),
                text::percent(size.accuracy.cnn.mean, 1)
            )
        })
        .collect();
    let means = sizes
        .iter()
        .flat_map(|size| [size.accuracy.mlp.mean, size.accuracy.cnn.mean]);
    lines(&Plot {
        slug: "samples-accuracy".to_owned(),
        label: format!(
            "Test accuracy against training images. {}.",
            each.join("; ")
        ),
        title: "Test accuracy in %".to_owned(),
        x_title: Some(X_TITLE.to_owned()),
        x: axis(sizes),
        y: Axis::percent(means.chain([1.0])),
        lines: keys().into_iter().zip(Network::BOTH).map(line).collect(),
        layout: Layout::Wide,
        legend: true,
        ..Plot::default()
    })
}

fn differences(results: &Results) -> Result<Panel, ReportError> {
    let sizes = &results.samples.sizes;
    let hundred = |value: f64| 100.0 * value;
    let points = sizes.iter().map(|size| {
        let difference = &size.difference;
        Point::new(
            place(size),
            hundred(difference.mean),
            difference.interval.map(|ends| ends.map(hundred)),
        )
    });
    let all = sizes.iter().flat_map(|size| {
        let difference = &size.difference;
        difference
            .interval
            .into_iter()
            .flatten()
            .chain([difference.mean])
    });
    let each: Vec<String> = sizes
        .iter()
        .map(|size| format!("{}: {}", name(size), text::points(size.difference.mean)))
        .collect();
    lines(&Plot {
        slug: "samples-difference".to_owned(),
        label: format!(
            "CNN − MLP in percentage points by training images of each class. {}.",
            each.join("; ")
        ),
        title: "CNN − MLP in percentage points".to_owned(),
        x_title: Some(X_TITLE.to_owned()),
        x: axis(sizes),
        y: Axis::difference(all),
        lines: vec![Line {
            key: Key::new(Role::Neutral, "CNN − MLP"),
            points: points.collect(),
            band: false,
        }],
        layout: Layout::Wide,
        // As tall as its neighbor.
        legend: true,
        ..Plot::default()
    })
}

fn table(sizes: &[SampleSize]) -> Block {
    Table::new(
        "Test accuracy in %, mean ± standard deviation, and CNN − MLP in percentage points; p of the paired t-test",
        [
            "of each class",
            "images",
            "MLP",
            "CNN",
            "difference",
            "95 % interval",
            "p",
        ],
    )
    .rows(sizes.iter().map(|size| {
        let mut row = vec![
            name(size),
            text::count(size.images),
            mean_and_deviation(&size.accuracy.mlp),
            mean_and_deviation(&size.accuracy.cnn),
        ];
        row.extend(difference_cells(&size.difference));
        row
    }))
    .block()
}

fn raw_table(results: &Results) -> Block {
    let samples = &results.samples;
    let head = ["of each class".to_owned(), "network".to_owned()]
        .into_iter()
        .chain(samples.seeds.iter().map(|seed| format!("seed {seed}")));
    Table::new("Test accuracy in %", head)
        .words(2)
        .rows(samples.sizes.iter().flat_map(|size| {
            Network::BOTH.map(|network| {
                let mut row = vec![name(size), network.name().to_owned()];
                row.extend(super::percents(&size.accuracy.of(network).values));
                row
            })
        }))
        .block()
}
