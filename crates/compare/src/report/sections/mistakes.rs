use crate::report::figures::confusion;
use crate::{CompareError, Gallery, Mistake, Network, Results};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Table, Tile, TileGroup, Tiles};

/// So many kinds of mistakes are listed in view.
const MOST_FREQUENT: usize = 10;
/// Up to so many classes the whole matrix is a table; beyond that, only what occurs.
const MOST_CLASSES: usize = 30;

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let mistakes = &results.mistakes;
    let mut blocks = Vec::new();
    if !mistakes.confusion.mlp.is_empty() {
        blocks.push(Block::Figure(Figure {
            layout: Layout::Wide,
            panels: Network::BOTH
                .into_iter()
                .map(|network| confusion(network, mistakes.confusion.of(network)))
                .collect::<Result<_, _>>()?,
            caption: Caption {
                shows: "Confusion matrices: rows are true classes, columns answers; off the diagonal are the mistakes, stronger in color the more there are.".to_owned(),
                made: format!(
                    "All {} test images, the two networks of seed {}. Depth of color grows with the square root of the count, each matrix to its own largest.",
                    text::count(results.dataset.test_images),
                    mistakes.seed
                ),
            },
        }));
        blocks.push(frequent_table(results));
    }
    blocks.extend(galleries(results));
    if !mistakes.confusion.mlp.is_empty() {
        blocks.push(Block::raw(
            Network::BOTH
                .map(|network| raw_table(results, network))
                .into(),
        ));
    }
    Ok(blocks)
}

fn galleries(results: &Results) -> Vec<Block> {
    let mistakes = &results.mistakes;
    let all = [
        (
            "Only the MLP misses these",
            "mistakes-mlp",
            &mistakes.only_mlp,
        ),
        (
            "Only the CNN misses these",
            "mistakes-cnn",
            &mistakes.only_cnn,
        ),
        ("Both miss these", "mistakes-both", &mistakes.both),
    ];
    let mut blocks = Vec::new();
    for (heading, slug, gallery) in all {
        blocks.push(Block::Heading(format!(
            "{heading}: {}",
            text::count(gallery.count)
        )));
        if gallery.images.is_empty() {
            blocks.push(Block::paragraph("There is none to show."));
        } else {
            blocks.push(Block::Tiles(tiles(slug, gallery, mistakes.seed)));
        }
    }
    blocks
}

fn tiles(slug: &'static str, gallery: &Gallery, seed: u64) -> Tiles {
    let all = text::plural(gallery.count, "test image");
    let shown = if gallery.images.len() < gallery.count {
        format!("{} of {all}", text::count(gallery.images.len()))
    } else {
        text::capitalized(&all)
    };
    Tiles {
        slug,
        groups: vec![TileGroup {
            heading: None,
            tiles: gallery.images.iter().map(tile).collect(),
        }],
        width: 96,
        caption: Caption {
            shows: format!(
                "{shown}: true class, then the answer of each network with its probability."
            ),
            made: format!("The networks of seed {seed}; the most confident mistakes first."),
        },
    }
}

fn tile(mistake: &Mistake) -> Tile {
    let answer = |network: Network| {
        let answer = mistake.answer.of(network);
        let probability = text::percent(answer.probability, 0);
        format!("{} {} ({probability})", network.name(), answer.label)
    };
    let [mlp, cnn] = Network::BOTH.map(answer);
    Tile {
        png: mistake.png.clone(),
        alt: format!(
            "Test image {}, true class {}, {mlp}, {cnn}",
            mistake.index, mistake.label
        ),
        lines: vec![format!("true: {}", mistake.label), mlp, cnn],
    }
}

/// What is confused most, by both networks together.
fn frequent_table(results: &Results) -> Block {
    let [mlp, cnn] = Network::BOTH.map(|network| results.mistakes.confusion.of(network));
    let at = |matrix: &[Vec<usize>], class: usize, answer: usize| {
        matrix
            .get(class)
            .and_then(|row| row.get(answer))
            .copied()
            .unwrap_or(0)
    };
    let classes = mlp.len().max(cnn.len());
    let mut kinds: Vec<(usize, usize, usize, usize)> = (0..classes)
        .flat_map(|class| (0..classes).map(move |answer| (class, answer)))
        .filter(|(class, answer)| class != answer)
        .map(|(class, answer)| {
            (
                class,
                answer,
                at(mlp, class, answer),
                at(cnn, class, answer),
            )
        })
        .filter(|(_, _, mlp, cnn)| mlp + cnn > 0)
        .collect();
    kinds.sort_by_key(|(class, answer, mlp, cnn)| (usize::MAX - (mlp + cnn), *class, *answer));
    kinds.truncate(MOST_FREQUENT);
    Table::new(
        "The most frequent mistakes",
        ["true → answer", "MLP", "CNN"],
    )
    .rows(kinds.into_iter().map(|(class, answer, mlp, cnn)| {
        vec![
            format!("{class} → {answer}"),
            text::count(mlp),
            text::count(cnn),
        ]
    }))
    .block()
}

fn raw_table(results: &Results, network: Network) -> Block {
    let matrix = results.mistakes.confusion.of(network);
    let caption = format!("{}: true class by row, answer by column", network.name());
    if matrix.len() <= MOST_CLASSES {
        let head = std::iter::once("true".to_owned())
            .chain((0..matrix.len()).map(|answer| answer.to_string()));
        return Table::new(caption, head)
            .rows(matrix.iter().enumerate().map(|(class, row)| {
                std::iter::once(class.to_string())
                    .chain(row.iter().map(|count| text::count(*count)))
                    .collect()
            }))
            .block();
    }
    Table::new(
        format!("{}: every kind of mistake that occurs", network.name()),
        ["true → answer", "images"],
    )
    .rows(matrix.iter().enumerate().flat_map(|(class, row)| {
        row.iter()
            .enumerate()
            .filter(move |(answer, count)| *answer != class && **count > 0)
            .map(move |(answer, count)| vec![format!("{class} → {answer}"), text::count(*count)])
    }))
    .block()
}
