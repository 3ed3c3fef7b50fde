use super::{
    all_points, by_seed, difference_cells, extent_of_differences, percents, seeds, spread,
};
use crate::report::figures::keys;
use crate::{CompareError, Network, Results};
use digits_report::chart::{Axis, Key, Line, Mark, Plot, Point, Role, Row, Rows, lines, rows};
use digits_report::text;
use digits_report::{
    Block, Caption, Figure, Layout, Panel, ReportError, Table, Tile, TileGroup, Tiles,
};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let permutation = &results.permutation;
    let mut blocks = vec![Block::paragraph(
        "Every pixel moves to another place, the same place in every image, so all information is still there; but neighbors are no longer neighbors. A network that assumes nothing about neighborhood has nothing to lose by that. One that looks at small patches of the image may lose what it is built on.",
    )];
    if permutation.example.iter().any(|png| !png.is_empty()) {
        blocks.push(Block::Tiles(examples(results)));
    }
    blocks.push(Block::Figure(Figure {
        layout: Layout::Wide,
        panels: vec![slopes(results)?, changes(results)?],
        caption: Caption {
            shows: "Test accuracy with natural and with permuted images, and the change.".to_owned(),
            made: format!(
                "Networks are trained anew on permuted images and tested on images permuted alike (permutation seed {}); each is compared with the network of the same seed trained on natural images. {}. {}",
                permutation.permutation,
                text::capitalized(&seeds(&permutation.seeds)),
                spread(permutation.seeds.len())
            ),
        },
    }));
    blocks.push(change_table(results));
    blocks.push(Block::raw(vec![by_seed(
        "Test accuracy in %, and the change in percentage points",
        &permutation.seeds,
        &[
            (
                "MLP natural".to_owned(),
                percents(&permutation.natural.mlp.values),
            ),
            (
                "MLP permuted".to_owned(),
                percents(&permutation.permuted.mlp.values),
            ),
            (
                "change".to_owned(),
                all_points(&permutation.change.mlp.values),
            ),
            (
                "CNN natural".to_owned(),
                percents(&permutation.natural.cnn.values),
            ),
            (
                "CNN permuted".to_owned(),
                percents(&permutation.permuted.cnn.values),
            ),
            (
                "change".to_owned(),
                all_points(&permutation.change.cnn.values),
            ),
        ],
    )]));
    Ok(blocks)
}

fn examples(results: &Results) -> Tiles {
    let tile = |png: &String, name: &str| Tile {
        png: png.clone(),
        alt: format!("A test digit, {name}"),
        lines: vec![name.to_owned()],
    };
    let [natural, permuted] = &results.permutation.example;
    Tiles {
        slug: "permutation-example",
        groups: vec![TileGroup {
            heading: None,
            tiles: vec![tile(natural, "natural"), tile(permuted, "permuted")],
        }],
        width: 140,
        caption: Caption {
            shows: "A test digit as it is and after the permutation.".to_owned(),
            made: "Both pictures hold the same pixels.".to_owned(),
        },
    }
}

fn slopes(results: &Results) -> Result<Panel, ReportError> {
    let permutation = &results.permutation;
    let line = |(key, network): (Key, Network)| {
        let (natural, permuted) = (
            permutation.natural.of(network),
            permutation.permuted.of(network),
        );
        let note = |mean: f64| text::fixed(100.0 * mean, 2);
        Line {
            key,
            points: vec![
                Point::percent(0.0, natural).left(note(natural.mean)),
                Point::percent(1.0, permuted).right(note(permuted.mean)),
            ],
            band: false,
        }
    };
    let means = [&permutation.natural, &permutation.permuted]
        .into_iter()
        .flat_map(|pair| [&pair.mlp, &pair.cnn])
        .flat_map(|sample| sample.interval.into_iter().flatten().chain([sample.mean]));
    lines(&Plot {
        slug: "permutation-slopes".to_owned(),
        label: format!(
            "Test accuracy, natural to permuted: MLP {} to {}, CNN {} to {}.",
            text::percent(permutation.natural.mlp.mean, 2),
            text::percent(permutation.permuted.mlp.mean, 2),
            text::percent(permutation.natural.cnn.mean, 2),
            text::percent(permutation.permuted.cnn.mean, 2)
        ),
        title: "Test accuracy in %".to_owned(),
        x_title: None,
        x: Axis::with_ticks(
            -0.4,
            1.4,
            vec![(0.0, "natural".to_owned()), (1.0, "permuted".to_owned())],
        ),
        y: Axis::percent(means),
        lines: keys().into_iter().zip(Network::BOTH).map(line).collect(),
        layout: Layout::Wide,
        legend: true,
        ..Plot::default()
    })
}

fn changes(results: &Results) -> Result<Panel, ReportError> {
    let permutation = &results.permutation;
    let named = [
        ("MLP", Network::Mlp.into(), &permutation.change.mlp),
        ("CNN", Network::Cnn.into(), &permutation.change.cnn),
        ("CNN − MLP", Role::Neutral, &permutation.interaction),
    ];
    rows(&Rows {
        slug: "permutation-changes".to_owned(),
        label: format!(
            "Change by the permutation in percentage points: MLP {}, CNN {}.",
            text::points(permutation.change.mlp.mean),
            text::points(permutation.change.cnn.mean)
        ),
        title: "Change by the permutation".to_owned(),
        x_title: "percentage points, permuted − natural".to_owned(),
        x: Axis::difference(extent_of_differences(named.map(|(_, _, d)| d))),
        rows: named
            .into_iter()
            .map(|(name, network, difference)| Row {
                label: name.to_owned(),
                marks: vec![Mark::percent(
                    network,
                    difference,
                    text::points(difference.mean),
                )],
            })
            .collect(),
        legend: Vec::new(),
        line: Some(0.0),
        together: false,
    })
}

fn change_table(results: &Results) -> Block {
    let permutation = &results.permutation;
    let row = |name: &str, difference| {
        let mut row = vec![name.to_owned()];
        row.extend(difference_cells(difference));
        row
    };
    Table::new(
        "Change of the test accuracy in percentage points, permuted − natural; p of the paired t-test",
        ["network", "change", "95 % interval", "p"],
    )
    .rows([
        row("MLP", &permutation.change.mlp),
        row("CNN", &permutation.change.cnn),
        row("CNN − MLP", &permutation.interaction),
    ])
    .block()
}
