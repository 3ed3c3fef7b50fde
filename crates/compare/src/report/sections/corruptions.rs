use super::{difference_cells, extent_of_differences, images, seeds, spread};
use crate::report::figures::keys;
use crate::report::summary::mean_and_deviation;
use crate::{CompareError, CorruptionResult, Network, Results};
use digits_report::chart::{Axis, Key, Line, Mark, Plot, Point, Role, Row, Rows, lines, rows};
use digits_report::text;
use digits_report::{
    Block, Caption, Figure, Layout, Panel, ReportError, Table, Tile, TileGroup, Tiles,
};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let corruptions = &results.corruptions;
    if corruptions.kinds.is_empty() {
        return Ok(vec![Block::paragraph("Not measured in this plan.")]);
    }
    let made = format!(
        "The networks were trained on clean images; {} are damaged, each in the same way for both networks (seed {}). {} {} Own implementations in the manner of MNIST-C (Mu and Gilmer 2019), so the numbers are not those of that benchmark.",
        images(results.plan.corruptions.images, results),
        results.plan.corruptions.seed,
        text::capitalized(&seeds(&corruptions.seeds)) + ".",
        spread(corruptions.seeds.len()),
    );
    let mut blocks = Vec::new();
    if let Some(examples) = examples(&corruptions.kinds, results) {
        blocks.push(Block::Tiles(examples));
    }
    blocks.push(Block::Figure(Figure {
        layout: Layout::Small,
        panels: corruptions
            .kinds
            .iter()
            .map(small)
            .collect::<Result<_, _>>()?,
        caption: Caption {
            shows: "Test accuracy in % against the severity of the damage. Blue circles: MLP, orange squares: CNN.".to_owned(),
            made: made.clone(),
        },
    }));
    blocks.push(Block::Figure(Figure {
        layout: Layout::Wide,
        panels: vec![overview(results)?, differences(results)?],
        caption: Caption {
            shows: "First, mean accuracy over the severities of each kind of damage; then the paired difference: right of the dashed line the CNN is better.".to_owned(),
            made: "From the same measurements; differences are taken seed by seed. Dots: single seeds.".to_owned(),
        },
    }));
    blocks.push(difference_table(results));
    blocks.push(Block::raw(vec![raw_table(results)]));
    Ok(blocks)
}

fn examples(kinds: &[CorruptionResult], results: &Results) -> Option<Tiles> {
    let groups: Vec<TileGroup> = kinds
        .iter()
        .filter(|kind| !kind.examples.is_empty())
        .map(|kind| TileGroup {
            heading: Some(text::capitalized(&kind.name)),
            tiles: kind
                .severities
                .iter()
                .zip(&kind.examples)
                .map(|(severity, png)| Tile {
                    png: png.clone(),
                    alt: format!("{}, severity {}", kind.name, severity.level),
                    lines: vec![severity.level.to_string(), severity.setting.clone()],
                })
                .collect(),
        })
        .collect();
    (!groups.is_empty()).then(|| Tiles {
        slug: "corruption-examples",
        groups,
        width: 84,
        caption: Caption {
            shows: "One test image with each kind of damage, from severity 1, mild, to the most severe.".to_owned(),
            made: format!(
                "The pictures are the input of the networks, {} × {} pixels, ink dark on white.",
                results.dataset.height, results.dataset.width
            ),
        },
    })
}

fn file_name(kind: &CorruptionResult) -> String {
    let letters = kind.name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    format!("corruption-{}", letters.collect::<String>())
}

fn small(kind: &CorruptionResult) -> Result<Panel, ReportError> {
    let levels: Vec<f64> = kind.severities.iter().map(|s| s.level as f64).collect();
    let (low, high) = (
        levels.first().copied().unwrap_or(1.0) - 0.3,
        levels.last().copied().unwrap_or(1.0) + 0.3,
    );
    let line = |(key, network): (Key, Network)| Line {
        key,
        points: kind
            .severities
            .iter()
            .map(|severity| Point::percent(severity.level as f64, severity.accuracy.of(network)))
            .collect(),
        band: true,
    };
    let percent = [0.0, 25.0, 50.0, 75.0, 100.0];
    lines(&Plot {
        slug: file_name(kind),
        label: format!(
            "Test accuracy under {}, mean over its severities: MLP {}, CNN {}.",
            kind.name,
            text::percent(kind.mean.mlp.mean, 1),
            text::percent(kind.mean.cnn.mean, 1)
        ),
        title: text::capitalized(&kind.name),
        x_title: None,
        x: Axis::with_ticks(
            low,
            high,
            levels
                .iter()
                .map(|level| (*level, text::plain(*level)))
                .collect(),
        ),
        // The same for all, so that they can be compared at a glance.
        y: Axis::with_ticks(0.0, 100.0, percent.map(|p| (p, text::plain(p))).to_vec()),
        lines: keys().into_iter().zip(Network::BOTH).map(line).collect(),
        layout: Layout::Small,
        legend: false,
        ..Plot::default()
    })
}

fn overview(results: &Results) -> Result<Panel, ReportError> {
    let corruptions = &results.corruptions;
    let named = corruptions
        .kinds
        .iter()
        .map(|kind| (kind.name.as_str(), &kind.mean))
        .chain([
            ("all", &corruptions.mean),
            ("undamaged", &corruptions.clean),
        ]);
    let mut all = Vec::new();
    let rows_of: Vec<Row> = named
        .map(|(name, pair)| Row {
            label: text::capitalized(name),
            marks: Network::BOTH
                .map(|network| {
                    let sample = pair.of(network);
                    all.push(sample.mean);
                    all.extend(sample.interval.into_iter().flatten());
                    Mark {
                        values: Vec::new(),
                        ..Mark::percent(network, sample, String::new())
                    }
                })
                .into(),
        })
        .collect();
    rows(&Rows {
        slug: "corruption-means".to_owned(),
        label: format!(
            "Mean test accuracy over all kinds of damage: MLP {}, CNN {}.",
            text::percent(corruptions.mean.mlp.mean, 1),
            text::percent(corruptions.mean.cnn.mean, 1)
        ),
        title: "Mean over the severities".to_owned(),
        x_title: "test accuracy in %".to_owned(),
        x: Axis::percent(all),
        rows: rows_of,
        legend: keys(),
        line: None,
        together: true,
    })
}

fn differences(results: &Results) -> Result<Panel, ReportError> {
    let corruptions = &results.corruptions;
    let named: Vec<_> = corruptions
        .kinds
        .iter()
        .map(|kind| (kind.name.as_str(), &kind.difference))
        .chain([("all", &corruptions.difference)])
        .collect();
    let each: Vec<String> = named
        .iter()
        .map(|(name, difference)| format!("{name} {}", text::points(difference.mean)))
        .collect();
    rows(&Rows {
        slug: "corruption-differences".to_owned(),
        label: format!("CNN − MLP in percentage points: {}.", each.join(", ")),
        title: "Difference of these means".to_owned(),
        x_title: "percentage points".to_owned(),
        x: Axis::difference(extent_of_differences(named.iter().map(|(_, d)| *d))),
        rows: named
            .iter()
            .map(|(name, difference)| Row {
                label: text::capitalized(name),
                marks: vec![Mark::percent(
                    Role::Neutral,
                    *difference,
                    text::points(difference.mean),
                )],
            })
            .collect(),
        // As high as that of its neighbor, so that the rows are level.
        legend: vec![Key::new(Role::Neutral, "CNN − MLP")],
        line: Some(0.0),
        together: false,
    })
}

fn difference_table(results: &Results) -> Block {
    let corruptions = &results.corruptions;
    let row = |name: &str, mean: &crate::Pair<crate::Sample>, difference| {
        let mut row = vec![
            name.to_owned(),
            text::fixed(100.0 * mean.mlp.mean, 2),
            text::fixed(100.0 * mean.cnn.mean, 2),
        ];
        row.extend(difference_cells(difference));
        row
    };
    Table::new(
        "Mean accuracy over the severities in %, and CNN − MLP in percentage points; p of the paired t-test",
        [
            "damage",
            "MLP",
            "CNN",
            "difference",
            "95 % interval",
            "p",
        ],
    )
    .rows(
        corruptions
            .kinds
            .iter()
            .map(|kind| row(&kind.name, &kind.mean, &kind.difference))
            .chain([row("all", &corruptions.mean, &corruptions.difference)]),
    )
    .block()
}

fn raw_table(results: &Results) -> Block {
    Table::new(
        "Test accuracy in %, mean ± standard deviation",
        ["damage", "what it does", "severity", "MLP", "CNN"],
    )
    .words(2)
    .rows(results.corruptions.kinds.iter().flat_map(|kind| {
        kind.severities.iter().map(|severity| {
            vec![
                kind.name.clone(),
                severity.setting.clone(),
                severity.level.to_string(),
                mean_and_deviation(&severity.accuracy.mlp),
                mean_and_deviation(&severity.accuracy.cnn),
            ]
        })
    }))
    .block()
}
