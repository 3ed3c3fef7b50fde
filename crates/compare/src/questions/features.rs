//! What the networks look at.

use burn::tensor::{Tensor, TensorData};
use digits_models::Model;
use digits_report::chart::{Axis, Estimate, Mark, Row, Rows, rows};
use digits_report::{Block, Figure, Palette, Picture, Table, Tile, Tiles, text};
use digits_train::{LoadedRun, TrainError, normalized};
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{ink, joined};
use crate::filters::{LearnedFilter, NamedKernel, learned, sheet};
use crate::network::Network;
use crate::question::{Context, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{self, Difference, mean};

/// Units of the feed-forward network that are shown.
const UNITS: usize = 16;
/// So many feature maps of a block are shown.
const MOST_MAPS: usize = 32;

type Matrix = Vec<Vec<f64>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Features {
    pub seed: u64,
    /// The filters of the exercise sheet: vertical, horizontal, Laplacian.
    pub sheet: Vec<NamedKernel>,
    pub filters: Vec<LearnedFilter>,
    /// What [`LearnedFilter::share`] would be on average for a filter of random numbers.
    pub chance: Option<f64>,
    /// Mean share over the filters, by seed, less [`Features::chance`], with a t-test.
    pub share_over_chance: Option<Difference>,
    /// First-layer weights of the feed-forward network's units of largest norm.
    pub units: Vec<Unit>,
    /// One test digit on its way through the CNN.
    pub digit: DigitMaps,
}

/// The incoming weights of one unit, laid out like the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    pub index: usize,
    pub norm: f64,
    pub rows: Vec<Vec<f64>>,
}

/// A digit and the CNN's feature maps of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DigitMaps {
    pub index: u32,
    pub label: u8,
    pub png: String,
    /// For each block, for each channel: the map's rows.
    pub blocks: Vec<Vec<Vec<Vec<f64>>>>,
}

impl Question for Features {
    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        runner.timed("features", "features", |runner| measure(runner))
    }

    fn evidence(&self, _context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        let mut blocks: Vec<Block> = Vec::new();
        if !self.filters.is_empty() {
            blocks.push(self.filter_tiles()?.into());
            blocks.extend(self.share_text().map(Block::Paragraph));
            if self.filters.iter().any(|filter| filter.share.is_some()) {
                blocks.push(self.share_figure()?.into());
            }
        }
        if !self.units.is_empty() {
            blocks.push(self.unit_tiles()?.into());
        }
        if self.digit.blocks.iter().any(|block| !block.is_empty()) {
            blocks.push(self.map_tiles()?.into());
        }
        if blocks.is_empty() {
            return Ok(vec![Block::paragraph("There is nothing to show.")]);
        }
        let tables = [self.share_table(), self.weight_table()];
        blocks.push(Block::raw(tables.map(Block::from).into()));
        Ok(blocks)
    }
}

/// First-layer filters and weights of the networks of the first seed, the share of the filters in
/// the span of the sheet's over all seeds, and the feature maps of one digit.
fn measure(runner: &Runner<'_>) -> Result<Features, CompareError> {
    let runs = runner.load(&Group::full(runner.plan))?;
    let mut by_seed = Vec::new();
    let mut shown = Vec::new();
    for run in &runs.cnn {
        let filters: Vec<LearnedFilter> = kernels(run)?.into_iter().map(learned).collect();
        let shares: Vec<f64> = filters.iter().filter_map(|filter| filter.share).collect();
        if !shares.is_empty() {
            by_seed.push(mean(&shares));
        }
        if shown.is_empty() {
            shown = filters;
        }
    }
    let size = shown.first().map_or(0, |filter| filter.rows.len());
    // The expected share of a random direction in a subspace: its dimension over that of the
    // whole.
    let chance = (size >= 3).then(|| sheet().len() as f64 / (size * size) as f64);
    Ok(Features {
        seed: runner.plan.seeds[0], // a plan has seeds
        sheet: sheet(),
        filters: shown,
        chance,
        share_over_chance: chance
            .map(|chance| stats::difference(by_seed.iter().map(|share| share - chance).collect())),
        units: units(&runs.mlp[0])?,
        digit: digit(runner, &runs.cnn[0])?,
    })
}

/// The filters of the first convolution, each `kernel × kernel`.
fn kernels(run: &LoadedRun) -> Result<Vec<Matrix>, CompareError> {
    let Model::Cnn(cnn) = &run.model else {
        return Ok(Vec::new());
    };
    let Some(block) = cnn.blocks.first() else {
        return Ok(Vec::new());
    };
    let weight = block.conv.weight.val(); // [filters, 1, kernel, kernel]
    let [_, _, height, width] = weight.dims();
    let values = numbers(weight)?;
    let filters = values.chunks_exact(height * width);
    Ok(filters.map(|filter| laid_out(filter, width)).collect())
}

/// The units of the first hidden layer with the largest weights.
fn units(run: &LoadedRun) -> Result<Vec<Unit>, CompareError> {
    let Model::Mlp(mlp) = &run.model else {
        return Ok(Vec::new());
    };
    let layer = mlp.dense.hidden.first().unwrap_or(&mlp.dense.output);
    let weight = layer.weight.val(); // [inputs, units]
    let [_, count] = weight.dims();
    let values = numbers(weight)?;
    let width = run.config.model.input().width;
    let mut units: Vec<Unit> = (0..count)
        .map(|index| {
            let weights: Vec<f64> = values.iter().skip(index).step_by(count).copied().collect();
            Unit {
                index,
                norm: weights.iter().map(|v| v * v).sum::<f64>().sqrt(),
                rows: laid_out(&weights, width),
            }
        })
        .collect();
    units.sort_by(|a, b| b.norm.total_cmp(&a.norm).then(a.index.cmp(&b.index)));
    units.truncate(UNITS);
    Ok(units)
}

/// The first test image, block by block.
fn digit(runner: &Runner<'_>, run: &LoadedRun) -> Result<DigitMaps, CompareError> {
    let image = runner.test.pixels(0);
    let shape = runner.test.shape();
    let pixels = normalized(run, &[image.to_vec()])?;
    let data = TensorData::new(pixels, [1, 1, shape.height, shape.width]);
    let data = Tensor::from_data(data, runner.device);
    let mut blocks = Vec::new();
    for maps in run.model.feature_maps(data) {
        let [_, _, height, width] = maps.dims();
        let maps = numbers(maps)?;
        let maps = maps.chunks_exact(height * width);
        blocks.push(maps.map(|map| laid_out(map, width)).collect());
    }
    Ok(DigitMaps {
        index: 0,
        label: runner.test.label(0),
        png: ink(shape, image)?,
        blocks,
    })
}

/// Rows of `width` numbers.
fn laid_out(values: &[f64], width: usize) -> Matrix {
    values.chunks_exact(width).map(<[f64]>::to_vec).collect()
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, CompareError> {
    tensor.try_into_vec_as::<f64>().map_err(|error| {
        CompareError::Train(TrainError::Backend {
            doing: "reading weights",
            message: error.to_string(),
        })
    })
}

impl Features {
    fn filter_tiles(&self) -> Result<Tiles, CompareError> {
        let tiles = Tiles::new(
            "filters",
            72,
            "Orange is positive, blue negative, white 0. Share: how much of a learned filter lies in the span of the sheet's three; below it the sheet's filter that it resembles most, with the cosine of the angle between them.",
            format!(
                "The CNN of seed {}. Each filter is colored up to its own largest weight. The sheet's filters are laid on the middle of a learned one and surrounded by zeros; the share is the squared norm of the projection on their span over the squared norm of the filter.",
                self.seed
            ),
        );
        let sheet = self.sheet.iter().map(|kernel| {
            let alt = format!("The sheet's filter: {}", kernel.name);
            (&kernel.rows, alt, vec![kernel.name.clone()])
        });
        let learned = (1..).zip(&self.filters).map(|(number, filter)| {
            let mut lines = vec![format!("filter {number}")];
            let share = filter.share.map(|share| text::percent(share, 0));
            lines.extend(share.map(|share| format!("share {share}")));
            let nearest = filter.nearest.as_ref();
            lines.extend(nearest.map(|(name, cos)| format!("{name} {}", text::signed(*cos, 2))));
            let alt = format!("Learned {}", lines.join(", "));
            (&filter.rows, alt, lines)
        });
        let tiles = heat_maps(
            tiles,
            "The three filters of the sheet",
            Palette::Signed,
            sheet,
        )?;
        heat_maps(
            tiles,
            "Learned in the CNN's first layer",
            Palette::Signed,
            learned,
        )
    }

    fn unit_tiles(&self) -> Result<Tiles, CompareError> {
        let tiles = Tiles::new(
            "units",
            72,
            "What single units of the MLP weigh: every pixel has a weight of its own. Orange is positive, blue negative.",
            format!(
                "The MLP of seed {}; the {} of largest norm, laid out like the image, each colored up to its own largest weight.",
                self.seed,
                text::plural(self.units.len(), "unit")
            ),
        );
        let units = self.units.iter().map(|unit| {
            let alt = format!("Incoming weights of unit {}", unit.index);
            let norm = format!("norm {}", text::fixed(unit.norm, 2));
            let lines = vec![format!("unit {}", unit.index), norm];
            (&unit.rows, alt, lines)
        });
        heat_maps(
            tiles,
            "Units of the MLP's first layer",
            Palette::Signed,
            units,
        )
    }

    fn map_tiles(&self) -> Result<Tiles, CompareError> {
        let digit = &self.digit;
        let mut tiles = Tiles::new(
            "feature-maps",
            64,
            "One test digit on its way through the CNN: what each channel makes of it.",
            format!(
                "The CNN of seed {}, test image {}. Each map is drawn from 0 (white) to its own largest value (black).",
                self.seed, digit.index
            ),
        )
        .group(
            Some("The test image".to_owned()),
            vec![Tile::new(
                &digit.png,
                format!("Test image {}, class {}", digit.index, digit.label),
                vec![format!("class {}", digit.label)],
            )],
        );
        for (number, maps) in (1..).zip(&digit.blocks) {
            let height = maps.first().map_or(0, Vec::len);
            let width = maps.first().and_then(|map| map.first()).map_or(0, Vec::len);
            let count = text::plural(maps.len(), "map");
            let mut heading = format!("After block {number}: {count} of {height} × {width}");
            if maps.len() > MOST_MAPS {
                heading += &format!(", the first {MOST_MAPS}");
            }
            let shown = (1..).zip(maps).take(MOST_MAPS);
            let shown = shown.map(|(channel, map)| {
                (
                    map,
                    format!("Block {number}, channel {channel}"),
                    Vec::new(),
                )
            });
            tiles = heat_maps(tiles, heading, Palette::Ink, shown)?;
        }
        Ok(tiles)
    }

    /// What the shares are against what chance would give.
    fn share_text(&self) -> Option<String> {
        let chance = text::percent(self.chance?, 1);
        let chance =
            format!("A filter of random numbers would have a share of {chance} on average.");
        let Some(difference) = &self.share_over_chance else {
            return Some(chance);
        };
        let points = text::fixed(100.0 * difference.mean.abs(), 2);
        let less = difference.mean < 0.0;
        let side = if less { "less" } else { "more" };
        let seeds = text::plural(difference.values.len(), "seed");
        let interval = difference.interval.map_or_else(String::new, |interval| {
            format!(" (95 % interval {})", text::points_interval(Some(interval)))
        });
        let p = difference.p.and_then(text::p_value);
        let p = p.map_or_else(String::new, |p| format!(", {p} (t-test)"));
        Some(format!(
            "{chance} The learned filters have {points} percentage points {side} on average over {seeds}{interval}{p}."
        ))
    }

    fn share_figure(&self) -> Result<Figure, CompareError> {
        let shares: Vec<f64> = self.filters.iter().filter_map(|of| of.share).collect();
        let estimate = Estimate {
            values: &shares,
            mean: mean(&shares),
            interval: None,
        };
        let chance = self.chance.map_or_else(String::new, |chance| {
            let chance = text::percent(chance, 1);
            format!(" Dashed: {chance}, the mean share of random filters.")
        });
        let mark = Mark::percent(
            Network::Cnn,
            estimate,
            text::fixed(100.0 * estimate.mean, 1),
        );
        let panel = rows(&Rows {
            slug: "filter-shares".to_owned(),
            label: format!(
                "Share of {} in the span of the sheet's filters; mean {}.{chance}",
                text::plural(shares.len(), "learned filter"),
                text::percent(estimate.mean, 1)
            ),
            title: "Share in the span of the sheet's filters".to_owned(),
            x_title: "% of the squared norm".to_owned(),
            x: Axis::percent(shares.iter().copied().chain([0.0]).chain(self.chance)),
            rows: vec![Row {
                label: "CNN".to_owned(),
                marks: vec![mark],
            }],
            line: self.chance.map(|chance| 100.0 * chance),
            ..Rows::default()
        })?;
        Ok(Figure::new(
            vec![panel],
            format!("How much of each learned filter the sheet's three filters explain.{chance}"),
            format!(
                "Each dot is one filter of the CNN of seed {}; the square is their mean.",
                self.seed
            ),
        ))
    }

    fn share_table(&self) -> Table {
        let head = ["filter", "nearest of the sheet", "cosine", "share, %"];
        let rows = (1..).zip(&self.filters).map(|(number, filter)| {
            let nearest = filter.nearest.as_ref();
            vec![
                number.to_string(),
                nearest.map_or(text::NONE, |(name, _)| name).to_owned(),
                text::fixed(nearest.map_or(f64::NAN, |(_, cosine)| *cosine), 3),
                text::fixed(100.0 * filter.share.unwrap_or(f64::NAN), 1),
            ]
        });
        Table::new("The learned filters", head).words(2).rows(rows)
    }

    fn weight_table(&self) -> Table {
        let row = |row: &Vec<f64>| joined(row.iter().map(|weight| text::fixed(*weight, 3)), " ");
        let all = |rows: &Matrix| joined(rows.iter().map(row), "; ");
        let sheet = self.sheet.iter();
        let sheet = sheet.map(|kernel| vec![kernel.name.clone(), all(&kernel.rows)]);
        let learned = (1..).zip(&self.filters);
        let learned = learned.map(|(number, filter)| vec![number.to_string(), all(&filter.rows)]);
        Table::new("Weights, row by row", ["filter", "weights"])
            .words(2)
            .rows(sheet.chain(learned))
    }
}

/// Tiles that are heat maps, with words for those who do not see them and the lines below.
fn heat_maps<'a>(
    tiles: Tiles,
    heading: impl Into<String>,
    palette: Palette,
    maps: impl Iterator<Item = (&'a Matrix, String, Vec<String>)>,
) -> Result<Tiles, CompareError> {
    let tile = |(rows, alt, lines): (&Matrix, String, Vec<String>)| -> Result<_, CompareError> {
        Ok(Tile::new(
            Picture::heat_map(rows, palette).base64()?,
            alt,
            lines,
        ))
    };
    let tiles_of = maps.map(tile).collect::<Result<_, _>>()?;
    Ok(tiles.group(Some(heading.into()), tiles_of))
}
