use crate::{CompareError, LearnedFilter, Network, Results};
use digits_report::chart::{Axis, Mark, Row, Rows, rows};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Panel, Table, Tile, TileGroup, Tiles};
use digits_report::{Palette, Picture};

/// So many feature maps of a block are shown.
const MOST_MAPS: usize = 32;

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let features = &results.features;
    let mut blocks = Vec::new();
    if !features.filters.is_empty() {
        blocks.push(Block::Tiles(filter_tiles(results)?));
        blocks.extend(share_text(results));
        if features.filters.iter().any(|filter| filter.share.is_some()) {
            blocks.push(Block::Figure(share_figure(results)?));
        }
    }
    if !features.units.is_empty() {
        blocks.push(Block::Tiles(unit_tiles(results)?));
    }
    if features.digit.blocks.iter().any(|block| !block.is_empty()) {
        blocks.push(Block::Tiles(map_tiles(results)?));
    }
    if blocks.is_empty() {
        blocks.push(Block::paragraph("There is nothing to show."));
    } else {
        blocks.push(Block::raw(vec![
            share_table(results),
            weight_table(results),
        ]));
    }
    Ok(blocks)
}

fn filter_tiles(results: &Results) -> Result<Tiles, CompareError> {
    let features = &results.features;
    let sheet = features
        .sheet
        .iter()
        .map(|kernel| {
            Ok(Tile {
                png: Picture::heat_map(&kernel.rows, Palette::Signed).base64()?,
                alt: format!("The sheet's filter: {}", kernel.name),
                lines: vec![kernel.name.clone()],
            })
        })
        .collect::<Result<_, CompareError>>()?;
    let learned = features
        .filters
        .iter()
        .enumerate()
        .map(|(number, filter)| {
            let mut lines = vec![format!("filter {}", number + 1)];
            lines.extend(
                filter
                    .share
                    .map(|share| format!("share {}", text::percent(share, 0))),
            );
            lines.extend(nearest(filter));
            Ok(Tile {
                png: Picture::heat_map(&filter.rows, Palette::Signed).base64()?,
                alt: format!("Learned {}", lines.join(", ")),
                lines,
            })
        })
        .collect::<Result<_, CompareError>>()?;
    Ok(Tiles {
        slug: "filters",
        groups: vec![
            TileGroup {
                heading: Some("The three filters of the sheet".to_owned()),
                tiles: sheet,
            },
            TileGroup {
                heading: Some("Learned in the CNN's first layer".to_owned()),
                tiles: learned,
            },
        ],
        width: 72,
        caption: Caption {
            shows: "Orange is positive, blue negative, white 0. Share: how much of a learned filter lies in the span of the sheet's three; below it the sheet's filter that it resembles most, with the cosine of the angle between them.".to_owned(),
            made: format!(
                "The CNN of seed {}. Each filter is colored up to its own largest weight. The sheet's filters are laid on the middle of a learned one and surrounded by zeros; the share is the squared norm of the projection on their span over the squared norm of the filter.",
                features.seed
            ),
        },
    })
}

fn nearest(filter: &LearnedFilter) -> Option<String> {
    let (name, cosine) = filter.nearest.as_ref()?;
    Some(format!("{name} {}", text::signed(*cosine, 2)))
}

/// What the shares are against what chance would give.
fn share_text(results: &Results) -> Option<Block> {
    let features = &results.features;
    let chance = features.chance?;
    let mut words = format!(
        "A filter of random numbers would have a share of {} on average.",
        text::percent(chance, 1)
    );
    if let Some(difference) = &features.share_over_chance {
        let more = if difference.mean < 0.0 {
            "less"
        } else {
            "more"
        };
        words += &format!(
            " The learned filters have {} percentage points {more} on average over {}",
            text::fixed(100.0 * difference.mean.abs(), 2),
            text::plural(difference.values.len(), "seed")
        );
        if difference.interval.is_some() {
            words += &format!(
                " (95 % interval {})",
                text::points_interval(difference.interval)
            );
        }
        if let Some(p) = difference.p.and_then(text::p_value) {
            words += &format!(", {p} (t-test)");
        }
        words += ".";
    }
    Some(Block::paragraph(words))
}

fn share_figure(results: &Results) -> Result<Figure, CompareError> {
    let features = &results.features;
    let shares: Vec<f64> = features.filters.iter().filter_map(|f| f.share).collect();
    let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let chance = features.chance.map_or_else(String::new, |chance| {
        format!(
            " Dashed: {}, the mean share of random filters.",
            text::percent(chance, 1)
        )
    });
    let panel: Panel = rows(&Rows {
        slug: "filter-shares".to_owned(),
        label: format!(
            "Share of {} in the span of the sheet's filters; mean {}.{chance}",
            text::plural(shares.len(), "learned filter"),
            text::percent(mean, 1)
        ),
        title: "Share in the span of the sheet's filters".to_owned(),
        x_title: "% of the squared norm".to_owned(),
        x: Axis::percent(shares.iter().copied().chain([0.0]).chain(features.chance)),
        rows: vec![Row {
            label: "CNN".to_owned(),
            marks: vec![Mark {
                role: Network::Cnn.into(),
                hollow: false,
                values: shares.iter().map(|share| 100.0 * share).collect(),
                mean: 100.0 * mean,
                interval: None,
                text: text::fixed(100.0 * mean, 1),
            }],
        }],
        legend: Vec::new(),
        line: features.chance.map(|chance| 100.0 * chance),
        together: false,
    })?;
    Ok(Figure {
        layout: Layout::Wide,
        panels: vec![panel],
        caption: Caption {
            shows: format!(
                "How much of each learned filter the sheet's three filters explain.{chance}"
            ),
            made: format!(
                "Each dot is one filter of the CNN of seed {}; the square is their mean.",
                features.seed
            ),
        },
    })
}

fn unit_tiles(results: &Results) -> Result<Tiles, CompareError> {
    let features = &results.features;
    let tiles = features
        .units
        .iter()
        .map(|unit| {
            Ok(Tile {
                png: Picture::heat_map(&unit.rows, Palette::Signed).base64()?,
                alt: format!("Incoming weights of unit {}", unit.index),
                lines: vec![
                    format!("unit {}", unit.index),
                    format!("norm {}", text::fixed(unit.norm, 2)),
                ],
            })
        })
        .collect::<Result<_, CompareError>>()?;
    Ok(Tiles {
        slug: "units",
        groups: vec![TileGroup {
            heading: Some("Units of the MLP's first layer".to_owned()),
            tiles,
        }],
        width: 72,
        caption: Caption {
            shows: "What single units of the MLP weigh: every pixel has a weight of its own. Orange is positive, blue negative.".to_owned(),
            made: format!(
                "The MLP of seed {}; the {} of largest norm, laid out like the image, each colored up to its own largest weight.",
                features.seed,
                text::plural(features.units.len(), "unit")
            ),
        },
    })
}

fn map_tiles(results: &Results) -> Result<Tiles, CompareError> {
    let digit = &results.features.digit;
    let mut groups = vec![TileGroup {
        heading: Some("The test image".to_owned()),
        tiles: vec![Tile {
            png: digit.png.clone(),
            alt: format!("Test image {}, class {}", digit.index, digit.label),
            lines: vec![format!("class {}", digit.label)],
        }],
    }];
    for (number, block) in digit.blocks.iter().enumerate() {
        let height = block.first().map_or(0, Vec::len);
        let width = block
            .first()
            .and_then(|map| map.first())
            .map_or(0, Vec::len);
        let shown = block.len().min(MOST_MAPS);
        let some = if shown < block.len() {
            format!(", the first {shown}")
        } else {
            String::new()
        };
        groups.push(TileGroup {
            heading: Some(format!(
                "After block {}: {} of {height} × {width}{some}",
                number + 1,
                text::plural(block.len(), "map")
            )),
            tiles: block
                .iter()
                .take(shown)
                .enumerate()
                .map(|(channel, map)| {
                    Ok(Tile {
                        png: Picture::heat_map(map, Palette::Ink).base64()?,
                        alt: format!("Block {}, channel {}", number + 1, channel + 1),
                        lines: Vec::new(),
                    })
                })
                .collect::<Result<_, CompareError>>()?,
        });
    }
    Ok(Tiles {
        slug: "feature-maps",
        groups,
        width: 64,
        caption: Caption {
            shows: "One test digit on its way through the CNN: what each channel makes of it."
                .to_owned(),
            made: format!(
                "The CNN of seed {}, test image {}. Each map is drawn from 0 (white) to its own largest value (black).",
                results.features.seed, digit.index
            ),
        },
    })
}

fn share_table(results: &Results) -> Block {
    Table::new(
        "The learned filters",
        ["filter", "nearest of the sheet", "cosine", "share, %"],
    )
    .words(2)
    .rows(
        results
            .features
            .filters
            .iter()
            .enumerate()
            .map(|(number, filter)| {
                let (name, cosine) = filter
                    .nearest
                    .clone()
                    .unwrap_or_else(|| (text::NONE.to_owned(), f64::NAN));
                vec![
                    (number + 1).to_string(),
                    name,
                    text::fixed(cosine, 3),
                    text::fixed(100.0 * filter.share.unwrap_or(f64::NAN), 1),
                ]
            }),
    )
    .block()
}

fn weight_table(results: &Results) -> Block {
    let all = |rows: &[Vec<f64>]| {
        let rows: Vec<String> = rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|weight| text::fixed(*weight, 3))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        rows.join("; ")
    };
    let sheet = results
        .features
        .sheet
        .iter()
        .map(|kernel| vec![kernel.name.clone(), all(&kernel.rows)]);
    let learned = results
        .features
        .filters
        .iter()
        .enumerate()
        .map(|(number, filter)| vec![(number + 1).to_string(), all(&filter.rows)]);
    Table::new("Weights, row by row", ["filter", "weights"])
        .words(2)
        .rows(sheet.chain(learned))
        .block()
}
