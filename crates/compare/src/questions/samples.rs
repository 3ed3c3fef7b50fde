//! How many images each needs.

use digits_data::stratified_split;
use digits_report::chart::{Axis, Line, Plot, Point, lines};
use digits_report::{Block, Figure, Panel, Table, text};
use digits_train::Keep;
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{
    both_lines, both_means, difference_key, difference_table, ends, joined, mean_and_deviation,
    percents, trained,
};
use crate::network::{Network, Pair};
use crate::plan::Plan;
use crate::question::{Claim, Context, Question};
use crate::runner::Runner;
use crate::runs::{Group, config};
use crate::stats::{Difference, Sample};
use crate::words::{comparison_sentence, lower};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleEfficiency {
    pub seeds: Vec<u64>,
    /// From few images to all.
    pub sizes: Vec<SampleSize>,
}

/// Both networks trained on some of the images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleSize {
    /// Training images of each class; none for all there are.
    pub per_class: Option<usize>,
    pub images: usize,
    pub accuracy: Pair<Sample>,
    pub difference: Difference,
}

impl Question for SampleEfficiency {
    fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError> {
        let smallest = smallest_class(runner)?;
        let sizes = runner.plan.samples.per_class.iter();
        let (possible, too_large): (Vec<_>, Vec<_>) = sizes.partition(|&&size| size <= smallest);
        if !too_large.is_empty() {
            runner.notice(format!(
                "{} has only {smallest} training images of its smallest class: {too_large:?} images per class are left out",
                runner.dataset.name
            ));
        }
        let small = possible.into_iter();
        let small = small.map(|&per_class| small_training_set(runner.plan, per_class));
        Ok(small.chain([Group::full(runner.plan)]).collect())
    }

    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        let (plan, classes) = (runner.plan, runner.test.classes());
        let seeds = plan.samples.seeds;
        let smallest = smallest_class(runner)?;
        let all = Group::full(plan).first(seeds);
        let all_images = runner.runs(&all).mlp[0].record.dataset.train_images; // a plan has seeds
        let sizes = plan.samples.per_class.iter();
        let groups = sizes
            .filter(|&&size| size <= smallest)
            .map(|&size| (Some(size), size * classes, small_training_set(plan, size)))
            .chain([(None, all_images, all)]);
        Ok(Self {
            seeds: plan.seeds[..seeds].to_vec(),
            sizes: groups
                .map(|(per_class, images, group)| {
                    let accuracies = runner.test_accuracies(&group);
                    SampleSize {
                        per_class,
                        images,
                        difference: accuracies.difference(),
                        accuracy: accuracies.samples(),
                    }
                })
                .collect(),
        })
    }

    /// The test is of the smallest number of images; the others are told.
    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        vec![match self.sizes.first() {
            Some(fewest) => Claim::tested(&fewest.difference, |p| self.sentence(fewest, p)),
            None => Claim::untested("Training on fewer images was not tried.".to_owned()),
        }]
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        if self.sizes.is_empty() {
            return Ok(vec![Block::paragraph("Not measured in this plan.")]);
        }
        let plan = &context.plan.samples;
        let figure = Figure::new(
            vec![self.accuracies()?, self.differences()?],
            "Test accuracy against the number of training images, and the paired difference of the two networks. The horizontal axes are logarithmic.",
            format!(
                "For each size both networks of a seed are trained on the same images, as many of each class, for about {} of {}, and the last network is kept; “all” is taken from question 1, where epochs and batches are those of the recipe. {}",
                text::plural(plan.steps, "step"),
                text::plural(plan.batch_size, "image"),
                trained(&self.seeds)
            ),
        );
        let sizes = self.sizes.iter().map(|size| {
            let row = vec![
                size.name(),
                text::count(size.images),
                mean_and_deviation(&size.accuracy.mlp),
                mean_and_deviation(&size.accuracy.cnn),
            ];
            (row, &size.difference)
        });
        let table = difference_table(
            "Test accuracy in %, mean ± standard deviation, and CNN − MLP in percentage points; p of the paired t-test",
            (&["of each class", "images", "MLP", "CNN"], "difference"),
            sizes,
        );
        Ok(vec![
            Block::Figure(figure),
            table.block(),
            Block::raw(vec![self.raw_table()]),
        ])
    }
}

/// The networks trained on a few images of each class, for the plan's number of steps. The last
/// network is kept: a choice among epochs would rest on 5,000 images that these runs are not to
/// have.
fn small_training_set(plan: &Plan, per_class: usize) -> Group {
    let (batch_size, steps) = (plan.samples.batch_size, plan.samples.steps);
    let variant = format!("-{per_class}");
    Group::changed(plan, plan.samples.seeds, variant, move |config| {
        let images = per_class * config.model.input().classes;
        let training = &mut config.training;
        training.batch_size = batch_size;
        training.keep = Keep::Last;
        let passes = (steps * batch_size).div_ceil(training.epochs * images);
        training.passes = passes.max(1);
        config.view.per_class = Some(per_class);
    })
}

/// Training images of the class that has the fewest.
fn smallest_class(runner: &Runner<'_>) -> Result<usize, CompareError> {
    let (plan, train) = (runner.plan, &runner.dataset.train);
    let seed = plan.seeds[0]; // a plan has seeds
    let validation = config(plan, runner.dataset, &plan.networks.mlp, seed)?
        .training
        .validation;
    let labels = train.labels();
    let split = stratified_split(labels, validation.min(labels.len() - 1), seed)?;
    let mut counts = vec![0; train.classes()];
    for index in split.train {
        counts[usize::from(train.label(index as usize))] += 1;
    }
    Ok(counts.into_iter().min().unwrap_or(usize::MAX))
}

impl SampleEfficiency {
    fn sentence(&self, fewest: &SampleSize, p: Option<f64>) -> String {
        let images = fewest.per_class;
        let images = images.map_or("all images".to_owned(), |count| {
            format!("{count} images of each class")
        });
        let comparison = comparison_sentence(
            "is right more often",
            &fewest.accuracy.map(|sample| sample.mean),
            &fewest.difference,
            p,
            "of the test images right",
        );
        let (all, sizes) = (self.sizes.len(), self.sizes.iter());
        let ahead = match sizes.filter(|size| size.difference.mean > 0.0).count() {
            ahead if ahead == all => "every one".to_owned(),
            ahead => ahead.to_string(),
        };
        format!(
            "Trained on {images}, {} Over {all} sizes of the training set, the CNN's mean is the higher one at {ahead}.",
            lower(&comparison),
        )
    }

    /// A plot against the number of images: logarithms with the names of the sizes. No image at
    /// all has no place there. `each` is told of each size to those who do not see it.
    fn plot(&self, what: &str, each: impl Fn(&SampleSize) -> String) -> Plot {
        let each = self.sizes.iter().map(each);
        let sizes = self.sizes.iter().filter(|size| size.images > 0);
        let ticks: Vec<(f64, String)> = sizes.map(|size| (size.place(), size.name())).collect();
        let places = || ticks.iter().map(|(at, _)| *at);
        let low = places().reduce(f64::min).unwrap_or(0.0);
        let high = places().reduce(f64::max).unwrap_or(1.0);
        Plot {
            label: format!("{what}. {}.", joined(each, "; ")),
            x_title: Some("training images of each class".to_owned()),
            x: Axis::with_ticks(low - 0.15, high + 0.2, ticks),
            legend: true,
            ..Plot::default()
        }
    }

    fn accuracies(&self) -> Result<Panel, CompareError> {
        let places: Vec<f64> = self.sizes.iter().map(SampleSize::place).collect();
        let samples: Vec<_> = self.sizes.iter().map(|size| &size.accuracy).collect();
        let means = samples.iter().flat_map(|of| [of.mlp.mean, of.cnn.mean]);
        Ok(lines(&Plot {
            slug: "samples-accuracy".to_owned(),
            title: "Test accuracy in %".to_owned(),
            y: Axis::percent(means.chain([1.0])),
            lines: both_lines(&places, &samples),
            ..self.plot("Test accuracy against training images", |size| {
                let means = both_means(&size.accuracy, 1);
                format!("{} of each class: {means}", size.name())
            })
        })?)
    }

    fn differences(&self) -> Result<Panel, CompareError> {
        let sizes = self.sizes.iter();
        let what = "CNN − MLP in percentage points";
        Ok(lines(&Plot {
            slug: "samples-difference".to_owned(),
            title: what.to_owned(),
            y: Axis::difference(sizes.clone().flat_map(|size| ends(&size.difference))),
            lines: vec![Line {
                key: difference_key(),
                points: sizes
                    .map(|size| Point::percent(size.place(), &size.difference))
                    .collect(),
                band: false,
            }],
            ..self.plot(
                &format!("{what} by training images of each class"),
                |size| format!("{}: {}", size.name(), text::points(size.difference.mean)),
            )
        })?)
    }

    fn raw_table(&self) -> Block {
        let head = ["of each class".to_owned(), "network".to_owned()];
        let seeds = self.seeds.iter().map(|seed| format!("seed {seed}"));
        Table::new("Test accuracy in %", head.into_iter().chain(seeds))
            .words(2)
            .rows(self.sizes.iter().flat_map(|size| {
                Network::BOTH.map(|network| {
                    let mut row = vec![size.name(), network.name().to_owned()];
                    row.extend(percents(&size.accuracy.of(network).values));
                    row
                })
            }))
            .block()
    }
}

impl SampleSize {
    fn place(&self) -> f64 {
        (self.images as f64).log10()
    }

    fn name(&self) -> String {
        self.per_class.map_or_else(|| "all".to_owned(), text::count)
    }
}
