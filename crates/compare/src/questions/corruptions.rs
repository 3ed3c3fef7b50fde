//! What damaged test images do.

use digits_data::Corruption;
use digits_report::chart::{Axis, Mark, Plot, Role, Row, Rows, lines, rows};
use digits_report::{Block, Figure, Panel, Table, Tile, Tiles, text};
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{
    both_lines, both_means, changed, difference_key, difference_rows, difference_table, ends,
    images, ink, keys, mean_and_deviation, ticks, trained,
};
use crate::network::{Network, Pair};
use crate::plan::Plan;
use crate::question::{Claim, Context, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{Difference, Sample, mean_by_seed};
use crate::words::{comparison_sentence, lower};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corruptions {
    pub seeds: Vec<u64>,
    pub clean: Pair<Sample>,
    pub kinds: Vec<CorruptionResult>,
    /// Mean accuracy over all corruptions and severities.
    pub mean: Pair<Sample>,
    pub difference: Difference,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorruptionResult {
    pub name: String,
    pub severities: Vec<Severity>,
    pub mean: Pair<Sample>,
    pub difference: Difference,
    /// One test image at each severity (PNG, base64).
    pub examples: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Severity {
    /// 1 for the mildest.
    pub level: usize,
    /// What it does, for example `σ = 0.5 pixels`.
    pub setting: String,
    pub accuracy: Pair<Sample>,
}

impl Question for Corruptions {
    fn evaluated_images(plan: &Plan) -> (usize, usize) {
        let plan = &plan.corruptions;
        let times = Corruption::ALL.len() * plan.severities.len() * plan.seeds;
        (times, plan.images)
    }

    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        let groups = Self::groups(runner)?;
        runner.cached("corruptions", "corruptions", &groups, measure)
    }

    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        vec![Claim::tested(&self.difference, |p| self.sentence(p))]
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        if self.kinds.is_empty() {
            return Ok(vec![Block::paragraph("Not measured in this plan.")]);
        }
        let plan = &context.plan.corruptions;
        let panels = self.kinds.iter().map(CorruptionResult::curves);
        let mut curves = Figure::new(
            panels.collect::<Result<_, _>>()?,
            "Test accuracy in % against the severity of the damage. Blue circles: MLP, orange squares: CNN.",
            format!(
                "The networks were trained on clean images; {} are damaged, each in the same way for both networks (seed {}). {} Own implementations in the manner of MNIST-C (Mu and Gilmer 2019), so the numbers are not those of that benchmark.",
                images(plan.images, context),
                plan.seed,
                trained(&self.seeds),
            ),
        );
        curves.small = true;
        let means = Figure::new(
            vec![self.means()?, self.differences()?],
            "First, mean accuracy over the severities of each kind of damage; then the paired difference: right of the dashed line the CNN is better.",
            "From the same measurements; differences are taken seed by seed. Dots: single seeds.",
        );
        let mut blocks: Vec<Block> = self.examples(context).into_iter().collect();
        blocks.extend([
            Block::Figure(curves),
            Block::Figure(means),
            self.difference_table(),
            Block::raw(vec![self.raw_table()]),
        ]);
        Ok(blocks)
    }
}

fn measure(runner: &mut Runner<'_>) -> Result<Corruptions, CompareError> {
    let plan = &runner.plan.corruptions;
    let networks = runner.load(&Group::full(runner.plan).first(plan.seeds))?;
    let images = runner.some_test_images(plan.images)?;
    let clean = runner.accuracies(&networks, &images)?.samples();
    let mut kinds = Vec::new();
    let mut all: Vec<Pair<Vec<f64>>> = Vec::new();
    for corruption in Corruption::ALL {
        let mut severities = Vec::new();
        let mut examples = Vec::new();
        let first = all.len();
        for &level in &plan.severities {
            let damaged = changed(&images, |index, pixels| {
                corruption.apply(level, images.shape(), pixels, plan.seed, index as u64)
            })?;
            examples.push(ink(damaged.shape(), damaged.pixels(0))?);
            let accuracies = runner.accuracies(&networks, &damaged)?;
            severities.push(Severity {
                level,
                setting: corruption.setting(level),
                accuracy: accuracies.samples(),
            });
            all.push(accuracies);
        }
        let means = mean_by_seed(&all[first..]);
        kinds.push(CorruptionResult {
            name: corruption.name().to_owned(),
            severities,
            mean: means.samples(),
            difference: means.difference(),
            examples,
        });
    }
    let means = mean_by_seed(&all);
    Ok(Corruptions {
        seeds: runner.plan.seeds[..plan.seeds].to_vec(),
        clean,
        kinds,
        mean: means.samples(),
        difference: means.difference(),
    })
}

impl Corruptions {
    fn sentence(&self, p: Option<f64>) -> String {
        let kinds = self.kinds.len();
        let behind = self.kinds.iter().filter(|kind| kind.difference.mean < 0.0);
        let ahead: Vec<&str> = behind.map(|kind| kind.name.as_str()).collect();
        let under = match ahead.len() {
            count if count < kinds => text::listed(&ahead),
            _ => "each of them".to_owned(),
        };
        let exceptions = match ahead.as_slice() {
            [] => String::new(),
            _ => format!(" The MLP's mean is the higher one under {under}."),
        };
        let means = self.mean.map(|sample| sample.mean);
        let (verb, of) = ("is more robust", "right on average");
        let compared = lower(&comparison_sentence(verb, &means, &self.difference, p, of));
        format!("Over {kinds} kinds of damage to the test images, {compared}{exceptions}")
    }

    fn examples(&self, context: &Context<'_>) -> Option<Block> {
        let mut tiles = Tiles::new(
            "corruption-examples",
            84,
            "One test image with each kind of damage, from severity 1, mild, to the most severe.",
            format!(
                "The pictures are the input of the networks, {} × {} pixels, ink dark on white.",
                context.dataset.height, context.dataset.width
            ),
        );
        for kind in self.kinds.iter().filter(|kind| !kind.examples.is_empty()) {
            let examples = kind.severities.iter().zip(&kind.examples);
            let examples = examples.map(|(severity, png)| {
                let level = severity.level;
                let lines = vec![level.to_string(), severity.setting.clone()];
                Tile::new(png, format!("{}, severity {level}", kind.name), lines)
            });
            tiles = tiles.group(Some(text::capitalized(&kind.name)), examples.collect());
        }
        (!tiles.groups.is_empty()).then(|| tiles.into())
    }

    fn means(&self) -> Result<Panel, CompareError> {
        let named = self.named().map(|(name, mean, _)| (name, mean));
        let named = named.chain([("undamaged", &self.clean)]);
        let mut all = Vec::new();
        let rows_of = named.map(|(name, pair)| {
            let marks = Network::BOTH.map(|network| {
                all.extend(ends(pair.of(network)));
                let mut mark = Mark::percent(network, pair.of(network), String::new());
                mark.values.clear();
                mark
            });
            Row {
                label: text::capitalized(name),
                marks: marks.into(),
            }
        });
        let mean = both_means(&self.mean, 1);
        Ok(rows(&Rows {
            slug: "corruption-means".to_owned(),
            label: format!("Mean test accuracy over all kinds of damage: {mean}."),
            title: "Mean over the severities".to_owned(),
            x_title: "test accuracy in %".to_owned(),
            rows: rows_of.collect(),
            x: Axis::percent(all),
            legend: keys(),
            line: None,
            together: true,
        })?)
    }

    /// Each kind of damage and all together.
    fn named(&self) -> impl Iterator<Item = (&str, &Pair<Sample>, &Difference)> {
        let kinds = self.kinds.iter();
        kinds
            .map(|kind| (kind.name.as_str(), &kind.mean, &kind.difference))
            .chain([("all", &self.mean, &self.difference)])
    }

    fn differences(&self) -> Result<Panel, CompareError> {
        let (mut each, mut all) = (Vec::new(), Vec::new());
        for (name, _, difference) in self.named() {
            each.push(format!("{name} {}", text::points(difference.mean)));
            all.push((text::capitalized(name), vec![(Role::Neutral, difference)]));
        }
        Ok(rows(&Rows {
            slug: "corruption-differences".to_owned(),
            label: format!("CNN − MLP in percentage points: {}.", each.join(", ")),
            title: "Difference of these means".to_owned(),
            x_title: "percentage points".to_owned(),
            // As high as that of its neighbor, so that the rows are level.
            legend: vec![difference_key()],
            ..difference_rows(all)
        })?)
    }

    fn difference_table(&self) -> Block {
        let rows = self.named().map(|(name, mean, difference)| {
            let [mlp, cnn] = [&mean.mlp, &mean.cnn].map(|of| text::fixed(100.0 * of.mean, 2));
            (vec![name.to_owned(), mlp, cnn], difference)
        });
        difference_table(
            "Mean accuracy over the severities in %, and CNN − MLP in percentage points; p of the paired t-test",
            (&["damage", "MLP", "CNN"], "difference"),
            rows,
        )
        .block()
    }

    fn raw_table(&self) -> Block {
        Table::new(
            "Test accuracy in %, mean ± standard deviation",
            ["damage", "what it does", "severity", "MLP", "CNN"],
        )
        .words(2)
        .rows(self.kinds.iter().flat_map(|kind| {
            kind.severities.iter().map(|severity| {
                vec![
                    kind.name.clone(),
                    severity.setting.clone(),
                    severity.level.to_string(),
                    mean_and_deviation(&severity.accuracy.mlp),
                    mean_and_deviation(&severity.accuracy.cnn),
                ]
            })
        }))
        .block()
    }
}

impl CorruptionResult {
    fn curves(&self) -> Result<Panel, CompareError> {
        let levels: Vec<f64> = self.severities.iter().map(|s| s.level as f64).collect();
        let ends = [levels.first(), levels.last()].map(|end| end.copied().unwrap_or(1.0));
        let samples: Vec<_> = self.severities.iter().map(|s| &s.accuracy).collect();
        let name = &self.name;
        let slug = name.to_lowercase();
        let slug = slug.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let mean = both_means(&self.mean, 1);
        Ok(lines(&Plot {
            slug: format!("corruption-{slug}"),
            label: format!("Test accuracy under {name}, mean over its severities: {mean}."),
            title: text::capitalized(name),
            x: Axis::with_ticks(ends[0] - 0.3, ends[1] + 0.3, ticks(levels.iter().copied())),
            // The same for all, so that they can be compared at a glance.
            y: Axis::with_ticks(0.0, 100.0, ticks([0.0, 25.0, 50.0, 75.0, 100.0])),
            lines: both_lines(&levels, &samples),
            small: true,
            ..Plot::default()
        })?)
    }
}
