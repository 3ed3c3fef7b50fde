//! What shift, rotation and scale of the test images do.

use digits_data::{Images, Perturbation};
use digits_report::chart::{Axis as Scale, Key, Plot, Rows, lines, rows};
use digits_report::{Block, Figure, Panel, text};
use digits_train::{LoadedRun, RunConfig};
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{
    changed, columns_table, difference_rows, difference_table, images, joined, keys, line,
    mean_and_deviation, percents, seeds, spread, ticks,
};
use crate::network::{Network, Pair};
use crate::plan::Plan;
use crate::question::{Claim, Context, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{Difference, Sample, largest, mean, mean_by_seed, paired, sample};
use crate::words::{
    Verdict, comparison_sentence, from_to, lower, probability, seeds_note, verdict_on_both,
};

/// The four directions of a shift: name, right, down.
const DIRECTIONS: [(&str, f64, f64); 4] = [
    ("right", 1.0, 0.0),
    ("left", -1.0, 0.0),
    ("down", 0.0, 1.0),
    ("up", 0.0, -1.0),
];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    pub seeds: Vec<u64>,
    pub augmented_seeds: Vec<u64>,
    /// Bound of the random shift in the augmented training, in pixels.
    pub augmentation_shift: f64,
    pub axes: Vec<Axis>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    pub kind: AxisKind,
    pub amounts: Vec<f64>,
    /// Test accuracy at each amount; `augmented` by shifts in training, `plain` without.
    pub plain: Pair<Vec<Sample>>,
    pub augmented: Pair<Vec<Sample>>,
    /// CNN − MLP of the mean accuracy over all amounts that change something.
    pub plain_difference: Difference,
    pub augmented_difference: Difference,
    /// Mean accuracy over all amounts that change something, augmented − plain, by seed.
    pub gain: Pair<Difference>,
    /// For shifts: the accuracy of the networks trained without augmentation in each direction
    /// (right, left, down, up), mean over the seeds.
    pub directions: Vec<Direction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxisKind {
    Shift,
    Rotation,
    Scale,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    pub name: String,
    pub accuracy: Pair<Vec<f64>>,
}

impl Question for Tolerance {
    fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError> {
        Ok(vec![Group::full(runner.plan), shifted(runner.plan)])
    }

    fn evaluated_images(plan: &Plan) -> (usize, usize) {
        let plan = &plan.tolerance;
        let variants = 4 * plan.shifts.len() + plan.rotations.len() + plan.scales.len();
        (variants * (plan.seeds + plan.augmented_seeds), plan.images)
    }

    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        let groups = Self::groups(runner)?;
        runner.cached("tolerance", "shift, rotation, scale", &groups, measure)
    }

    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        let [shift, rotation, scale] = self.axes.as_slice() else {
            let untried = [
                "Shifted test images were not tried.",
                "Training with shifted images was not tried.",
                "Rotated and scaled test images were not tried.",
            ];
            return untried.map(|text| Claim::untested(text.to_owned())).into();
        };
        let gains = [&shift.gain.mlp, &shift.gain.cnn];
        let both = [rotation, scale];
        let differences = both.map(|axis| &axis.plain_difference);
        vec![
            Claim::tested(&shift.plain_difference, |p| shift_sentence(shift, p)),
            Claim::tested_twice(gains, |p| self.augmentation_sentence(shift, p)),
            Claim::tested_twice(differences, move |p| rotation_and_scale_sentence(both, p)),
        ]
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        if self.axes.is_empty() {
            return Ok(vec![Block::paragraph("Not measured in this plan.")]);
        }
        let augmented = !self.augmented_seeds.is_empty();
        let axes = self.axes.iter();
        let raw = axes.clone().map(Axis::raw_table);
        let raw = raw.chain(axes.filter_map(Axis::direction_table)).collect();
        Ok(vec![
            self.figure(augmented, context)?.into(),
            self.difference_table(augmented),
            Block::raw(raw),
        ])
    }
}

fn shifted(plan: &Plan) -> Group {
    let (seeds, shift) = (
        plan.tolerance.augmented_seeds,
        plan.tolerance.augmentation_shift,
    );
    let change = move |config: &mut RunConfig| config.augmentation.shift = shift;
    Group::changed(plan, seeds, "-shifted", change)
}

fn measure(runner: &mut Runner<'_>) -> Result<Tolerance, CompareError> {
    let plan = &runner.plan.tolerance;
    let plain = runner.load(&Group::full(runner.plan).first(plan.seeds))?;
    let augmented = runner.load(&shifted(runner.plan))?;
    let images = runner.some_test_images(plan.images)?;
    let mut axes = Vec::new();
    for kind in [AxisKind::Shift, AxisKind::Rotation, AxisKind::Scale] {
        axes.push(axis(runner, kind, &images, [&plain, &augmented])?);
    }
    let seeds = &runner.plan.seeds;
    Ok(Tolerance {
        seeds: seeds[..plan.seeds].to_vec(),
        augmented_seeds: seeds[..plan.augmented_seeds].to_vec(),
        augmentation_shift: plan.augmentation_shift,
        axes,
    })
}

/// Changes all images alike, amount by amount, and asks every network, `[plain, augmented]`.
fn axis(
    runner: &mut Runner<'_>,
    kind: AxisKind,
    images: &Images,
    networks: [&Pair<Vec<LoadedRun>>; 2],
) -> Result<Axis, CompareError> {
    let plan = &runner.plan.tolerance;
    let amounts = match kind {
        AxisKind::Shift => &plan.shifts,
        AxisKind::Rotation => &plan.rotations,
        AxisKind::Scale => &plan.scales,
    };
    // By training, amount and direction.
    let mut every = [Vec::new(), Vec::new()];
    for &amount in amounts {
        let mut here = [Vec::new(), Vec::new()];
        for change in kind.perturbations(amount) {
            change.validate()?;
            let images = changed(images, |_, pixels| change.apply(images.shape(), pixels))?;
            for (here, networks) in here.iter_mut().zip(networks) {
                here.push(runner.accuracies(networks, &images)?);
            }
        }
        for (every, here) in every.iter_mut().zip(here) {
            every.push(here);
        }
    }
    let shifted = if kind == AxisKind::Shift { 4 } else { 0 };
    let directions = DIRECTIONS.iter().take(shifted).enumerate();
    let directions = directions.map(|(number, (name, ..))| Direction {
        name: (*name).to_owned(),
        accuracy: Pair::from_fn(|network| {
            let here = every[0].iter().map(|here| here[number].of(network));
            here.map(|accuracies| mean(accuracies)).collect()
        }),
    });
    let directions = directions.collect();
    let all =
        every.map(|amounts| -> Vec<Pair<Vec<f64>>> { amounts.iter().map(mean_by_seed).collect() });
    let mean_of = all.each_ref().map(|line| {
        let changing = line.iter().zip(amounts);
        let changing = changing.filter(|(_, amount)| **amount != kind.unchanged());
        mean_by_seed(changing.map(|(one, _)| one))
    });
    let [plain, augmented] = all.map(|line| {
        Pair::from_fn(|network| {
            let values = line.iter().map(|one| one.of(network).clone());
            values.map(sample).collect()
        })
    });
    let both = plan.augmented_seeds.min(plan.seeds);
    Ok(Axis {
        kind,
        amounts: amounts.to_vec(),
        plain,
        augmented,
        plain_difference: mean_of[0].difference(),
        augmented_difference: mean_of[1].difference(),
        gain: Pair::from_fn(|network| {
            let [plain, augmented] = mean_of.each_ref().map(|pair| pair.of(network));
            paired(&plain[..both], &augmented[..both])
        }),
        directions,
    })
}

impl AxisKind {
    fn unchanged(self) -> f64 {
        if self == Self::Scale { 1.0 } else { 0.0 }
    }

    fn perturbations(self, amount: f64) -> Vec<Perturbation> {
        let moved = |(_, right, down): (&str, f64, f64)| Perturbation {
            right: right * amount,
            down: down * amount,
            ..Perturbation::default()
        };
        let (mut turned, mut sized) = (Perturbation::default(), Perturbation::default());
        (turned.rotation, sized.scale) = (amount, amount);
        match self {
            Self::Shift => DIRECTIONS.map(moved).into(),
            Self::Rotation => vec![turned],
            Self::Scale => vec![sized],
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Shift => ("Shift", "shift in pixels, mean of four directions"),
            Self::Rotation => ("Rotation", "degrees, clockwise"),
            Self::Scale => ("Scale", "size, 1 = unchanged"),
        }
    }
}

fn shift_sentence(axis: &Axis, p: Option<f64>) -> String {
    let above_zero = axis.amounts.iter().copied().filter(|amount| *amount > 0.0);
    let least = text::plain(above_zero.fold(f64::INFINITY, f64::min));
    let most = text::plain(largest(&axis.amounts));
    let (means, difference) = (axis.mean_of(&axis.plain), &axis.plain_difference);
    let of = "of them right on average";
    let compared = comparison_sentence("is more tolerant", &means, difference, p, of);
    format!(
        "On test images shifted by {least} to {most} pixels, {}",
        lower(&compared)
    )
}

fn rotation_and_scale_sentence(axes: [&Axis; 2], p: Option<f64>) -> String {
    let [rotation, scale] = axes;
    let [turned, sized] = axes.map(|axis| {
        let means = axis.mean_of(&axis.plain);
        let Pair { mlp, cnn } = means.map(|mean| text::percent(*mean, 2));
        format!("CNN {cnn} and MLP {mlp}")
    });
    let numbers = format!(
        "rotated by up to {}°, {turned}; scaled to {}–{} of their size, {sized}{}.",
        text::plain(largest(&rotation.amounts)),
        text::plain(scale.amounts.iter().copied().fold(f64::INFINITY, f64::min)),
        text::plain(largest(&scale.amounts)),
        probability(p)
    );
    let differences = axes.map(|axis| &axis.plain_difference);
    let found = match verdict_on_both(differences, p) {
        Verdict::Cnn => "The CNN is more tolerant of rotation and of scale, too".to_owned(),
        Verdict::Mlp => "The MLP is more tolerant of rotation and of scale".to_owned(),
        Verdict::None => format!(
            "That one network is more tolerant of both rotation and scale was not found{}",
            seeds_note(differences[0])
        ),
    };
    format!("{found}: {numbers}")
}

impl Tolerance {
    fn augmentation_sentence(&self, axis: &Axis, p: Option<f64>) -> String {
        let [plain, augmented] = [&axis.plain, &axis.augmented].map(|lines| axis.mean_of(lines));
        let numbers = from_to("", &plain, &augmented) + &probability(p);
        let bound = text::plain(self.augmentation_shift);
        let training = format!("Random shifts of up to {bound} pixels in training");
        // A gain is augmented − plain: its sign is not that of one of the networks.
        match verdict_on_both([&axis.gain.mlp, &axis.gain.cnn], p) {
            Verdict::Cnn => format!("{training} make both more tolerant of shift: {numbers}."),
            Verdict::Mlp => format!("{training} make both less tolerant of shift: {numbers}."),
            Verdict::None => format!(
                "{training}: no change of both in the same direction was found{} ({numbers}).",
                seeds_note(&axis.gain.mlp)
            ),
        }
    }

    fn figure(&self, augmented: bool, context: &Context<'_>) -> Result<Figure, CompareError> {
        let panels = self.axes.iter().map(Axis::curves);
        let mut panels = panels.collect::<Result<Vec<Panel>, _>>()?;
        let mut trained = text::capitalized(&seeds(&self.seeds));
        if augmented {
            panels.push(self.gains()?);
            trained = format!(
                "Without augmentation: {}; with it: {}, each training image shifted at random by up to {} pixels in each direction",
                seeds(&self.seeds),
                seeds(&self.augmented_seeds),
                text::plain(self.augmentation_shift)
            );
        }
        Ok(Figure::new(
            panels,
            "Test accuracy as the test images are shifted, turned and resized. Dashed lines with open markers: trained with shift augmentation. Last: what that augmentation gains on average over all amounts that change something.",
            format!(
                "The networks are the same at every amount; only {} are changed. A shift is tried to the right, left, down and up, and the four are averaged; turned clockwise; resized about the middle. {trained}. {}",
                images(context.plan.tolerance.images, context),
                spread(self.seeds.len())
            ),
        ))
    }

    fn gains(&self) -> Result<Panel, CompareError> {
        let (mut each, mut rows_of) = (Vec::new(), Vec::new());
        for Axis { kind, gain, .. } in &self.axes {
            let name = kind.words().0;
            for network in Network::BOTH {
                let points = text::points(gain.of(network).mean);
                each.push(format!(
                    "{} {} {points}",
                    name.to_lowercase(),
                    network.name()
                ));
            }
            let marks = Network::BOTH.map(|network| (network.into(), gain.of(network)));
            rows_of.push((name.to_owned(), marks.into()));
        }
        let each = each.join(", ");
        Ok(rows(&Rows {
            slug: "tolerance-gain".to_owned(),
            label: format!("Gain from shift augmentation in percentage points: {each}."),
            title: "Gain from shift augmentation".to_owned(),
            x_title: "percentage points, augmented − not".to_owned(),
            legend: keys(),
            ..difference_rows(rows_of)
        })?)
    }

    fn difference_table(&self, augmented: bool) -> Block {
        let mut rows = Vec::new();
        for axis in &self.axes {
            let row = |training: &str| vec![axis.kind.words().0.to_owned(), training.to_owned()];
            rows.push((row("as they are"), &axis.plain_difference));
            if augmented {
                rows.push((row("shift augmentation"), &axis.augmented_difference));
            }
        }
        difference_table(
            "CNN − MLP in percentage points: mean accuracy over all amounts that change something; p of the paired t-test",
            (&["disturbance", "training"], "difference"),
            rows,
        )
        .words(2)
        .block()
    }
}

impl Axis {
    /// Mean over all amounts that change something.
    fn mean_of(&self, lines: &Pair<Vec<Sample>>) -> Pair<f64> {
        lines.map(|line| {
            let samples = line.iter().zip(&self.amounts);
            let changing = samples.filter(|(_, amount)| **amount != self.kind.unchanged());
            mean(&changing.map(|(sample, _)| sample.mean).collect::<Vec<_>>())
        })
    }

    fn variants(&self) -> Vec<(Key, &[Sample])> {
        let mut variants = Vec::new();
        for (ending, pair) in [("", &self.plain), (", augmented", &self.augmented)] {
            for network in Network::BOTH {
                let mut key = Key::new(network, network.name().to_owned() + ending);
                key.hollow = !ending.is_empty();
                variants.push((key, pair.of(network).as_slice()));
            }
        }
        variants.retain(|(_, samples)| !samples.is_empty());
        variants
    }

    fn curves(&self) -> Result<Panel, CompareError> {
        let (name, unit) = self.kind.words();
        let slug = name.to_lowercase();
        let variants = self.variants();
        let samples = variants.iter().flat_map(|(_, samples)| *samples);
        let low = self.amounts.first().copied().unwrap_or(0.0);
        let high = self.amounts.last().copied().unwrap_or(1.0);
        // Every amount has a tick as long as their labels do not touch.
        let every = self.amounts.len().div_ceil(9).max(1);
        let ticked = self.amounts.iter().copied().step_by(every);
        let worst = variants.iter().filter_map(|(key, samples)| {
            let means = samples.iter().map(|sample| sample.mean);
            let worst = means.filter(|mean| mean.is_finite()).reduce(f64::min)?;
            Some(format!("{} {}", key.name, text::percent(worst, 1)))
        });
        let worst = joined(worst, ", ");
        let high = if high > low { high } else { low + 1.0 };
        let drawn = variants
            .iter()
            .map(|(key, of)| line(key.clone(), &self.amounts, *of));
        Ok(lines(&Plot {
            label: format!("Test accuracy against {slug}; lowest mean accuracy: {worst}."),
            slug: format!("tolerance-{slug}"),
            title: format!("{name}: test accuracy in %"),
            x_title: Some(unit.to_owned()),
            x: Scale::with_ticks(low, high, ticks(ticked)),
            y: Scale::percent(samples.map(|sample| sample.mean).chain([1.0])),
            lines: drawn.collect(),
            legend: true,
            ..Plot::default()
        })?)
    }

    fn raw_table(&self) -> Block {
        let (name, unit) = self.kind.words();
        let cells = |samples: &[Sample]| samples.iter().map(mean_and_deviation).collect();
        let columns = self.variants().into_iter();
        let columns: Vec<_> = columns.map(|(key, of)| (key.name, cells(of))).collect();
        let caption = format!("{name}: test accuracy in %, mean ± standard deviation");
        let amounts = self.amounts.iter().copied().map(text::plain);
        columns_table(caption, unit, amounts, &columns)
    }

    fn direction_table(&self) -> Option<Block> {
        let mut columns = Vec::new();
        for Direction { name, accuracy } in &self.directions {
            let column = |of: Network| (format!("{} {name}", of.name()), percents(accuracy.of(of)));
            columns.extend(Network::BOTH.map(column));
        }
        let caption =
            "By direction: test accuracy in %, mean over the seeds, trained without augmentation";
        let amounts = self.amounts.iter().copied().map(text::plain);
        let corner = self.kind.words().0;
        (!columns.is_empty()).then(|| columns_table(caption, corner, amounts, &columns))
    }
}
