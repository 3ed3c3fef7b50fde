//! Results as documents: a page, a Markdown text with figures, a few lines for a terminal.
//!
//! All of them are pure functions of [`Results`]: nothing is measured or read here, and nothing is
//! claimed that the results do not say. The page and the Markdown text render one
//! document whose sections are written once, each in the file of its question.

use std::path::{Path, PathBuf};

use digits_data::files::write_whole;
use digits_report::{Answer, Block, Document, Finding, Section, Table, text};

use crate::error::CompareError;
use crate::evidence::{images, joined, seeds};
use crate::question::{Asked, Context, NetworkSummary};
use crate::results::{Results, Sentence};

/// The report as one self-contained page: no script, no font and no picture from outside.
///
/// # Errors
/// A figure could not be drawn.
pub fn html(results: &Results) -> Result<String, CompareError> {
    Ok(digits_report::html(&document(results)?))
}

/// The report as Markdown for a repository, and the figures that belong beside it: relative file
/// name (`figures/….svg`) and contents.
///
/// # Errors
/// A figure could not be drawn.
pub fn markdown(results: &Results) -> Result<(String, Vec<(String, String)>), CompareError> {
    Ok(digits_report::markdown(&document(results)?))
}

/// What a terminal shows: the answer, at most 96 columns wide, and a small table.
pub fn summary(results: &Results) -> String {
    digits_report::plain(&Document {
        answer: Some(answer(results)),
        sections: vec![Section::new("", "", vec![summary_table(results)])],
        ..Document::default()
    })
}

/// Writes `report.html`, `report.md` with its figures and `results.json` into a folder; returns
/// the page's path.
///
/// # Errors
/// A figure that could not be drawn or a file that cannot be written.
pub fn save(folder: &Path, results: &Results) -> Result<PathBuf, CompareError> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        write_whole(&path, text.as_bytes()).map_err(CompareError::io("write", &path))?;
        Ok::<PathBuf, CompareError>(path)
    };
    let page = write("report.html", &html(results)?)?;
    let (text, figures) = markdown(results)?;
    for (name, svg) in figures {
        write(&name, &svg)?;
    }
    write("report.md", &text)?;
    let json = serde_json::to_string_pretty(results).map_err(CompareError::report)?;
    write("results.json", &(json + "\n"))?;
    Ok(page)
}

/// The whole report.
fn document(results: &Results) -> Result<Document, CompareError> {
    let context = results.context();
    let questions = results.findings.questions();
    let mut sections = Vec::new();
    // The question, the sentences of the answer that belong to it, then the evidence.
    for (number, asked) in (1..).zip(&questions) {
        let mut blocks = vec![Block::Question(asked.question.to_owned())];
        let answer = results.answer.iter();
        let sentences = answer.filter(|sentence| sentence.question == asked.id);
        blocks.extend(sentences.map(|sentence| Block::Finding(sentence.text.clone())));
        blocks.extend(asked.found.evidence(&context)?);
        let title = format!("{number}. {}", asked.title);
        sections.push(Section::new(asked.id, title, blocks));
    }
    sections.extend([
        caveats(&questions, &context),
        time(results),
        repeat(results)?,
        references(),
    ]);
    Ok(Document {
        title: "Feed-forward network against CNN on ".to_owned() + &results.dataset.name,
        conditions: conditions(results),
        answer: Some(answer(results)),
        sections,
        ..Document::default()
    })
}

/// Under which conditions everything below was measured.
fn conditions(results: &Results) -> String {
    let data = &results.dataset;
    format!(
        "Data set {}: {} training, {} validation and {} test images of {} × {} pixels, {}. {}, {}. Backend {}, {}. digits {}.",
        data.name,
        text::count(data.train_images),
        text::count(data.valid_images),
        text::count(data.test_images),
        data.height,
        data.width,
        text::plural(data.classes, "class"),
        text::capitalized(&seeds(&results.plan.seeds)),
        epochs(results),
        results.machine.backend,
        text::plural(results.machine.threads, "thread"),
        results.version,
    )
}

/// The sentences, their tests, and where the evidence is.
fn answer(results: &Results) -> Answer {
    let finding = |sentence: &Sentence| Finding {
        text: sentence.text.clone(),
        note: note(sentence),
        section: sentence.question.clone(),
    };
    Answer {
        heading: "What do you observe?".to_owned(),
        findings: results.answer.iter().map(finding).collect(),
        if_empty: "Nothing was measured that an answer could rest on.".to_owned(),
    }
}

/// The test behind a sentence and its p-values, if there are any.
fn note(sentence: &Sentence) -> Option<String> {
    let mut parts: Vec<String> = sentence.test.iter().cloned().collect();
    parts.extend(sentence.p.and_then(text::p_value));
    let adjusted = sentence.p_adjusted.and_then(text::p_value);
    parts.extend(adjusted.map(|p| format!("Holm-adjusted {p}")));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// A row for each recipe: its parameters, and the columns of the questions.
fn summary_table(results: &Results) -> Block {
    let questions = results.findings.questions();
    let columns = |recipe: &str| {
        let columns = questions.iter().flat_map(|of| of.found.summary(recipe));
        columns.collect::<Vec<(&'static str, Option<String>)>>()
    };
    let names = columns("").into_iter().map(|(name, _)| name);
    let rows = results.networks.iter().map(|network| {
        let mut row = vec![network.recipe.clone(), text::count(network.parameters)];
        let cells = columns(&network.recipe).into_iter().map(|(_, cell)| cell);
        row.extend(cells.map(|cell| cell.unwrap_or_else(|| text::NONE.to_owned())));
        row
    });
    let head = ["network", "parameters"].into_iter().chain(names);
    Table::new("", head).rows(rows).block()
}

/// `5 epochs`, or the epochs of each recipe where they differ.
fn epochs(results: &Results) -> String {
    let of = |network: &NetworkSummary| {
        let config: toml::Table = network.config.parse().ok()?;
        let epochs = config.get("training")?.get("epochs")?.as_integer()?;
        Some((network.recipe.clone(), usize::try_from(epochs).ok()?))
    };
    let known: Vec<(String, usize)> = results.networks.iter().filter_map(of).collect();
    let Some((_, first)) = known.first() else {
        return "epochs not recorded".to_owned();
    };
    if known.iter().all(|(_, epochs)| epochs == first) {
        return text::plural(*first, "epoch");
    }
    let each = known.iter();
    let each = each.map(|(recipe, epochs)| format!("{recipe} {epochs}"));
    format!("epochs: {}", joined(each, ", "))
}

/// What the numbers do not say.
fn caveats(questions: &[Asked<'_>], context: &Context<'_>) -> Section {
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
    let asked = questions.iter();
    items.extend(asked.flat_map(|asked| asked.found.caveats(context)));
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
fn time(results: &Results) -> Section {
    let spent = results.time.iter();
    let spent = spent.map(|spent| (spent.part.as_str(), spent.seconds));
    let seconds = spent.clone().map(|(_, seconds)| seconds);
    let total: f64 = seconds.filter(|seconds| seconds.is_finite()).sum();
    let rows = spent.chain([("together", total)]).map(|(name, seconds)| {
        let share = text::fixed(100.0 * seconds / total, 1);
        vec![name.to_owned(), text::seconds(seconds), share]
    });
    let table = Table::new("Time by part", ["part", "time", "% of all"]).rows(rows);
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
fn repeat(results: &Results) -> Result<Section, CompareError> {
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
fn references() -> Section {
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
