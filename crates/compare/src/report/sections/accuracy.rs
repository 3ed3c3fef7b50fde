use super::{
    all_points, by_seed, difference_cells, extent, extent_of_differences, percents, spread,
};
use crate::report::summary::mean_and_deviation;
use crate::{CompareError, Contest, Network, Results};
use digits_report::chart::{Axis, Mark, Role, Row, Rows, rows};
use digits_report::text;
use digits_report::{Block, Caption, Figure, Layout, Panel, ReportError, Table};

pub(super) fn blocks(results: &Results) -> Result<Vec<Block>, CompareError> {
    let contests = [
        ("at full size", "full", &results.accuracy.full),
        (
            "matched in parameters",
            "matched",
            &results.accuracy.matched,
        ),
    ];
    let mut panels = Vec::new();
    for (name, slug, contest) in contests {
        panels.push(accuracies(name, slug, contest)?);
        panels.push(differences(name, slug, contest)?);
    }
    let full = &results.accuracy.full;
    let figure = Figure {
        layout: Layout::Wide,
        panels,
        caption: Caption {
            shows: "Test accuracy of the four networks, and the difference of the two that are compared; right of the dashed line the CNN is better.".to_owned(),
            made: format!(
                "Each small dot is one network on all {} test images; the two of a seed have the same held-out images, and their difference is taken within the seed. {}",
                text::count(results.dataset.test_images),
                spread(full.seeds.len())
            ),
        },
    };
    let mut blocks = vec![
        Block::Figure(figure),
        accuracy_table(&contests),
        difference_table(&contests),
    ];
    blocks.push(Block::Heading(
        "Image by image: McNemar's exact test".to_owned(),
    ));
    blocks.push(Block::paragraph(
        "Only images on which exactly one of the two networks is right can tell them apart. If both were equally good, each such image would fall to either side like a fair coin; p is the two-sided exact binomial probability of counts at least as uneven (McNemar 1947; Dietterich 1998). One test for each seed, p-values not adjusted.",
    ));
    blocks.push(mcnemar_table(&contests));
    blocks.push(Block::raw(
        contests
            .iter()
            .map(|(name, _, contest)| {
                by_seed(
                    &format!("Test accuracy in %, networks {name}"),
                    &contest.seeds,
                    &[
                        (
                            contest.recipe.mlp.clone(),
                            percents(&contest.accuracy.mlp.values),
                        ),
                        (
                            contest.recipe.cnn.clone(),
                            percents(&contest.accuracy.cnn.values),
                        ),
                        (
                            "CNN − MLP, points".to_owned(),
                            all_points(&contest.difference.values),
                        ),
                    ],
                )
            })
            .collect(),
    ));
    Ok(blocks)
}

fn accuracies(name: &str, slug: &str, contest: &Contest) -> Result<Panel, ReportError> {
    let both = [&contest.accuracy.mlp, &contest.accuracy.cnn];
    let row = |network: Network| {
        let sample = contest.accuracy.of(network);
        Row {
            label: contest.recipe.of(network).clone(),
            marks: vec![Mark::percent(
                network,
                sample,
                text::fixed(100.0 * sample.mean, 2),
            )],
        }
    };
    rows(&Rows {
        slug: format!("accuracy-{slug}"),
        label: format!(
            "Test accuracy {name}: {} {}, {} {}.",
            contest.recipe.mlp,
            text::percent(contest.accuracy.mlp.mean, 2),
            contest.recipe.cnn,
            text::percent(contest.accuracy.cnn.mean, 2),
        ),
        title: text::capitalized(name),
        x_title: "test accuracy in %".to_owned(),
        x: Axis::percent(extent(both)),
        rows: Network::BOTH.map(row).into(),
        legend: Vec::new(),
        line: None,
        together: false,
    })
}

fn differences(name: &str, slug: &str, contest: &Contest) -> Result<Panel, ReportError> {
    let difference = &contest.difference;
    rows(&Rows {
        slug: format!("difference-{slug}"),
        label: format!(
            "Difference of test accuracy {name}, CNN − MLP: {} percentage points.",
            text::points(difference.mean)
        ),
        title: format!("{}: difference", text::capitalized(name)),
        x_title: "percentage points".to_owned(),
        x: Axis::difference(extent_of_differences([difference])),
        rows: vec![Row {
            label: "CNN − MLP".to_owned(),
            marks: vec![Mark::percent(
                Role::Neutral,
                difference,
                text::points(difference.mean),
            )],
        }],
        legend: Vec::new(),
        line: Some(0.0),
        together: false,
    })
}

type Named<'a> = (&'a str, &'a str, &'a Contest);

fn accuracy_table(contests: &[Named<'_>]) -> Block {
    Table::new(
        "Test accuracy in %: mean ± standard deviation over the seeds, and the interval of the mean",
        [
            "network",
            "parameters",
            "accuracy",
            "95 % interval",
            "seeds",
        ],
    )
    .rows(contests.iter().flat_map(|(_, _, contest)| {
        Network::BOTH.map(|network| {
            let sample = contest.accuracy.of(network);
            vec![
                contest.recipe.of(network).clone(),
                text::count(*contest.parameters.of(network)),
                mean_and_deviation(sample),
                text::percent_interval(sample.interval, 2),
                contest.seeds.len().to_string(),
            ]
        })
    }))
    .block()
}

fn difference_table(contests: &[Named<'_>]) -> Block {
    Table::new(
        "Paired difference CNN − MLP in percentage points; p of the paired t-test",
        ["networks", "difference", "95 % interval", "p"],
    )
    .rows(contests.iter().map(|(name, _, contest)| {
        let mut row = vec![(*name).to_owned()];
        row.extend(difference_cells(&contest.difference));
        row
    }))
    .block()
}

fn mcnemar_table(contests: &[Named<'_>]) -> Block {
    Table::new(
        "Test images by who is right; exact p",
        [
            "networks", "seed", "both", "only MLP", "only CNN", "neither", "p",
        ],
    )
    .rows(contests.iter().flat_map(|(name, _, contest)| {
        contest.mcnemar.iter().map(|test| {
            vec![
                (*name).to_owned(),
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
