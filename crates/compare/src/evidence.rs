//! What the sections of the report share: plots and tables of two networks over several seeds.

use std::iter::once;

use digits_data::{ImageShape, Images};
use digits_report::chart::{Axis, Estimate, Key, Line, Mark, Point, Role, Row, Rows};
use digits_report::{Block, Picture, Table, text};
use rayon::prelude::*;

use crate::error::CompareError;
use crate::network::{Network, Pair};
use crate::question::Context;
use crate::stats::{Difference, Sample};

impl From<Network> for Role {
    fn from(network: Network) -> Self {
        match network {
            Network::Mlp => Self::First,
            Network::Cnn => Self::Second,
        }
    }
}

impl<'a> From<&'a Sample> for Estimate<'a> {
    fn from(sample: &'a Sample) -> Self {
        Self {
            values: &sample.values,
            mean: sample.mean,
            interval: sample.interval,
        }
    }
}

impl<'a> From<&'a Difference> for Estimate<'a> {
    fn from(difference: &'a Difference) -> Self {
        Self {
            values: &difference.values,
            mean: difference.mean,
            interval: difference.interval,
        }
    }
}

/// Every number that a plot has to hold.
pub(crate) fn extent<'a, E: Into<Estimate<'a>>>(all: impl IntoIterator<Item = E>) -> Vec<f64> {
    all.into_iter()
        .map(Into::into)
        .flat_map(|estimate| estimate.extent().collect::<Vec<_>>())
        .collect()
}

/// The mean and the ends of its interval.
pub(crate) fn ends<'a>(of: impl Into<Estimate<'a>>) -> impl Iterator<Item = f64> {
    let Estimate { mean, interval, .. } = of.into();
    interval.into_iter().flatten().chain([mean])
}

/// MLP and CNN.
pub(crate) fn keys() -> Vec<Key> {
    Network::BOTH
        .map(|network| Key::new(network, network.name()))
        .to_vec()
}

/// The key of a paired difference.
pub(crate) fn difference_key() -> Key {
    Key::new(Role::Neutral, "CNN − MLP")
}

/// The line of one network over the places `xs`, with a band.
pub(crate) fn line<'a>(
    key: Key,
    xs: &[f64],
    samples: impl IntoIterator<Item = &'a Sample>,
) -> Line {
    let points = xs.iter().zip(samples);
    Line {
        key,
        points: points.map(|(&x, of)| Point::percent(x, of)).collect(),
        band: true,
    }
}

/// The lines of both networks over the places `xs`.
pub(crate) fn both_lines(xs: &[f64], pairs: &[&Pair<Sample>]) -> Vec<Line> {
    Network::BOTH
        .into_iter()
        .zip(keys())
        .map(|(network, key)| line(key, xs, pairs.iter().map(|pair| pair.of(network))))
        .collect()
}

/// One row of a plot of differences: its label, and whose differences.
pub(crate) type DifferenceRow<'a> = (String, Vec<(Role, &'a Difference)>);

/// Differences in percentage points, one row below the other, around a line at 0; without words.
pub(crate) fn difference_rows(all: Vec<DifferenceRow<'_>>) -> Rows {
    let marks = all.iter().flat_map(|(_, marks)| marks);
    let x = Axis::difference(extent(marks.map(|(_, difference)| *difference)));
    let mark = |(role, difference): (Role, &Difference)| {
        Mark::percent(role, difference, text::points(difference.mean))
    };
    let row = |(label, marks): DifferenceRow<'_>| Row {
        label,
        marks: marks.into_iter().map(mark).collect(),
    };
    Rows {
        x,
        rows: all.into_iter().map(row).collect(),
        line: Some(0.0),
        ..Rows::default()
    }
}

/// A table that ends in a difference in percentage points, its interval and the p of its test.
pub(crate) fn difference_table<'a>(
    caption: &str,
    (head, difference): (&[&str], &str),
    rows: impl IntoIterator<Item = (Vec<String>, &'a Difference)>,
) -> Table {
    let head = head.iter().copied();
    let rows = rows.into_iter().map(|(mut row, difference)| {
        row.push(text::points(difference.mean));
        row.push(text::points_interval(difference.interval));
        row.push(text::p_cell(difference.p));
        row
    });
    Table::new(caption, head.chain([difference, "95 % interval", "p"])).rows(rows)
}

/// A table with named rows and columns of cells; a cell that is missing has no number.
pub(crate) fn columns_table(
    caption: impl Into<String>,
    corner: &str,
    rows: impl IntoIterator<Item = String>,
    columns: &[(impl AsRef<str>, Vec<String>)],
) -> Block {
    let names = columns.iter().map(|(name, _)| name.as_ref());
    let rows = rows.into_iter().enumerate().map(|(number, name)| {
        let cells = columns.iter().map(|(_, cells)| cells.get(number).cloned());
        let cells = cells.map(|cell| cell.unwrap_or_else(|| text::NONE.to_owned()));
        once(name).chain(cells).collect()
    });
    Table::new(caption, once(corner).chain(names))
        .rows(rows)
        .block()
}

/// A table of one number for each seed.
pub(crate) fn seed_table(caption: &str, seeds: &[u64], columns: &[(&str, Vec<String>)]) -> Block {
    columns_table(caption, "seed", seeds.iter().map(u64::to_string), columns)
}

/// `MLP 98.21 %, CNN 99.27 %`.
pub(crate) fn both_means(pair: &Pair<Sample>, decimals: usize) -> String {
    let [mlp, cnn] = [&pair.mlp, &pair.cnn].map(|of| text::percent(of.mean, decimals));
    format!("MLP {mlp}, CNN {cnn}")
}

/// The texts one after the other.
pub(crate) fn joined(texts: impl Iterator<Item = String>, separator: &str) -> String {
    texts.collect::<Vec<_>>().join(separator)
}

/// Fractions in percent.
pub(crate) fn percents(values: &[f64]) -> Vec<String> {
    values.iter().map(|v| text::fixed(100.0 * v, 2)).collect()
}

/// Differences of fractions in percentage points.
pub(crate) fn all_points(values: &[f64]) -> Vec<String> {
    values.iter().map(|v| text::points(*v)).collect()
}

/// `99.23 ± 0.05`, mean and standard deviation in percent.
pub(crate) fn mean_and_deviation(sample: &Sample) -> String {
    let mean = text::fixed(100.0 * sample.mean, 2);
    match sample.std {
        Some(std) if std.is_finite() && mean != text::NONE => {
            format!("{mean} ± {}", text::fixed(100.0 * std, 2))
        }
        _ => mean,
    }
}

/// `5 seeds (1, 2, 3, 4 and 5)`.
pub(crate) fn seeds(seeds: &[u64]) -> String {
    let number = text::plural(seeds.len(), "seed");
    if seeds.is_empty() {
        return number;
    }
    format!("{number} ({})", text::listed(seeds))
}

/// How means and intervals over so many seeds were made.
pub(crate) fn spread(seeds: usize) -> String {
    if seeds < 2 {
        return "With a single seed there is neither an interval nor a p-value.".to_owned();
    }
    format!(
        "Mean of {seeds} networks trained from different seeds, with the 95 % confidence interval of the mean (Student's t) as a bar or band."
    )
}

/// `5 seeds (1, 2, 3, 4 and 5).`, and how means and intervals over them were made.
pub(crate) fn trained(on: &[u64]) -> String {
    format!("{}. {}", text::capitalized(&seeds(on)), spread(on.len()))
}

/// Places on an axis that are named by their numbers.
pub(crate) fn ticks(values: impl IntoIterator<Item = f64>) -> Vec<(f64, String)> {
    let values = values.into_iter();
    values.map(|at| (at, text::plain(at))).collect()
}

/// `the first 2,000 test images`, or all of them.
pub(crate) fn images(limit: usize, context: &Context<'_>) -> String {
    let all = context.dataset.test_images;
    let some = limit > 0 && limit < all;
    let (which, count) = if some {
        ("the first", limit)
    } else {
        ("all", all)
    };
    format!("{which} {} test images", text::count(count))
}

/// An image of a data set as PNG in base64, ink dark on white paper.
pub(crate) fn ink(shape: ImageShape, pixels: &[u8]) -> Result<String, CompareError> {
    Ok(Picture::ink(shape.width as u32, shape.height as u32, pixels)?.base64()?)
}

/// A copy of the images, each changed by itself.
pub(crate) fn changed(
    images: &Images,
    change: impl Fn(usize, &[u8]) -> Vec<u8> + Sync,
) -> Result<Images, CompareError> {
    let pixels: Vec<Vec<u8>> = (0..images.len())
        .into_par_iter()
        .map(|index| change(index, images.pixels(index)))
        .collect();
    Ok(Images::new(
        images.shape(),
        images.classes(),
        pixels.concat(),
        images.labels().to_vec(),
    )?)
}
