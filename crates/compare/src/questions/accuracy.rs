//! How often each is right, as they are and at equal size.

use digits_report::chart::{Axis, Mark, Role, Row, Rows, rows};
use digits_report::{Block, Figure, Panel, Table, text};
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{
    all_points, difference_rows, difference_table, extent, joined, mean_and_deviation, percents,
    seed_table, spread,
};
use crate::network::{Network, Pair};
use crate::question::{Claim, Context, NetworkSummary, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{self, Difference, McNemar, Sample};
use crate::words::{LEVEL, comparison_sentence, lower};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The networks as they are.
    pub full: Comparison,
    /// Two networks of about the same number of parameters.
    pub matched: Comparison,
}

/// Two recipes against each other on the test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub recipe: Pair<String>,
    pub parameters: Pair<usize>,
    /// The seeds, in the order of all values below.
    pub seeds: Vec<u64>,
    /// Test accuracy, 0 to 1.
    pub accuracy: Pair<Sample>,
    pub difference: Difference,
    pub mcnemar: Vec<McNemar>,
}

impl Question for Accuracy {
    fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError> {
        Ok(vec![Group::full(runner.plan), Group::matched(runner.plan)])
    }

    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        Ok(Self {
            full: compare(runner, &Group::full(runner.plan))?,
            matched: compare(runner, &Group::matched(runner.plan))?,
        })
    }

    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        let (full, matched) = (&self.full, &self.matched);
        vec![
            Claim::tested(&full.difference, |p| {
                format!("{} {}", full.sentence(p), full.image_by_image())
            }),
            Claim::tested(&matched.difference, |p| {
                format!(
                    "With about the same number of parameters ({} in {}, {} in {}): {}",
                    text::count(matched.parameters.mlp),
                    matched.recipe.mlp,
                    text::count(matched.parameters.cnn),
                    matched.recipe.cnn,
                    lower(&matched.sentence(p)),
                )
            }),
        ]
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        let mut panels = Vec::new();
        for (name, slug, comparison) in self.named() {
            panels.push(comparison.accuracies(name, slug)?);
            panels.push(comparison.differences(name, slug)?);
        }
        let figure = Figure::new(
            panels,
            "Test accuracy of the four networks, and the difference of the two that are compared; right of the dashed line the CNN is better.",
            format!(
                "Each small dot is one network on all {} test images; the two of a seed have the same held-out images, and their difference is taken within the seed. {}",
                text::count(context.dataset.test_images),
                spread(self.full.seeds.len())
            ),
        );
        let by_seed = self.named().map(|(name, _, comparison)| {
            let accuracy = &comparison.accuracy;
            seed_table(
                &format!("Test accuracy in %, networks {name}"),
                &comparison.seeds,
                &[
                    (&comparison.recipe.mlp, percents(&accuracy.mlp.values)),
                    (&comparison.recipe.cnn, percents(&accuracy.cnn.values)),
                    (
                        "CNN − MLP, points",
                        all_points(&comparison.difference.values),
                    ),
                ],
            )
        });
        Ok(vec![
            Block::Figure(figure),
            self.accuracy_table(),
            difference_table(
                "Paired difference CNN − MLP in percentage points; p of the paired t-test",
                (&["networks"], "difference"),
                self.named()
                    .map(|(name, _, of)| (vec![name.to_owned()], &of.difference)),
            )
            .block(),
            Block::Heading("Image by image: McNemar's exact test".to_owned()),
            Block::paragraph(
                "Only images on which exactly one of the two networks is right can tell them apart. If both were equally good, each such image would fall to either side like a fair coin; p is the two-sided exact binomial probability of counts at least as uneven (McNemar 1947; Dietterich 1998). One test for each seed, p-values not adjusted.",
            ),
            self.mcnemar_table(),
            Block::raw(by_seed.into()),
        ])
    }

    fn caveats(&self, context: &Context<'_>) -> Vec<String> {
        [&self.full, &self.matched]
            .into_iter()
            .filter_map(|comparison| comparison.recipes(context))
            .collect()
    }

    fn summary(&self, recipe: &str) -> Vec<(&'static str, Option<String>)> {
        let accuracy = self.test_accuracy(recipe).map(mean_and_deviation);
        vec![("test accuracy, %", accuracy)]
    }

    fn test_accuracy(&self, recipe: &str) -> Option<&Sample> {
        [&self.full, &self.matched].into_iter().find_map(|of| {
            Network::BOTH
                .into_iter()
                .find(|network| of.recipe.of(*network) == recipe)
                .map(|network| of.accuracy.of(network))
        })
    }
}

/// Test accuracies, their difference seed by seed, and McNemar's test image by image.
fn compare(runner: &mut Runner<'_>, group: &Group) -> Result<Comparison, CompareError> {
    let outputs = runner.outputs(group)?;
    let classes = runner.test.classes();
    let right = outputs.map(|outputs| {
        let of_seed = |logits: &Vec<f64>| -> Vec<bool> {
            logits
                .chunks_exact(classes)
                .zip(runner.test.labels())
                .map(|(row, &label)| stats::top(row, 1.0).0 == label)
                .collect()
        };
        outputs.iter().map(of_seed).collect::<Vec<_>>()
    });
    let seeds = &runner.plan.seeds;
    let records = runner.runs(group).map(|runs| &runs[0].record); // a plan has seeds
    let accuracies = runner.test_accuracies(group);
    Ok(Comparison {
        recipe: records.map(|record| record.recipe.clone()),
        parameters: records.map(|record| record.parameters),
        seeds: seeds.clone(),
        accuracy: accuracies.samples(),
        difference: accuracies.difference(),
        mcnemar: seeds
            .iter()
            .zip(right.mlp.iter().zip(&right.cnn))
            .map(|(&seed, (mlp, cnn))| stats::mcnemar(seed, mlp, cnn))
            .collect(),
    })
}

impl Accuracy {
    /// Both comparisons with their names and the ends of their file names.
    fn named(&self) -> [(&'static str, &'static str, &Comparison); 2] {
        [
            ("at full size", "full", &self.full),
            ("matched in parameters", "matched", &self.matched),
        ]
    }

    fn accuracy_table(&self) -> Block {
        Table::new(
            "Test accuracy in %: mean ± standard deviation over the seeds, and the interval of the mean",
            ["network", "parameters", "accuracy", "95 % interval", "seeds"],
        )
        .rows([&self.full, &self.matched].into_iter().flat_map(|of| {
            Network::BOTH.map(|network| {
                let sample = of.accuracy.of(network);
                vec![
                    of.recipe.of(network).clone(),
                    text::count(*of.parameters.of(network)),
                    mean_and_deviation(sample),
                    text::percent_interval(sample.interval, 2),
                    of.seeds.len().to_string(),
                ]
            })
        }))
        .block()
    }

    fn mcnemar_table(&self) -> Block {
        Table::new(
            "Test images by who is right; exact p",
            [
                "networks", "seed", "both", "only MLP", "only CNN", "neither", "p",
            ],
        )
        .rows(self.named().into_iter().flat_map(|(name, _, of)| {
            of.mcnemar.iter().map(move |test| {
                vec![
                    name.to_owned(),
                    test.seed.to_string(),
                    text::count(test.both_right),
                    text::count(test.only_mlp_right),
                    text::count(test.only_cnn_right),
                    text::count(test.both_wrong),
                    text::p_cell(Some(test.p)),
                ]
            })
        }))
        .block()
    }
}

impl Comparison {
    fn sentence(&self, p: Option<f64>) -> String {
        comparison_sentence(
            "is right more often",
            &self.accuracy.map(|sample| sample.mean),
            &self.difference,
            p,
            "of the test images",
        )
    }

    /// What McNemar's test says of each seed.
    fn image_by_image(&self) -> String {
        let tests = &self.mcnemar;
        let found = tests.iter().filter(|test| test.p < LEVEL);
        let found = found.map(|test| test.only_cnn_right > test.only_mlp_right);
        let (cnn, mlp): (Vec<bool>, Vec<bool>) = found.partition(|&cnn| cnn);
        let (cnn, mlp, all) = (cnn.len(), mlp.len(), tests.len());
        if cnn == 0 && mlp == 0 {
            return format!(
                "Image by image, McNemar's exact test finds no difference in any of {all} seeds."
            );
        }
        let sides = [(cnn, "CNN"), (mlp, "MLP")].into_iter();
        let sides = sides.filter(|(count, _)| *count > 0);
        let sides = sides.map(|(count, name)| format!("for the {name} in {count} of {all} seeds"));
        let mut found = joined(sides, " and ");
        if cnn == all || mlp == all {
            let largest = tests.iter().map(|test| test.p).fold(0.0, f64::max);
            let largest = text::p_value(largest).unwrap_or_default();
            found += &format!(" (the largest {largest})");
        }
        format!("Image by image, McNemar's exact test decides {found}.")
    }

    fn accuracies(&self, name: &str, slug: &str) -> Result<Panel, CompareError> {
        let both = Network::BOTH.map(|network| {
            let (recipe, sample) = (self.recipe.of(network), self.accuracy.of(network));
            let mean = text::fixed(100.0 * sample.mean, 2);
            let row = Row {
                label: recipe.clone(),
                marks: vec![Mark::percent(network, sample, mean)],
            };
            (format!("{recipe} {}", text::percent(sample.mean, 2)), row)
        });
        let [(mlp, first), (cnn, second)] = both;
        Ok(rows(&Rows {
            slug: format!("accuracy-{slug}"),
            label: format!("Test accuracy {name}: {mlp}, {cnn}."),
            title: text::capitalized(name),
            x_title: "test accuracy in %".to_owned(),
            x: Axis::percent(extent([&self.accuracy.mlp, &self.accuracy.cnn])),
            rows: vec![first, second],
            ..Rows::default()
        })?)
    }

    fn differences(&self, name: &str, slug: &str) -> Result<Panel, CompareError> {
        let points = text::points(self.difference.mean);
        let marks = vec![(Role::Neutral, &self.difference)];
        Ok(rows(&Rows {
            slug: format!("difference-{slug}"),
            label: format!(
                "Difference of test accuracy {name}, CNN − MLP: {points} percentage points."
            ),
            title: format!("{}: difference", text::capitalized(name)),
            x_title: "percentage points".to_owned(),
            ..difference_rows(vec![("CNN − MLP".to_owned(), marks)])
        })?)
    }

    /// In what the recipes differ besides the architecture.
    fn recipes(&self, context: &Context<'_>) -> Option<String> {
        let mlp = context.network(&self.recipe.mlp)?;
        let cnn = context.network(&self.recipe.cnn)?;
        let settings = |network: &NetworkSummary| (network.dropout, network.label_smoothing);
        let (dropout, smoothing) = (text::plain(mlp.dropout), text::plain(mlp.label_smoothing));
        Some(if settings(mlp) == settings(cnn) {
            format!(
                "{} and {} are trained with the same dropout ({dropout}) and label smoothing ({smoothing}); how well each recipe was tuned may still differ.",
                mlp.recipe, cnn.recipe
            )
        } else {
            format!(
                "The recipes differ in more than the architecture: {} is trained with dropout {dropout} and label smoothing {smoothing}, {} with dropout {} and label smoothing {}. A part of any difference, above all in calibration, may come from that.",
                mlp.recipe,
                cnn.recipe,
                text::plain(cnn.dropout),
                text::plain(cnn.label_smoothing)
            )
        })
    }
}
