//! One fixed permutation of the pixels of all images, in training and test: what is lost is what
//! rests on the neighborhood of pixels.

use digits_data::View;
use digits_report::chart::{Axis, Plot, Role, Rows, Side, lines, rows};
use digits_report::{Block, Figure, Panel, Tile, Tiles, text};
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::{
    all_points, both_lines, difference_rows, difference_table, ends, ink, percents, seed_table,
    trained,
};
use crate::network::{Network, Pair};
use crate::plan::Plan;
use crate::question::{Claim, Context, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{Difference, Sample, paired};
use crate::words::{Verdict, from_to, probability, seeds_note, verdict};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permutation {
    pub seeds: Vec<u64>,
    pub permutation: u64,
    /// Test accuracy of networks trained on images as they are.
    pub natural: Pair<Sample>,
    /// Test accuracy of networks trained on permuted images, on permuted images.
    pub permuted: Pair<Sample>,
    /// Permuted − natural.
    pub change: Pair<Difference>,
    /// CNN's change − MLP's change.
    pub interaction: Difference,
    /// A test digit as it is and permuted (PNG, base64).
    pub example: [String; 2],
}

impl Question for Permutation {
    fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError> {
        Ok(vec![Group::full(runner.plan), permuted(runner.plan)])
    }

    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        let plan = &runner.plan.permutation;
        let full = Group::full(runner.plan).first(plan.seeds);
        let natural = runner.test_accuracies(&full);
        let permuted = runner.test_accuracies(&permuted(runner.plan));
        let change = Pair::from_fn(|network| paired(natural.of(network), permuted.of(network)));
        let view = View {
            permutation: Some(plan.permutation),
            ..View::default()
        };
        let (shape, digit) = (runner.test.shape(), runner.test.pixels(0));
        Ok(Self {
            seeds: runner.plan.seeds[..plan.seeds].to_vec(),
            permutation: plan.permutation,
            natural: natural.samples(),
            permuted: permuted.samples(),
            interaction: paired(&change.mlp.values, &change.cnn.values),
            change,
            example: [ink(shape, digit)?, ink(shape, &view.permute_image(digit))?],
        })
    }

    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        vec![Claim::tested(&self.interaction, |p| self.sentence(p))]
    }

    fn evidence(&self, _context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        let mut blocks = vec![Block::paragraph(
            "Every pixel moves to another place, the same place in every image, so all information is still there; but neighbors are no longer neighbors. A network that assumes nothing about neighborhood has nothing to lose by that. One that looks at small patches of the image may lose what it is built on.",
        )];
        if self.example.iter().any(|png| !png.is_empty()) {
            blocks.push(Block::Tiles(self.examples()));
        }
        let figure = Figure::new(
            vec![self.slopes()?, self.changes()?],
            "Test accuracy with natural and with permuted images, and the change.",
            format!(
                "Networks are trained anew on permuted images and tested on images permuted alike (permutation seed {}); each is compared with the network of the same seed trained on natural images. {}",
                self.permutation,
                trained(&self.seeds)
            ),
        );
        let changes = difference_table(
            "Change of the test accuracy in percentage points, permuted − natural; p of the paired t-test",
            (&["network"], "change"),
            self.named()
                .map(|(name, _, difference)| (vec![name.to_owned()], difference)),
        );
        let by_seed = seed_table(
            "Test accuracy in %, and the change in percentage points",
            &self.seeds,
            &[
                ("MLP natural", percents(&self.natural.mlp.values)),
                ("MLP permuted", percents(&self.permuted.mlp.values)),
                ("change", all_points(&self.change.mlp.values)),
                ("CNN natural", percents(&self.natural.cnn.values)),
                ("CNN permuted", percents(&self.permuted.cnn.values)),
                ("change", all_points(&self.change.cnn.values)),
            ],
        );
        blocks.extend([
            Block::Figure(figure),
            changes.block(),
            Block::raw(vec![by_seed]),
        ]);
        Ok(blocks)
    }
}

fn permuted(plan: &Plan) -> Group {
    let permutation = plan.permutation.permutation;
    Group::changed(plan, plan.permutation.seeds, "-permuted", move |config| {
        config.view.permutation = Some(permutation);
    })
}

impl Permutation {
    fn sentence(&self, p: Option<f64>) -> String {
        let [natural, permuted] =
            [&self.natural, &self.permuted].map(|pair| pair.map(|sample| sample.mean));
        let numbers = from_to(" goes", &natural, &permuted) + &probability(p);
        let found = match verdict(&self.interaction, p) {
            Verdict::Mlp => format!(
                "the CNN loses more than the MLP: {numbers}; what it loses rested on neighboring pixels."
            ),
            Verdict::Cnn => format!("the MLP loses more than the CNN: {numbers}."),
            Verdict::None => format!(
                "no difference was found in what the two lose{}: {numbers}.",
                seeds_note(&self.interaction)
            ),
        };
        format!("If all images have their pixels permuted in the same way, {found}")
    }

    fn examples(&self) -> Tiles {
        let pictures = self.example.iter().zip(["natural", "permuted"]);
        let tile = |(png, name): (&String, &str)| {
            Tile::new(png, format!("A test digit, {name}"), vec![name.to_owned()])
        };
        Tiles::new(
            "permutation-example",
            140,
            "A test digit as it is and after the permutation.",
            "Both pictures hold the same pixels.",
        )
        .group(None, pictures.map(tile).collect())
    }

    fn slopes(&self) -> Result<Panel, CompareError> {
        let both = [&self.natural, &self.permuted];
        let mut slopes = both_lines(&[0.0, 1.0], &both);
        for line in &mut slopes {
            line.band = false;
            for point in &mut line.points {
                let first = point.x == 0.0;
                let side = if first { Side::Left } else { Side::Right };
                point.note = Some((text::fixed(point.y, 2), side));
            }
        }
        let samples = both.into_iter().flat_map(|pair| [&pair.mlp, &pair.cnn]);
        let ends = samples.flat_map(ends);
        let [mlp, cnn] = Network::BOTH.map(|network| {
            let [from, to] = both.map(|pair| text::percent(pair.of(network).mean, 2));
            format!("{from} to {to}")
        });
        let places = vec![(0.0, "natural".to_owned()), (1.0, "permuted".to_owned())];
        Ok(lines(&Plot {
            slug: "permutation-slopes".to_owned(),
            label: format!("Test accuracy, natural to permuted: MLP {mlp}, CNN {cnn}."),
            title: "Test accuracy in %".to_owned(),
            x: Axis::with_ticks(-0.4, 1.4, places),
            y: Axis::percent(ends),
            lines: slopes,
            legend: true,
            ..Plot::default()
        })?)
    }

    /// What each network loses, and how the two differ.
    fn named(&self) -> [(&'static str, Role, &Difference); 3] {
        [
            ("MLP", Network::Mlp.into(), &self.change.mlp),
            ("CNN", Network::Cnn.into(), &self.change.cnn),
            ("CNN − MLP", Role::Neutral, &self.interaction),
        ]
    }

    fn changes(&self) -> Result<Panel, CompareError> {
        let named = self.named().into_iter();
        let all = named.map(|(name, role, difference)| (name.to_owned(), vec![(role, difference)]));
        let Pair { mlp, cnn } = self.change.map(|change| text::points(change.mean));
        Ok(rows(&Rows {
            slug: "permutation-changes".to_owned(),
            label: format!("Change by the permutation in percentage points: MLP {mlp}, CNN {cnn}."),
            title: "Change by the permutation".to_owned(),
            x_title: "percentage points, permuted − natural".to_owned(),
            ..difference_rows(all.collect())
        })?)
    }
}
