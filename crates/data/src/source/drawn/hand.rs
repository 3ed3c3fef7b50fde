use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::style;

/// A point that the pen passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub x: f64,
    pub y: f64,
    /// The pen turns sharply here; elsewhere it passes smoothly.
    pub corner: bool,
}

/// One movement of the pen from touching the paper to lifting: two points or more.
pub(super) type Stroke = Vec<Node>;

/// The random habits of one writer for one digit.
///
/// Everything here and in the modules around it uses only +, −, ×, ÷ and square roots of `f64`,
/// which IEEE 754 rounds the same everywhere; sines, logarithms and the like differ between
/// systems' mathematical libraries, and with them the pixels would.
pub(super) struct Hand {
    rng: Xoshiro256PlusPlus,
    /// How far this writer strays from the form, 1 for an ordinary one.
    sloppiness: f64,
    /// What is written so far, one stroke or more.
    pub(super) strokes: Vec<Stroke>,
}

impl Hand {
    pub(super) fn new(seed: u64) -> Self {
        let mut hand = Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            sloppiness: 1.0,
            strokes: vec![Stroke::new()],
        };
        let (low, high) = style::SLOPPINESS;
        hand.sloppiness = low + (high - low) * hand.unit() * hand.unit();
        hand
    }

    /// Uniform in [0, 1), 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform between two values.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform values, each between its two.
    pub(super) fn all<const N: usize>(&mut self, limits: [(f64, f64); N]) -> [f64; N] {
        limits.map(|(low, high)| self.between(low, high))
    }

    /// Nearly normal with mean 0 and the given standard deviation: the sum of four uniforms
    /// (Irwin–Hall), so never beyond 3.5 deviations.
    pub(super) fn normal(&mut self, deviation: f64) -> f64 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit() - 2.0;
        // The variance of four uniforms is 4/12.
        sum * deviation * 1.732_050_807_568_877_2
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform between two values with this probability, else 0.
    pub(super) fn sometimes(&mut self, probability: f64, low: f64, high: f64) -> f64 {
        if self.chance(probability) {
            self.between(low, high)
        } else {
            0.0
        }
    }

    /// A place in `weights`, drawn in proportion to them.
    pub(super) fn choose(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        let reached = |weight: &f64| {
            left -= weight;
            left < 0.0
        };
        weights
            .iter()
            .position(reached)
            .unwrap_or(weights.len() - 1)
    }

    /// A point with the writer's scatter in both directions.
    pub(super) fn node(&mut self, (x, y): (f64, f64), scatter: f64, corner: bool) -> Node {
        let scatter = scatter * self.sloppiness;
        let (x, y) = (x + self.normal(scatter), y + self.normal(scatter));
        Node { x, y, corner }
    }

    /// The stroke that is being written.
    pub(super) fn stroke(&mut self) -> &mut Stroke {
        let last = self.strokes.len() - 1;
        &mut self.strokes[last]
    }
}

/// Cosine and sine of an angle given in full turns, by Taylor polynomials on an eighth of a
/// turn (error below 1e-9).
pub(super) fn cos_sin(turns: f64) -> (f64, f64) {
    let quarters = (turns * 4.0 + 0.5).floor();
    let angle = (turns * 4.0 - quarters) * (std::f64::consts::PI / 2.0);
    let square = angle * angle;
    let series = |quotients: &[f64]| {
        let terms = quotients.iter();
        terms.fold(1.0, |sum, quotient| 1.0 - square / quotient * sum)
    };
    let sine = angle * series(&[110.0, 72.0, 42.0, 20.0, 6.0]);
    let cosine = series(&[132.0, 90.0, 56.0, 30.0, 12.0, 2.0]);
    match (quarters as i64).rem_euclid(4) {
        0 => (cosine, sine),
        1 => (-sine, cosine),
        2 => (-cosine, -sine),
        _ => (sine, -cosine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_and_sine_agree_with_the_system() {
        for step in -400..400 {
            let turns = f64::from(step) / 97.0;
            let (cosine, sine) = cos_sin(turns);
            let angle = turns * 2.0 * std::f64::consts::PI;
            let error = (cosine - angle.cos()).abs().max((sine - angle.sin()).abs());
            assert!(error < 1e-9, "{turns}: {error}");
        }
    }

    #[test]
    fn normal_values_have_the_deviation_asked_for() {
        let mut hand = Hand::new(1);
        let values: Vec<f64> = (0..20_000).map(|_| hand.normal(0.5)).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let variance = values.iter().map(|value| value * value).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 0.25).abs() < 0.01, "{variance}");
    }
}
