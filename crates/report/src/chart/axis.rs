use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::text;

/// A number line with its ticks.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Its left or lower end.
    pub low: f64,
    /// Its right or upper end.
    pub high: f64,
    /// Positions and labels.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From `low` to `high` with the ticks given.
    pub fn with_ticks(low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { low, high, ticks }
    }

    /// Round numbers around values.
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        Self::round(values, f64::INFINITY, text::fixed)
    }

    /// Round percentages around fractions, at most 100 %.
    pub fn percent(fractions: impl IntoIterator<Item = f64>) -> Self {
        Self::round(fractions.into_iter().map(|f| 100.0 * f), 100.0, text::fixed)
    }

    /// Round percentage points around differences and 0.
    pub fn difference(differences: impl IntoIterator<Item = f64>) -> Self {
        let points = differences.into_iter().map(|difference| 100.0 * difference);
        Self::round(points.chain([0.0]), f64::INFINITY, text::signed)
    }

    /// Whole numbers between two ends, which stay as they are.
    pub fn whole(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / 5.0).max(1.0);
        let ticks = (low / step).ceil() as i64..=(high / step).floor() as i64;
        let ticks = ticks.map(|number| number as f64 * step);
        Self::with_ticks(low, high, ticks.map(|at| (at, text::plain(at))).collect())
    }

    /// Decades around positive values; positions are logarithms to base 10.
    pub fn logarithmic(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let Some((low, high)) = ends(positive.map(f64::log10)) else {
            return Self::default();
        };
        let (low, high) = (low - 0.12, high + 0.12);
        let steps = if high - low > 1.6 { 1 } else { 3 };
        let steps = [1.0, 2.0, 5.0].into_iter().take(steps);
        let decades = || (low.floor() as i32..=high.ceil() as i32).map(|n| 10_f64.powi(n));
        let values = steps.flat_map(|step| decades().map(move |decade| step * decade));
        let ticks = values.map(|value| (value.log10(), text::short(value)));
        let ticks = ticks.filter(|(at, _)| (low..=high).contains(at));
        Self::with_ticks(low, high, ticks.collect())
    }

    fn round(
        values: impl IntoIterator<Item = f64>,
        cap: f64,
        label: impl Fn(f64, usize) -> String,
    ) -> Self {
        let (mut low, mut high) = ends(values).unwrap_or((0.0, 1.0));
        if high - low < 1e-9 {
            (low, high) = (low - 0.5, high + 0.5);
        }
        high = high.min(cap);
        low = low.min(high - 1e-3);
        let step = round_step((high - low) / 4.0);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let ticks = (first..=last).map(|number| number as f64 * step);
        let ticks = ticks.map(|at| (at, label(at, decimals))).collect();
        Self::with_ticks(first as f64 * step, last as f64 * step, ticks)
    }
}

/// From 0 to 1 without ticks.
impl Default for Axis {
    fn default() -> Self {
        Self::with_ticks(0.0, 1.0, Vec::new())
    }
}

/// Plotters draws ticks and labels where this says.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    /// The pixel of a value; values outside are drawn on the edge.
    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        (f64::from(from) + share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let bold = !hint.weight().allow_light_points();
        self.ticks
            .iter()
            .filter(|_| bold)
            .map(|(at, _)| *at)
            .collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let distance = |tick: &(f64, String)| (tick.0 - value).abs();
        let nearest = self
            .ticks
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// 1, 2 or 5 times a power of ten, about what is wanted.
fn round_step(wanted: f64) -> f64 {
    let decade = 10_f64.powf(wanted.log10().floor());
    let mut steps = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * decade);
    steps
        .find(|step| *step >= 0.8 * wanted)
        .unwrap_or(10.0 * decade)
}

/// Least and largest of those that are numbers.
fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let numbers = values.into_iter().filter(|value| value.is_finite());
    let ends = numbers.map(|value| (value, value));
    ends.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        for (axis, expected) in [
            (Axis::percent([0.9921, 0.9952]), "99.2 99.3 99.4 99.5 99.6"),
            (Axis::percent([0.1, 1.0]), "0 20 40 60 80 100"),
            (Axis::difference([-0.002, 0.013]), "−0.5 0.0 +0.5 +1.0 +1.5"),
            (Axis::linear([0.0, 2.3]), "0.0 0.5 1.0 1.5 2.0 2.5"),
            (Axis::whole(1.0, 12.0), "2 4 6 8 10 12"),
            (Axis::whole(1.0, 1.0), "1 2"),
            (Axis::whole(-10.5, -0.5), "−10 −8 −6 −4 −2"),
            (Axis::logarithmic([6_422.0, 407_050.0]), "10k 100k"),
            (Axis::logarithmic([12_000.0, 40_000.0]), "10k 20k 50k"),
        ] {
            let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
            assert_eq!(labels.join(" "), expected);
        }
    }

    #[test]
    fn odd_values_make_an_axis_too() {
        let kinds: [fn(Vec<f64>) -> Axis; 4] = [
            Axis::linear,
            Axis::percent,
            Axis::difference,
            Axis::logarithmic,
        ];
        for values in [vec![], vec![f64::NAN], vec![0.5], vec![f64::INFINITY, 1.0]] {
            for axis in kinds.map(|kind| kind(values.clone())) {
                assert!(axis.low < axis.high, "{values:?}: {axis:?}");
                assert!(axis.low.is_finite() && axis.high.is_finite());
            }
        }
    }
}
