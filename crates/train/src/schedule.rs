use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The learning rate as a function of the step. Warm-up is a fraction of all steps, during
/// which the rate rises linearly from 0 (one-cycle: along a cosine).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// The same rate throughout.
    Constant {
        /// Learning rate.
        rate: f64,
        /// Fraction of all steps spent warming up.
        #[serde(default)]
        warmup: f64,
    },
    /// Up to the peak along a cosine, then down to almost nothing (Smith and Topin 2018, with
    /// the cosine shape and the divisors 25 and 10⁴ that PyTorch uses by default).
    OneCycle {
        /// Highest learning rate.
        peak: f64,
        /// Fraction of all steps spent rising.
        #[serde(default = "one_cycle_warmup")]
        warmup: f64,
    },
    /// From the peak to the final rate along half a cosine (Loshchilov and Hutter 2017).
    Cosine {
        /// Learning rate at the start.
        peak: f64,
        /// Learning rate at the end.
        #[serde(default, rename = "final")]
        last: f64,
        /// Fraction of all steps spent warming up.
        #[serde(default)]
        warmup: f64,
    },
    /// Multiplied by `factor` after every `every` epochs.
    Step {
        /// Learning rate at the start.
        rate: f64,
        /// Epochs between two changes.
        every: usize,
        /// What the rate is multiplied by.
        factor: f64,
        /// Fraction of all steps spent warming up.
        #[serde(default)]
        warmup: f64,
    },
}

fn one_cycle_warmup() -> f64 {
    0.3
}

impl Schedule {
    /// The learning rate of `step` (counted from 0) of `total`, `per_epoch` of them an epoch.
    pub fn rate(&self, step: usize, total: usize, per_epoch: usize) -> f64 {
        let last_step = total.saturating_sub(1).max(1) as f64;
        match *self {
            Self::Constant { rate, warmup } => rate * rise(step, total, warmup),
            Self::OneCycle { peak, warmup } => {
                let (start, end) = (peak / 25.0, peak / 25.0 / 1e4);
                let top = (warmup * total as f64 - 1.0).max(0.0);
                let step = step as f64;
                if step <= top && top > 0.0 {
                    cosine(start, peak, step / top)
                } else {
                    cosine(
                        peak,
                        end,
                        ((step - top) / (last_step - top).max(1.0)).clamp(0.0, 1.0),
                    )
                }
            }
            Self::Cosine { peak, last, warmup } => {
                cosine(peak, last, (step as f64 / last_step).min(1.0)) * rise(step, total, warmup)
            }
            Self::Step {
                rate,
                every,
                factor,
                warmup,
            } => {
                let epoch = step / per_epoch.max(1);
                rate * factor.powf((epoch / every.max(1)) as f64) * rise(step, total, warmup)
            }
        }
    }
}

/// From `start` to `end` along half a cosine, `progress` in 0..=1.
fn cosine(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * progress).cos()) / 2.0
}

/// Linear warm-up: (step + 1) / steps of warm-up, at most 1.
fn rise(step: usize, total: usize, warmup: f64) -> f64 {
    let steps = warmup * total as f64;
    if steps < 1.0 {
        1.0
    } else {
        ((step + 1) as f64 / steps).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in a recipe.
    fn schedule(text: &str) -> Schedule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn one_cycle_follows_pytorch_and_steps_fall_at_the_end_of_epochs() {
        // torch.optim.lr_scheduler.OneCycleLR(SGD(lr=1), max_lr=0.003, total_steps=10):
        // first, peak (step 2 = 0.3·10 − 1) and last rate by its documented formula.
        let one_cycle = schedule("kind = 'one-cycle'\npeak = 0.003");
        let rate = |step| one_cycle.rate(step, 10, 5);
        assert!((rate(0) - 0.003 / 25.0).abs() < 1e-15);
        assert!((rate(2) - 0.003).abs() < 1e-15);
        assert!((rate(9) - 0.003 / 25.0 / 1e4).abs() < 1e-15);
        assert!(rate(1) < rate(2) && rate(3) < rate(2));

        let steps = schedule("kind = 'step'\nrate = 1.0\nevery = 2\nfactor = 0.1");
        for step in 0..12 {
            let expected = if step < 6 { 1.0 } else { 0.1 };
            assert!((steps.rate(step, 12, 3) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn every_schedule_stays_positive_and_finite_even_for_one_step() {
        for text in [
            "kind = 'constant'\nrate = 0.1\nwarmup = 0.5",
            "kind = 'one-cycle'\npeak = 0.1\nwarmup = 0.0",
            "kind = 'one-cycle'\npeak = 0.1\nwarmup = 0.9",
            "kind = 'cosine'\npeak = 0.1\nfinal = 0.01\nwarmup = 0.1",
            "kind = 'step'\nrate = 0.1\nevery = 1\nfactor = 0.5",
        ] {
            let schedule = schedule(text);
            for total in 1..20 {
                for rate in (0..total).map(|step| schedule.rate(step, total, 4)) {
                    assert!(rate > 0.0 && rate <= 0.1 + 1e-12, "{text} {total}: {rate}");
                }
            }
        }
    }
}
