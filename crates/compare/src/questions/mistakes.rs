//! What each gets wrong.

use std::cmp::Reverse;
use std::iter::once;

use digits_report::chart::{Confusion, confusion};
use digits_report::{Block, Figure, Table, Tile, Tiles, text};
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::evidence::ink;
use crate::network::{Network, Pair};
use crate::question::{Context, Question};
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats;

/// So many kinds of mistakes are listed in view.
const MOST_FREQUENT: usize = 10;
/// Up to so many classes the whole matrix is a table; beyond that, only what occurs.
const MOST_CLASSES: usize = 30;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistakes {
    pub seed: u64,
    /// Counts on the test split; row = true class, column = predicted class.
    pub confusion: Pair<Vec<Vec<usize>>>,
    pub only_mlp: Gallery,
    pub only_cnn: Gallery,
    pub both: Gallery,
}

/// Some test images out of a larger number, the most confident mistakes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    pub count: usize,
    /// The first of them.
    pub images: Vec<Mistake>,
}

/// One test image and what the networks make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    pub index: u32,
    pub label: u8,
    pub answer: Pair<Answer>,
    pub png: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub label: u8,
    pub probability: f64,
}

impl Question for Mistakes {
    /// Confusion matrices and galleries of the networks of the first seed.
    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
        let outputs = runner.outputs(&Group::full(runner.plan))?;
        let (test, classes) = (&runner.test, runner.test.classes());
        let answers = outputs.map(|runs| {
            let rows = runs[0].chunks_exact(classes); // a plan has seeds
            rows.map(|row| {
                let (label, probability) = stats::top(row, 1.0);
                Answer { label, probability }
            })
            .collect::<Vec<Answer>>()
        });
        let confusion = answers.map(|answers| {
            let mut counts = vec![vec![0; classes]; classes];
            for (answer, &label) in answers.iter().zip(test.labels()) {
                counts[usize::from(label)][usize::from(answer.label)] += 1;
            }
            counts
        });
        let gallery = |misses| gallery(runner, &answers, misses);
        let with = |mlp, cnn| Pair { mlp, cnn };
        Ok(Self {
            seed: runner.plan.seeds[0],
            only_mlp: gallery(with(true, false))?,
            only_cnn: gallery(with(false, true))?,
            both: gallery(with(true, true))?,
            confusion,
        })
    }

    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError> {
        if self.confusion.mlp.is_empty() {
            return Ok(self.galleries());
        }
        let matrices = Network::BOTH.into_iter().map(|network| {
            let name = network.name();
            let what = "rows are true classes, columns are answers";
            confusion(&Confusion {
                slug: format!("confusion-{}", name.to_lowercase()),
                label: format!("Confusion matrix of the {name}: {what}."),
                title: name.to_owned(),
                role: network.into(),
                counts: self.confusion.of(network),
            })
        });
        let figure = Figure::new(
            matrices.collect::<Result<_, _>>()?,
            "Confusion matrices: rows are true classes, columns answers; off the diagonal are the mistakes, stronger in color the more there are.",
            format!(
                "All {} test images, the two networks of seed {}. Depth of color grows with the square root of the count, each matrix to its own largest.",
                text::count(context.dataset.test_images),
                self.seed
            ),
        );
        let mut blocks = vec![Block::Figure(figure), self.frequent_table()];
        blocks.extend(self.galleries());
        let raw = Network::BOTH.map(|network| self.raw_table(network));
        blocks.push(Block::raw(raw.into()));
        Ok(blocks)
    }
}

/// The images that exactly these networks miss; the surest mistakes first.
fn gallery(
    runner: &Runner<'_>,
    answers: &Pair<Vec<Answer>>,
    misses: Pair<bool>,
) -> Result<Gallery, CompareError> {
    let test = &runner.test;
    let wrong =
        |network: Network, index: usize| answers.of(network)[index].label != test.label(index);
    let sureness = |index: usize| -> f64 {
        let missing = Network::BOTH.into_iter().filter(|&of| wrong(of, index));
        missing.map(|of| answers.of(of)[index].probability).sum()
    };
    let mut found: Vec<usize> = (0..test.len())
        .filter(|&index| Pair::from_fn(|network| wrong(network, index)) == misses)
        .collect();
    found.sort_by(|&a, &b| sureness(b).total_cmp(&sureness(a)).then(a.cmp(&b)));
    let shown = found.iter().take(runner.plan.gallery);
    let images = shown.map(|&index| {
        Ok(Mistake {
            index: index as u32,
            label: test.label(index),
            answer: answers.map(|answers| answers[index]),
            png: ink(test.shape(), test.pixels(index))?,
        })
    });
    Ok(Gallery {
        count: found.len(),
        images: images.collect::<Result<_, CompareError>>()?,
    })
}

impl Mistakes {
    fn galleries(&self) -> Vec<Block> {
        [
            ("Only the MLP misses these", "mistakes-mlp", &self.only_mlp),
            ("Only the CNN misses these", "mistakes-cnn", &self.only_cnn),
            ("Both miss these", "mistakes-both", &self.both),
        ]
        .into_iter()
        .flat_map(|(heading, slug, gallery)| {
            let heading = format!("{heading}: {}", text::count(gallery.count));
            let images = if gallery.images.is_empty() {
                Block::paragraph("There is none to show.")
            } else {
                Block::Tiles(gallery.tiles(slug, self.seed))
            };
            [Block::Heading(heading), images]
        })
        .collect()
    }

    /// What is confused most, by both networks together.
    fn frequent_table(&self) -> Block {
        let classes = self.confusion.mlp.len().max(self.confusion.cnn.len());
        let mut kinds = Vec::new();
        for (class, answer) in
            (0..classes).flat_map(|class| (0..classes).map(move |of| (class, of)))
        {
            let counts = self.confusion.map(|matrix| {
                let row = matrix.get(class);
                row.and_then(|row| row.get(answer)).copied().unwrap_or(0)
            });
            if class != answer && counts.mlp + counts.cnn > 0 {
                kinds.push((class, answer, counts));
            }
        }
        // Stable: equally many stay in the order of the classes.
        kinds.sort_by_key(|(.., counts)| Reverse(counts.mlp + counts.cnn));
        kinds.truncate(MOST_FREQUENT);
        let rows = kinds.into_iter().map(|(class, answer, counts)| {
            let Pair { mlp, cnn } = counts.map(|count| text::count(*count));
            vec![format!("{class} → {answer}"), mlp, cnn]
        });
        let head = ["true → answer", "MLP", "CNN"];
        Table::new("The most frequent mistakes", head)
            .rows(rows)
            .block()
    }

    fn raw_table(&self, network: Network) -> Block {
        let matrix = self.confusion.of(network);
        let name = network.name();
        if matrix.len() <= MOST_CLASSES {
            let answers = (0..matrix.len()).map(|answer| answer.to_string());
            let rows = matrix.iter().enumerate().map(|(class, row)| {
                let counts = row.iter().map(|count| text::count(*count));
                once(class.to_string()).chain(counts).collect()
            });
            let caption = format!("{name}: true class by row, answer by column");
            let head = once("true".to_owned()).chain(answers);
            return Table::new(caption, head).rows(rows).block();
        }
        let mut rows = Vec::new();
        for (class, row) in matrix.iter().enumerate() {
            for (answer, count) in row.iter().enumerate() {
                if answer != class && *count > 0 {
                    rows.push(vec![format!("{class} → {answer}"), text::count(*count)]);
                }
            }
        }
        let caption = format!("{name}: every kind of mistake that occurs");
        Table::new(caption, ["true → answer", "images"])
            .rows(rows)
            .block()
    }
}

impl Gallery {
    fn tiles(&self, slug: &'static str, seed: u64) -> Tiles {
        let all = text::plural(self.count, "test image");
        let shown = match self.images.len() {
            some if some < self.count => format!("{} of {all}", text::count(some)),
            _ => text::capitalized(&all),
        };
        Tiles::new(
            slug,
            96,
            format!("{shown}: true class, then the answer of each network with its probability."),
            format!("The networks of seed {seed}; the most confident mistakes first."),
        )
        .group(None, self.images.iter().map(Mistake::tile).collect())
    }
}

impl Mistake {
    fn tile(&self) -> Tile {
        let [mlp, cnn] = Network::BOTH.map(|network| {
            let Answer { label, probability } = self.answer.of(network);
            let probability = text::percent(*probability, 0);
            format!("{} {label} ({probability})", network.name())
        });
        let (index, label) = (self.index, self.label);
        let alt = format!("Test image {index}, true class {label}, {mlp}, {cnn}");
        Tile::new(&self.png, alt, vec![format!("true: {label}"), mlp, cnn])
    }
}
