use digits_report::{Block, Section, Table, text};

use crate::error::CompareError;
use crate::evidence::images;
use crate::question::Question;
use crate::results::Results;
use crate::setting::Context;

/// What the numbers do not say.
pub(super) fn caveats(questions: &[&dyn Question], context: &Context<'_>) -> Section {
    let plan = context.plan;
    let mut items = vec![
        "All seeds share the same training and test images. An interval or t-test over seeds speaks of the randomness of training (start values, held-out images, order, dropout), not of other images.".to_owned(),
        "McNemar's test speaks of the test images, for the two networks of one seed. It does not say how other seeds would have ended.".to_owned(),
        "p-values in the answer are given as they are and adjusted for the number of sentences that rest on a test (Holm 1979). Those in the tables are not adjusted: with many of them, some fall below 0.05 by chance.".to_owned(),
    ];
    items.push(match plan.seeds.len() {
        0 | 1 => "With a single seed there is neither an interval nor a p-value over seeds: a difference may be luck of the draw.".to_owned(),
        n => format!(
            "A t-interval assumes that the results of the seeds are about normally distributed, which {n} of them cannot show."
        ),
    });
    items.extend(
        questions
            .iter()
            .flat_map(|question| question.caveats(context)),
    );
    items.push(format!(
        "Shift, rotation and scale are measured on {}, damaged images on {}. “More tolerant” means a smaller loss over the amounts tried here, nothing beyond.",
        images(plan.tolerance.images, context),
        images(plan.corruptions.images, context)
    ));
    items.push("The best epoch and the temperature are chosen on validation images, but with few training images the last network is kept; nothing is chosen on test images.".to_owned());
    items.push("Times are of one machine while it may have done other things; the other numbers are the same for the same plan, data, backend and number of threads.".to_owned());
    Section::new("caveats", "Read this with care", vec![Block::List(items)])
}

/// Where the time of this call went.
pub(super) fn time(results: &Results) -> Section {
    let total: f64 = results
        .time
        .iter()
        .map(|spent| spent.seconds)
        .filter(|seconds| seconds.is_finite())
        .sum();
    let row = |name: &str, seconds: f64| {
        let share = if total > 0.0 {
            text::fixed(100.0 * seconds / total, 1)
        } else {
            text::NONE.to_owned()
        };
        vec![name.to_owned(), text::seconds(seconds), share]
    };
    let table = Table::new("Time by part", ["part", "time", "% of all"]).rows(
        results
            .time
            .iter()
            .map(|spent| row(&spent.part, spent.seconds))
            .chain([row("together", total)]),
    );
    Section::new(
        "time",
        "Where the time went",
        vec![
            Block::paragraph(
                "Time of the call that wrote this report. Networks that were trained in an earlier call and could be used again took none.",
            ),
            table.block(),
        ],
    )
}

/// How to get the same numbers.
pub(super) fn repeat(results: &Results) -> Result<Section, CompareError> {
    let plan = toml::to_string(&results.plan).map_err(CompareError::report)?;
    let mut blocks = vec![
        Block::paragraph("From the repository:"),
        Block::Code("just compare-ffn-cnn".to_owned()),
        Block::paragraph(
            "That runs the default plan. To repeat this one, save the plan below as plan.toml and give it to the program:",
        ),
        Block::Code("digits compare --config plan.toml".to_owned()),
        Block::paragraph(format!(
            "The same plan on the same data, backend and number of threads gives the same numbers, times excepted. The data of this report has the fingerprint {} (SHA-256). results.json beside this report holds every number.",
            results.dataset.fingerprint
        )),
        Block::details("The plan (TOML)", vec![Block::Code(plan)]),
    ];
    blocks.extend(results.networks.iter().map(|network| {
        let summary = format!("The configuration of {} (TOML)", network.recipe);
        Block::details(summary, vec![Block::Code(network.config.clone())])
    }));
    Ok(Section::new("repeat", "How to repeat it", blocks))
}

/// What the methods rest on.
pub(super) fn references() -> Section {
    let items = [
        "T. G. Dietterich: Approximate statistical tests for comparing supervised classification learning algorithms. Neural Computation 10(7), 1998, pp. 1895–1923.",
        "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML 2017, PMLR 70, pp. 1321–1330.",
        "S. Holm: A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6(2), 1979, pp. 65–70.",
        "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. Proceedings of the IEEE 86(11), 1998, pp. 2278–2324.",
        "Q. McNemar: Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika 12(2), 1947, pp. 153–157.",
        "N. Mu, J. Gilmer: MNIST-C: A robustness benchmark for computer vision. arXiv:1906.02337, 2019.",
        "M. P. Naeini, G. F. Cooper, M. Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning. AAAI 2015, pp. 2901–2907.",
    ];
    Section::new(
        "references",
        "References",
        vec![Block::List(items.map(str::to_owned).into())],
    )
}
