use crate::report::summary::accuracy_of;
use crate::{CompareError, NetworkCost, Reaches, Results};
use digits_report::chart::{Axis, Place, Scatter, scatter};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Panel, ReportError, Table};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let networks = &results.cost.networks;
    let mut blocks = vec![cost_table(networks)];
    if !networks.is_empty() {
        blocks.push(Block::Figure(figure(results)?));
    }
    blocks.push(reaches_table(networks));
    blocks.push(Block::paragraph(
        "Seconds of an epoch are the median over all epochs of all seeds, training only. Images in a second are the median of several passes over the test split. Both depend on the machine, the backend and the number of threads; parameters and multiply-adds do not.",
    ));
    let layers = Table::new("The networks", ["network", "layers", "parameters"])
        .words(2)
        .rows(results.networks.iter().map(|network| {
            vec![
                network.recipe.clone(),
                network.layers.clone(),
                text::count(network.parameters),
            ]
        }));
    blocks.push(Block::raw(vec![layers.block()]));
    Ok(blocks)
}

fn cost_table(networks: &[NetworkCost]) -> Block {
    let row = |name: &str, cell: &dyn Fn(&NetworkCost) -> String| {
        std::iter::once(name.to_owned())
            .chain(networks.iter().map(cell))
            .collect::<Vec<_>>()
    };
    let head = std::iter::once("").chain(networks.iter().map(|cost| cost.recipe.as_str()));
    Table::new("What each network costs", head)
        .rows([
            row("parameters", &|c| text::count(c.parameters)),
            row("multiply-adds for one image", &|c| {
                text::count(c.multiply_adds)
            }),
            row("size on disk", &|c| text::bytes(c.bytes)),
            row("training, seconds per epoch", &|c| {
                text::fixed(c.seconds_per_epoch, 2)
            }),
            row("inference, images per second", &|c| {
                text::rate(c.inference_images_per_second)
            }),
        ])
        .block()
}

/// One column for each network, one row for each accuracy that any of them was timed to.
fn reaches_table(networks: &[NetworkCost]) -> Block {
    let mut goals: Vec<f64> = networks
        .iter()
        .flat_map(|cost| &cost.reaches)
        .map(|reaches| reaches.accuracy)
        .filter(|accuracy| accuracy.is_finite())
        .collect();
    goals.sort_by(f64::total_cmp);
    goals.dedup();
    let head = std::iter::once("validation accuracy")
        .chain(networks.iter().map(|cost| cost.recipe.as_str()));
    Table::new(
        "How soon: median epoch, and seconds of training until its end, over the seeds that get there",
        head,
    )
    .rows(goals.into_iter().map(|goal| {
        std::iter::once(format!("{} %", text::plain(round(100.0 * goal))))
            .chain(networks.iter().map(|cost| {
                cost.reaches
                    .iter()
                    .find(|reaches| reaches.accuracy == goal)
                    .map_or_else(|| text::NONE.to_owned(), how_soon)
            }))
            .collect()
    }))
    .block()
}

fn how_soon(reaches: &Reaches) -> String {
    let (Some(epoch), Some(seconds)) = (reaches.epoch, reaches.seconds) else {
        return "not reached".to_owned();
    };
    let all = if reaches.seeds < reaches.of {
        format!(", {} of {} seeds", reaches.seeds, reaches.of)
    } else {
        String::new()
    };
    format!("{} ({}){all}", text::plain(epoch), text::seconds(seconds))
}

/// Without the noise of multiplying by 100.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn figure(results: &Results) -> Result<Figure, CompareError> {
    Ok(Figure {
        layout: Layout::Wide,
        panels: vec![
            against(results, "parameters", "trainable parameters", |cost| cost.parameters as f64)?,
            against(results, "multiply-adds", "multiply-adds for one image", |cost| {
                cost.multiply_adds as f64
            })?,
        ],
        caption: Caption {
            shows: "Test accuracy against size and against work; further up and further left is better.".to_owned(),
            made: "Mean accuracy over the seeds of question 1. Parameters and multiply-adds are counted from the layers: a multiply-add is one product of a weight and its addition to a sum. The horizontal axes are logarithmic.".to_owned(),
        },
    })
}

fn against(
    results: &Results,
    slug: &str,
    name: &str,
    cost_of: impl Fn(&NetworkCost) -> f64,
) -> Result<Panel, ReportError> {
    let networks = &results.cost.networks;
    let full = [
        &results.accuracy.full.recipe.mlp,
        &results.accuracy.full.recipe.cnn,
    ];
    let places: Vec<Place> = networks
        .iter()
        .map(|cost| Place {
            role: cost.network.into(),
            hollow: !full.contains(&&cost.recipe),
            x: cost_of(cost).log10(),
            y: accuracy_of(results, &cost.recipe).map_or(f64::NAN, |sample| 100.0 * sample.mean),
            name: cost.recipe.clone(),
        })
        .collect();
    let each: Vec<String> = networks
        .iter()
        .zip(&places)
        .map(|(cost, place)| {
            let accuracy = text::percent(place.y / 100.0, 2);
            format!(
                "{} {} at {accuracy}",
                cost.recipe,
                text::rate(cost_of(cost))
            )
        })
        .collect();
    scatter(&Scatter {
        slug: format!("cost-{slug}"),
        label: format!("Test accuracy against {name}: {}.", each.join(", ")),
        title: "Test accuracy in %".to_owned(),
        x_title: name.to_owned(),
        x: Axis::logarithmic(networks.iter().map(&cost_of)),
        y: Axis::percent(roomy(places.iter().map(|place| place.y / 100.0))),
        places,
    })
}

/// The values and a little below the least, so that none lies on the axis.
fn roomy(values: impl Iterator<Item = f64> + Clone) -> impl Iterator<Item = f64> {
    let finite = values.clone().filter(|value| value.is_finite());
    let low = finite.clone().fold(f64::INFINITY, f64::min);
    let high = finite.fold(f64::NEG_INFINITY, f64::max);
    values.chain([low - 0.1 * (high - low)])
}
