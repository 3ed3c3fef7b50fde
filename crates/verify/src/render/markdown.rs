use super::{bound, error, verdict};
use crate::filter::Grid;
use crate::report::Report;
use crate::worked::number;

/// The report as Markdown: verdict, derivation, filters, evidence, checks, mutants.
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "# The hand-derived mathematics, checked\n\n{}\n",
        verdict(report)
    );
    for missing in &report.not_checked {
        text += &format!(
            "\n**Not checked: {}** ({}).\n",
            missing.name, missing.reason
        );
    }
    if let Some(backprop) = &report.backprop {
        text += "\n## 4-1 Backpropagation\n";
        for section in &backprop.worked.sections {
            text += &format!(
                "\n### {}\n\n{}\n\n| | rule | numbers | value |\n| --- | --- | --- | ---: |\n",
                section.title, section.why
            );
            for step in &section.steps {
                text += &format!(
                    "| {} | {} | {} | {} |\n",
                    step.symbol,
                    step.formula,
                    step.numbers,
                    number(step.value)
                );
            }
        }
        let worked = &backprop.worked;
        text += &format!(
            "\nThe step takes the loss from {} to {}.\n",
            number(worked.loss),
            number(worked.loss_after)
        );
    }
    if let Some(filters) = &report.filters {
        text += &format!("\n## 4-2 Filters\n\nImage:\n\n{}", grid(&filters.image));
        for ((filter, result), evidence) in filters.results.iter().zip(&filters.evidence) {
            text += &format!(
                "\n### {}\n\n{}\n\nKernel:\n\n{}\nResult:\n\n{}\n",
                filter.name,
                evidence.answer,
                grid(&filter.kernel),
                grid(result)
            );
            text += "| what was tried | what came out | |\n| --- | --- | --- |\n";
            for fact in &evidence.facts {
                text += &format!(
                    "| {} | {} | {} |\n",
                    fact.claim,
                    fact.found,
                    if fact.holds { "✓" } else { "✗" }
                );
            }
        }
    }
    text +=
        "\n## Checks\n\n| check | passed | max error | tolerance |\n| --- | --- | ---: | ---: |\n";
    for check in report.checks() {
        let mark = if check.passed { "✓" } else { "**✗**" };
        text += &format!(
            "| {} | {mark} | {} | {} |\n",
            check.name,
            error(check.max_error),
            bound(check.tolerance)
        );
    }
    if let Some(mutants) = &report.mutants {
        text += "\n## Mutants\n\n| wrong rule | | caught | error |\n| --- | --- | --- | ---: |\n";
        for mutant in mutants {
            let mark = mutant
                .caught_by
                .map_or_else(|| "**not caught**".to_owned(), |by| format!("by {by}"));
            text += &format!(
                "| {} | {} | {mark} | {} |\n",
                mutant.name,
                mutant.rule,
                error(mutant.error)
            );
        }
    }
    text
}

fn grid(grid: &Grid<i64>) -> String {
    let row = |cells: &[i64]| {
        format!(
            "| {} |\n",
            cells
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" | ")
        )
        .replace('-', "−")
    };
    let empty = format!(
        "|{}\n|{}\n",
        " |".repeat(grid.columns()),
        " ---: |".repeat(grid.columns())
    );
    empty + &grid.iter_rows().map(row).collect::<String>()
}
