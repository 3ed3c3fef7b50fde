//! A report as text, Markdown, HTML or JSON. Nothing here computes or writes a file.

mod drawing;

use digits_report::chart::{self, Axis, Line, Plot, Point, Role};
use digits_report::{Block, Document, Figure, Panel, ReportError, Section, Status, Table, text};
use serde_json::{Map, Value, json};

use crate::check::Group;
use crate::check::tolerance;
use crate::error::VerifyError;
use crate::filter::{Evidence, Grid, Learned, NamedFilter};
use crate::mutants::Mutant;
use crate::report::{Backprop, Filters, Report, Training};
use crate::worked::{Worked, number};

/// The report as one self-contained page: no script, no font and no picture from outside.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn html(report: &Report) -> Result<String, VerifyError> {
    Ok(digits_report::html(&document(report, true)?))
}

/// The report as Markdown: verdict, derivation, filters, evidence, checks, mutants.
///
/// # Errors
/// None that the parts without charts could give; they are passed on all the same.
pub fn markdown(report: &Report) -> Result<String, VerifyError> {
    Ok(digits_report::markdown(&document(report, false)?).0)
}

/// The report for a terminal: a line for each group of checks, the gradients, the filters, the
/// mutants; with the worked derivation if asked for.
pub fn terminal(report: &Report, with_derivation: bool) -> String {
    let mut blocks = Vec::new();
    if let (Some(backprop), true) = (&report.backprop, with_derivation) {
        blocks.extend(derivation(&backprop.worked));
    }
    for part in report.groups.chunk_by(|a, b| a.part == b.part) {
        blocks.push(overview(part));
    }
    if let Some(backprop) = &report.backprop {
        blocks.push(Block::paragraph(
            "The gradient of the worked network, engine by engine",
        ));
        blocks.push(engines(backprop, 16));
    }
    if let Some(filters) = &report.filters {
        blocks.push(Block::paragraph("The sheet's filters"));
        for (filter, result) in &filters.results {
            blocks.push(Block::Paragraph(format!(
                "{}: {}",
                filter.name, filter.does
            )));
            let grids = side_by_side(&filters.image, &filter.kernel, result);
            blocks.push(Block::Code(grids));
        }
    }
    blocks.extend(report.mutants.as_deref().map(mutants));
    blocks.extend(verdict(report).into_iter().rev());
    digits_report::plain(&Document {
        sections: vec![Section::new("verify", "", blocks)],
        ..Document::default()
    })
}

/// The report as one JSON document: `passed`, `checks`, `not_checked`, `filters` (the integer
/// results by name), `derivation`, `evidence`, `seconds`, and `mutants` if they were tried. An
/// error that is not a finite number is `null`, and then `passed` is false.
pub fn json(report: &Report) -> Value {
    let mut document = json!({
        "passed": report.passed(),
        "checks": report.checks().collect::<Vec<_>>(),
        "not_checked": report.not_checked,
        "seconds": report.seconds,
    });
    if let Some(filters) = &report.filters {
        let results = filters.results.iter();
        let results = results.map(|(filter, result)| (filter.name.to_owned(), json!(result)));
        document["filters"] = Value::Object(results.collect::<Map<_, _>>());
        document["image"] = json!(filters.image);
        document["evidence"] = json!(filters.evidence);
    }
    if let Some(backprop) = &report.backprop {
        document["derivation"] = json!(backprop.worked);
    }
    if let Some(mutants) = &report.mutants {
        document["mutants"] = json!(mutants);
    }
    document
}

/// What page and Markdown say; drawings and charts on a page alone.
fn document(report: &Report, page: bool) -> Result<Document, ReportError> {
    let mut sections = vec![Section::new("verdict", "", verdict(report))];
    if let Some(part) = &report.backprop {
        let blocks = backprop(part, page)?;
        sections.push(Section::new("backprop", "4-1 Backpropagation", blocks));
    }
    if let Some(part) = &report.filters {
        let blocks = filters(part, page);
        sections.push(Section::new("filters", "4-2 Filters", blocks));
    }
    let mut checks: Vec<Block> = report.groups.iter().map(details).collect();
    if let Some(all) = &report.mutants {
        checks.push(Block::Heading("Mutants".to_owned()));
        checks.push(Block::paragraph(
            "Rules that are wrong on purpose. A check that lets one pass proves nothing.",
        ));
        checks.push(mutants(all));
    }
    sections.push(Section::new("checks", "Every check", checks));
    Ok(Document {
        title: "The hand-derived mathematics, checked".to_owned(),
        sections,
        style: include_str!("style.css"),
        ..Document::default()
    })
}

/// How it ended, and what could not be checked.
fn verdict(report: &Report) -> Vec<Block> {
    let (all, failed) = (
        report.checks().count(),
        report.checks().filter(|check| !check.passed).count(),
    );
    let numbers: usize = report.checks().map(|check| check.compared).sum();
    let mut text = if failed == 0 {
        format!(
            "All {all} checks passed ({} numbers compared) in {:.1} s.",
            text::count(numbers),
            report.seconds
        )
    } else {
        format!("{failed} of {all} checks FAILED.")
    };
    if let Some(mutants) = &report.mutants {
        let caught = mutants.iter().filter(|mutant| mutant.caught).count();
        text += &format!(" {caught} of {} mutants caught.", mutants.len());
    }
    for missing in &report.not_checked {
        text += &format!(" Not checked: {}.", missing.name);
    }
    let missing = report.not_checked.iter().map(|missing| {
        let text = format!("{}: NOT CHECKED: {}", missing.name, missing.reason);
        Block::Verdict(Status::Open, text)
    });
    let ended = Block::Verdict(Status::of(report.passed()), text);
    std::iter::once(ended).chain(missing).collect()
}

fn backprop(part: &Backprop, page: bool) -> Result<Vec<Block>, ReportError> {
    let mut blocks = Vec::new();
    if page {
        blocks.push(markup(include_str!("backprop.html").to_owned()));
        blocks.push(markup(drawing::network(&part.worked)));
    }
    blocks.push(Block::Heading("With numbers".to_owned()));
    blocks.extend(derivation(&part.worked));
    blocks.push(Block::Heading(
        "The same gradient from independent engines".to_owned(),
    ));
    blocks.push(engines(part, 14));
    if page {
        let mut panels = vec![sweep(&part.sweep)?];
        panels.extend(part.training.first().map(training).transpose()?);
        let worst = part.training.iter().map(|run| {
            let worst = run.differences.iter().copied().fold(0.0, f64::max);
            format!("{}: {}", run.device, error(worst))
        });
        let shows = format!(
            "Central differences of the worked network: too large a step is wrong by h², too small a one by rounding; the check takes the best. A 2-2-2 network trained by the hand rules: Burn's SGD, started from the same weights, never leaves it; the largest difference of any parameter in any step is {}.",
            worst.collect::<Vec<_>>().join(", ")
        );
        blocks.push(Figure::new(panels, shows, "").into());
    }
    Ok(blocks)
}

/// Rule, numbers and result side by side.
fn derivation(worked: &Worked) -> Vec<Block> {
    let mut blocks = Vec::new();
    for section in &worked.sections {
        blocks.push(Block::Subheading(section.title.to_owned()));
        blocks.push(Block::Paragraph(section.why.clone()));
        let rows = section.steps.iter().map(|step| {
            vec![
                step.symbol.clone(),
                format!("= {}", step.formula),
                format!("= {}", step.numbers),
                format!("= {}", number(step.value)),
            ]
        });
        blocks.push(words(4, rows));
    }
    blocks.push(Block::Paragraph(format!(
        "The step takes the loss from {} to {}.",
        number(worked.loss),
        number(worked.loss_after)
    )));
    blocks
}

/// The gradient of the worked network, a column for each engine.
fn engines(part: &Backprop, decimals: usize) -> Block {
    let names = part.engines.iter().map(|(name, _)| name.as_str());
    let rows = part.worked.names.iter().enumerate().map(|(index, name)| {
        let values = part.engines.iter().map(|(_, values)| {
            let value = values.get(index);
            value.map_or_else(|| "missing".to_owned(), |v| text::fixed(*v, decimals))
        });
        std::iter::once(format!("∂L/∂{name}"))
            .chain(values)
            .collect()
    });
    let table = Table::new("", std::iter::once("").chain(names));
    table.rows(rows).into()
}

/// Error of central differences against their step, both axes logarithmic.
fn sweep(points: &[(f64, f64)]) -> Result<Panel, ReportError> {
    let point = |(step, error): &(f64, f64)| (step.log10(), error.max(1e-16).log10());
    chart::lines(&Plot {
        slug: "sweep".to_owned(),
        label: "Error of central differences against the step h".to_owned(),
        title: "Error of central differences, 10ʸ".to_owned(),
        x_title: Some("step h = 10ˣ".to_owned()),
        x: Axis::whole(-10.5, -0.5),
        y: Axis::whole(-14.0, 0.0),
        lines: vec![line(points.iter().map(point), 3)],
        reference: Some((tolerance::FINITE_DIFFERENCE.log10(), "tolerance".to_owned())),
        ..Plot::default()
    })
}

/// The loss by the hand rules.
fn training(run: &Training) -> Result<Panel, ReportError> {
    let losses = run.losses.iter().enumerate().step_by(5);
    chart::lines(&Plot {
        slug: "training".to_owned(),
        label: "Loss of the 2-2-2 network while it trains".to_owned(),
        title: "Loss of a 2-2-2 network".to_owned(),
        x_title: Some("step".to_owned()),
        x: Axis::whole(0.0, run.losses.len() as f64 - 1.0),
        y: Axis::linear(run.losses.iter().copied().chain([0.0])),
        lines: vec![line(losses.map(|(step, loss)| (step as f64, *loss)), 0)],
        ..Plot::default()
    })
}

fn line(points: impl Iterator<Item = (f64, f64)>, radius: i32) -> Line {
    let point = |(x, y)| Point {
        radius,
        ..Point::new(x, y, None)
    };
    let mut line = Line {
        points: points.map(point).collect(),
        ..Line::default()
    };
    line.key.role = Role::Second;
    line
}

fn filters(part: &Filters, page: bool) -> Vec<Block> {
    let mut blocks = Vec::new();
    if page {
        blocks.push(markup(include_str!("correlation.html").to_owned()));
        blocks.push(Block::paragraph("Orange is positive, blue negative."));
    }
    let each = part.results.iter().zip(&part.evidence).zip(&part.learned);
    for (((NamedFilter { name, kernel, .. }, result), evidence), learned) in each {
        blocks.push(Block::Heading(text::capitalized(name)));
        blocks.push(Block::paragraph(evidence.answer));
        blocks.push(if page {
            markup(drawing::correlation(&part.image, kernel, result))
        } else {
            Block::Code(side_by_side(&part.image, kernel, result))
        });
        blocks.push(facts(evidence));
        blocks.push(found(learned));
    }
    blocks
}

fn facts(evidence: &Evidence) -> Block {
    let rows = evidence.facts.iter().map(|fact| {
        let sign = Status::of(fact.holds).sign().to_string();
        vec![sign, fact.claim.clone(), text::minus(&fact.found)]
    });
    Block::Details {
        summary: format!("The evidence: {} facts", evidence.facts.len()),
        blocks: vec![words(3, rows)],
        open: true,
    }
}

fn found(learned: &Learned) -> Block {
    let row = |row: &[f64]| {
        let weights = row.iter().map(|v| number((v * 1e4).round() / 1e4));
        weights.collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<String> = learned.kernel.iter_rows().map(row).collect();
    Block::Paragraph(format!(
        "Learned back from eight random images and their results, starting from zero, in {} steps of gradient descent: {} (largest error {}).",
        learned.steps,
        rows.join(" ; "),
        error(learned.error)
    ))
}

/// Image ⋆ kernel = result in letters of one width.
fn side_by_side(image: &Grid<i64>, kernel: &Grid<i64>, result: &Grid<i64>) -> String {
    let line = |grid: &Grid<i64>, row: Option<usize>| -> String {
        let row = row.and_then(|row| grid.iter_rows().nth(row)).unwrap_or(&[]);
        let cells: String = row.iter().map(|v| format!("{v:>4}")).collect();
        text::minus(&cells)
    };
    let mut lines = String::new();
    for row in 0..image.rows() {
        // Kernel and result stand in the middle of the image.
        let (star, equals) = if row == 2 { ('⋆', '=') } else { (' ', ' ') };
        let (image, middle) = (line(image, Some(row)), row.checked_sub(1));
        let (kernel, result) = (line(kernel, middle), line(result, middle));
        let line = format!("{image}  {star} {kernel:<12}  {equals} {result}");
        lines += line.trim_end();
        lines.push('\n');
    }
    lines
}

/// One line for each group, and the checks that failed.
fn overview(groups: &[Group]) -> Block {
    let part = groups.first().map_or("", |group| group.part);
    let mut rows = Vec::new();
    for group in groups {
        rows.push(vec![
            format!("{} {}", Status::of(group.passed()).sign(), group.title),
            passed(group),
            error(group.max_error()),
            bound(group.tolerance()),
        ]);
        let failed = group.checks.iter().filter(|check| !check.passed);
        rows.extend(failed.map(|check| {
            vec![
                format!("    {} {}", Status::Bad.sign(), check.name),
                String::new(),
                error(check.max_error),
                bound(check.tolerance),
            ]
        }));
    }
    let table = Table::new("", [part, "checks", "max error", "tolerance"]);
    table.rows(rows).into()
}

/// One group with all of its checks, open if one failed.
fn details(group: &Group) -> Block {
    let rows = group.checks.iter().map(|check| {
        vec![
            Status::of(check.passed).sign().to_string(),
            check.name.clone(),
            error(check.max_error),
            bound(check.tolerance),
        ]
    });
    Block::Details {
        summary: format!(
            "{} {} {}, max error {}, tolerance {}",
            Status::of(group.passed()).sign(),
            group.title,
            passed(group),
            error(group.max_error()),
            bound(group.tolerance())
        ),
        blocks: vec![words(2, rows)],
        open: !group.passed(),
    }
}

/// `12/12`
fn passed(group: &Group) -> String {
    let passed = group.checks.iter().filter(|check| check.passed).count();
    format!("{passed}/{}", group.checks.len())
}

fn mutants(mutants: &[Mutant]) -> Block {
    let rows = mutants.iter().map(|mutant| {
        let caught = mutant.caught_by.map_or_else(
            || format!("{} NOT caught", Status::Bad.sign()),
            |by| format!("{} by {by}", Status::Good.sign()),
        );
        let (name, rule) = (mutant.name.to_owned(), mutant.rule.to_owned());
        vec![name, rule, caught, error(mutant.error)]
    });
    let table = Table::new("", ["Mutant", "wrong rule", "caught", "error"]);
    table.words(3).rows(rows).into()
}

fn markup(html: String) -> Block {
    Block::Markup {
        html,
        text: String::new(),
    }
}

/// Rows without a head.
fn words(words: usize, rows: impl Iterator<Item = Vec<String>>) -> Block {
    let table = Table {
        rows: rows.collect(),
        words,
        ..Table::default()
    };
    table.into()
}

/// `2.8e-17`, `0`, or `not a number` for anything that is not finite.
fn error(value: f64) -> String {
    if !value.is_finite() {
        "not a number".to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value:.1e}")
    }
}

/// 1e-12, or `exact`.
fn bound(value: f64) -> String {
    if value == 0.0 {
        "exact".to_owned()
    } else {
        format!("{value:.0e}")
    }
}
