//! What each network costs.

use std::fs;
use std::time::Instant;

use digits_report::chart::{Axis, Key, Line, Plot, Point, lines};
use digits_report::{Block, Figure, Panel, Table, text};
use digits_train::TrainError;
use serde::{Deserialize, Serialize};
use statrs::statistics::{Data, OrderStatistics};

use crate::error::CompareError;
use crate::evidence::{columns_table, joined};
use crate::network::Network;
use crate::question::{Claim, Context, Question};
use crate::runner::Runner;
use crate::runs::{Group, Trained};

/// Passes over the test split whose median time counts, after one that does not.
const PASSES: usize = 5;
/// Validation accuracies that a training may reach, and their names.
const MARKS: [(f64, &str); 3] = [(0.97, "97 %"), (0.98, "98 %"), (0.99, "99 %")];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// One entry for each recipe, in the order of `Results::networks`.
    pub networks: Vec<NetworkCost>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkCost {
    pub recipe: String,
    pub network: Network,
    pub parameters: usize,
    /// Multiply-accumulate operations to classify one image.
    #[serde(rename = "multiply_adds")]
    pub macs: u64,
    /// Seconds of training in one epoch, median over all epochs of all seeds.
    pub seconds_per_epoch: f64,
    /// Images classified in a second, median of several passes over the test split.
    pub inference_images_per_second: f64,
    /// Bytes of `model.bpk`.
    pub bytes: u64,
    /// How soon the validation accuracy reaches 97, 98 and 99 %.
    pub reaches: Vec<Reaches>,
}

/// How soon a validation accuracy is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reaches {
    pub accuracy: f64,
    /// Seeds that reach it.
    pub seeds: usize,
    /// Seeds in all.
    pub of: usize,
    /// Median epoch in which it is reached, over the seeds that reach it.
    pub epoch: Option<f64>,
    /// Median seconds of training until the end of that epoch.
    pub seconds: Option<f64>,
}

impl Question for Cost {
    fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError> {
        Ok(vec![Group::full(runner.plan), Group::matched(runner.plan)])
    }

    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        runner.timed("cost", "cost", |runner| {
            let networks = runner.compared().into_iter();
            let networks = networks.map(|(network, runs)| measure(runner, network, &runs));
            Ok(Self {
                networks: networks.collect::<Result<_, _>>()?,
            })
        })
    }

    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        vec![Claim::untested(self.sentence())]
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        let mut blocks = vec![self.cost_table()];
        if !self.networks.is_empty() {
            blocks.push(Block::Figure(self.figure(context)?));
        }
        blocks.push(self.reaches_table());
        blocks.push(Block::paragraph(
            "Seconds of an epoch are the median over all epochs of all seeds, training only. Images in a second are the median of several passes over the test split. Both depend on the machine, the backend and the number of threads; parameters and multiply-adds do not.",
        ));
        let layers = Table::new("The networks", ["network", "layers", "parameters"])
            .words(2)
            .rows(context.networks.iter().map(|network| {
                vec![
                    network.recipe.clone(),
                    network.layers.clone(),
                    text::count(network.parameters),
                ]
            }));
        blocks.push(Block::raw(vec![layers.block()]));
        Ok(blocks)
    }

    /// Equal parameters are not equal work.
    fn caveats(&self, context: &Context<'_>) -> Vec<String> {
        let recipes = &context.plan.matched;
        let works = recipes.map(|recipe| self.of(recipe).map_or(0, |cost| cost.macs));
        let mut both = Network::BOTH.map(|network| (*works.of(network), recipes.of(network)));
        both.sort_by_key(|(work, _)| *work);
        let [(less, light), (more, heavy)] = both;
        let times = more as f64 / less as f64;
        let told = (less > 0 && times >= 1.5).then(|| format!(
            "Matched in parameters is not matched in work: {heavy} needs {} times the multiply-adds of {light}.",
            text::rate(times),
        ));
        told.into_iter().collect()
    }

    fn summary(&self, recipe: &str) -> Vec<(&'static str, Option<String>)> {
        let cost = self.of(recipe);
        let seconds = cost.map(|cost| text::fixed(cost.seconds_per_epoch, 2));
        let rate = cost.map(|cost| text::rate(cost.inference_images_per_second));
        vec![("s/epoch", seconds), ("images/s", rate)]
    }
}

fn measure(
    runner: &Runner<'_>,
    network: Network,
    runs: &[&Trained],
) -> Result<NetworkCost, CompareError> {
    let first = runs[0]; // a plan has seeds
    let (_, config) = first.folder.describe()?;
    let epochs = runs.iter().flat_map(|run| &run.record.epochs);
    let model = first.folder.path().join("model.bpk");
    let bytes = fs::metadata(&model)
        .map_err(CompareError::io("read", &model))?
        .len();
    Ok(NetworkCost {
        recipe: first.record.recipe.clone(),
        network,
        parameters: first.record.parameters,
        macs: config.model.macs().map_err(TrainError::from)?,
        seconds_per_epoch: median(epochs.map(|epoch| epoch.seconds).collect()).unwrap_or(0.0),
        inference_images_per_second: speed(runner, first)?,
        bytes,
        reaches: MARKS.map(|(mark, _)| reaches(runs, mark)).into(),
    })
}

/// Images classified in a second, median of several passes over the test split.
fn speed(runner: &Runner<'_>, run: &Trained) -> Result<f64, CompareError> {
    let network = run.folder.load(runner.device)?;
    network.logits(&runner.test, None, runner.device)?;
    let mut rates = Vec::new();
    for _ in 0..PASSES {
        let started = Instant::now();
        network.logits(&runner.test, None, runner.device)?;
        rates.push(runner.test.len() as f64 / started.elapsed().as_secs_f64());
    }
    Ok(median(rates).unwrap_or(0.0))
}

/// In each run, the first epoch whose validation accuracy is at least `accuracy`, and the seconds
/// of training until its end.
fn reaches(runs: &[&Trained], accuracy: f64) -> Reaches {
    let reached = runs.iter().filter_map(|run| {
        let mut seconds = 0.0;
        run.record.epochs.iter().find_map(|epoch| {
            seconds += epoch.seconds;
            (epoch.valid_accuracy >= accuracy).then_some((epoch.epoch as f64, seconds))
        })
    });
    let (epochs, seconds): (Vec<f64>, Vec<f64>) = reached.unzip();
    Reaches {
        accuracy,
        seeds: epochs.len(),
        of: runs.len(),
        epoch: median(epochs),
        seconds: median(seconds),
    }
}

/// The middle value, or the mean of the two in the middle; none of none.
fn median(values: Vec<f64>) -> Option<f64> {
    (!values.is_empty()).then(|| Data::new(values).median())
}

impl Cost {
    fn of(&self, recipe: &str) -> Option<&NetworkCost> {
        self.networks.iter().find(|cost| cost.recipe == recipe)
    }

    fn sentence(&self) -> String {
        let find = |network| self.networks.iter().find(|cost| cost.network == network);
        let (Some(mlp), Some(cnn)) = (find(Network::Mlp), find(Network::Cnn)) else {
            return "What the networks cost was not measured.".to_owned();
        };
        let times = |of: fn(&NetworkCost) -> f64| {
            let known = of(mlp) > 0.0;
            let ratio = if known { of(cnn) / of(mlp) } else { 0.0 };
            text::fixed(ratio, if ratio < 9.95 { 2 } else { 0 }) + " times"
        };
        format!(
            "The CNN has {} parameters and the MLP {}; per image it needs {} as many multiply-adds, \
             and here it took {} the time for an epoch of training and {} the time to classify an image.",
            text::count(cnn.parameters),
            text::count(mlp.parameters),
            times(|cost| cost.macs as f64),
            times(|cost| cost.seconds_per_epoch),
            times(|cost| 1.0 / cost.inference_images_per_second),
        )
    }

    /// A table with a column for each network.
    fn table(
        &self,
        caption: &str,
        corner: &str,
        rows: &[&str],
        cells: impl Fn(&NetworkCost) -> Vec<String>,
    ) -> Block {
        let networks = self.networks.iter();
        let columns: Vec<_> = networks.map(|cost| (&cost.recipe, cells(cost))).collect();
        let rows = rows.iter().map(|row| (*row).to_owned());
        columns_table(caption, corner, rows, &columns)
    }

    fn cost_table(&self) -> Block {
        let rows = [
            "parameters",
            "multiply-adds for one image",
            "size on disk",
            "training, seconds per epoch",
            "inference, images per second",
        ];
        self.table("What each network costs", "", &rows, |cost| {
            vec![
                text::count(cost.parameters),
                text::count(cost.macs),
                text::bytes(cost.bytes),
                text::fixed(cost.seconds_per_epoch, 2),
                text::rate(cost.inference_images_per_second),
            ]
        })
    }

    fn reaches_table(&self) -> Block {
        self.table(
            "How soon: median epoch, and seconds of training until its end, over the seeds that get there",
            "validation accuracy",
            &MARKS.map(|(_, name)| name),
            |cost| cost.reaches.iter().map(Reaches::how_soon).collect(),
        )
    }

    fn figure(&self, context: &Context<'_>) -> Result<Figure, CompareError> {
        let parameters = |cost: &NetworkCost| cost.parameters as f64;
        let macs = |cost: &NetworkCost| cost.macs as f64;
        let panel = |slug, name, of: fn(&NetworkCost) -> f64| self.against(context, slug, name, of);
        Ok(Figure::new(
            vec![
                panel("parameters", "trainable parameters", parameters)?,
                panel("multiply-adds", "multiply-adds for one image", macs)?,
            ],
            "Test accuracy against size and against work; further up and further left is better.",
            "Mean accuracy over the seeds of question 1. Parameters and multiply-adds are counted from the layers: a multiply-add is one product of a weight and its addition to a sum. The horizontal axes are logarithmic.",
        ))
    }

    fn against(
        &self,
        context: &Context<'_>,
        slug: &str,
        name: &str,
        of: fn(&NetworkCost) -> f64,
    ) -> Result<Panel, CompareError> {
        let full = &context.plan.networks;
        let accuracy = |cost: &NetworkCost| {
            let accuracy = context.accuracy_of(&cost.recipe);
            accuracy.map_or(f64::NAN, |sample| sample.mean)
        };
        let accuracies: Vec<f64> = self.networks.iter().map(accuracy).collect();
        let low = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
        let high = accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let networks = self.networks.iter().zip(&accuracies);
        let each = networks.clone().map(|(cost, accuracy)| {
            let accuracy = text::percent(*accuracy, 2);
            format!("{} {} at {accuracy}", cost.recipe, text::rate(of(cost)))
        });
        let point = |(cost, accuracy): (&NetworkCost, &f64)| Line {
            key: Key {
                hollow: ![&full.mlp, &full.cnn].contains(&&cost.recipe),
                ..Key::new(cost.network, &cost.recipe)
            },
            points: vec![
                Point::new(of(cost).log10(), 100.0 * accuracy, None).inside(cost.recipe.clone()),
            ],
            band: false,
        };
        Ok(lines(&Plot {
            slug: format!("cost-{slug}"),
            label: format!("Test accuracy against {name}: {}.", joined(each, ", ")),
            title: "Test accuracy in %".to_owned(),
            x_title: Some(name.to_owned()),
            x: Axis::logarithmic(self.networks.iter().map(of)),
            // And a little below the least, so that none lies on the axis.
            y: Axis::percent(accuracies.iter().copied().chain([low - 0.1 * (high - low)])),
            lines: networks.map(point).collect(),
            ..Plot::default()
        })?)
    }
}

impl Reaches {
    fn how_soon(&self) -> String {
        let (Some(epoch), Some(seconds)) = (self.epoch, self.seconds) else {
            return "not reached".to_owned();
        };
        let all = if self.seeds < self.of {
            format!(", {} of {} seeds", self.seeds, self.of)
        } else {
            String::new()
        };
        format!("{} ({}){all}", text::plain(epoch), text::seconds(seconds))
    }
}
