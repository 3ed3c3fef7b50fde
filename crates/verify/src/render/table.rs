use super::{bound, error, verdict};
use crate::report::Report;
use crate::worked::{Worked, number};

/// The report for a terminal.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let width = report
        .groups
        .iter()
        .map(|group| chars(&group.title))
        .max()
        .unwrap_or(0)
        .max(20);
    let mut part = "";
    for group in &report.groups {
        if group.part != part {
            part = group.part;
            text += &format!(
                "\n{part:<width$}    {:>9}  {:>9}  {:>9}\n{}\n",
                "checks",
                "max error",
                "tolerance",
                "─".repeat(width + 35)
            );
        }
        let passed = group.checks.iter().filter(|check| check.passed).count();
        let mark = if group.passed() { '✓' } else { '✗' };
        text += &format!(
            "{mark} {}  {:>9}  {:>9}  {:>9}\n",
            pad(&group.title, width),
            format!("{passed}/{}", group.checks.len()),
            error(group.max_error()),
            bound(group.tolerance())
        );
        for check in group.checks.iter().filter(|check| !check.passed) {
            text += &format!(
                "    ✗ {}: {} > {}\n",
                check.name,
                error(check.max_error),
                bound(check.tolerance)
            );
        }
    }
    for missing in &report.not_checked {
        text += &format!("○ {}: NOT CHECKED: {}\n", missing.name, missing.reason);
    }
    if let Some(backprop) = &report.backprop {
        text += &engines(&backprop.worked.names, &backprop.engines);
    }
    if let Some(filters) = &report.filters {
        text += "\nThe sheet's filters\n";
        for (filter, result) in &filters.results {
            text += &format!("\n{}: {}\n", filter.name, filter.does);
            let blocks = [&filters.image, &filter.kernel, result].map(|grid| {
                grid.iter_rows()
                    .map(|row| {
                        row.iter()
                            .map(|v| format!("{v:>4}"))
                            .collect::<String>()
                            .replace('-', "−")
                    })
                    .collect::<Vec<_>>()
            });
            for line in 0..blocks[0].len() {
                let middle = line.checked_sub(1);
                let small = |block: &[String]| {
                    middle
                        .and_then(|m| block.get(m))
                        .cloned()
                        .unwrap_or_default()
                };
                let sign = |s: char| if line == 2 { s } else { ' ' };
                text += format!(
                    "{}  {} {:<12}  {} {}",
                    blocks[0][line],
                    sign('⋆'),
                    small(&blocks[1]),
                    sign('='),
                    small(&blocks[2])
                )
                .trim_end();
                text.push('\n');
            }
        }
    }
    if let Some(mutants) = &report.mutants {
        text += &format!(
            "\n{:<28}  {:<7}  {:>9}  {}\n{}\n",
            "Mutant",
            "caught",
            "error",
            "by",
            "─".repeat(62)
        );
        for mutant in mutants {
            let mark = if mutant.caught { "✓ yes" } else { "✗ NO" };
            text += &format!(
                "{}  {mark:<7}  {:>9}  {}\n",
                pad(mutant.name, 28),
                error(mutant.error),
                mutant.caught_by.unwrap_or("nothing")
            );
        }
    }
    text + "\n" + &verdict(report) + "\n"
}

/// The worked derivation for a terminal: rule, numbers and result side by side.
pub fn derivation(worked: &Worked) -> String {
    let steps = || worked.sections.iter().flat_map(|section| &section.steps);
    let widest = |of: fn(&crate::worked::Step) -> &str| {
        steps().map(|step| chars(of(step))).max().unwrap_or(0)
    };
    let (symbol, formula) = (widest(|s| &s.symbol), widest(|s| &s.formula));
    let numbers = widest(|s| &s.numbers);
    let mut text = String::new();
    for section in &worked.sections {
        text += &format!("\n{}\n  {}\n", section.title, section.why);
        for step in &section.steps {
            text += &format!(
                "  {} = {}  = {}  = {:>10}\n",
                pad(&step.symbol, symbol),
                pad(&step.formula, formula),
                pad(&step.numbers, numbers),
                number(step.value)
            );
        }
    }
    text + &format!(
        "\nThe step takes the loss from {} to {}.\n",
        number(worked.loss),
        number(worked.loss_after)
    )
}

fn engines(names: &[String], engines: &[(String, Vec<f64>)]) -> String {
    let mut text = "\nThe gradient of the worked network, engine by engine\n\n      ".to_owned();
    for (name, _) in engines {
        text += &format!("  {name:>19}");
    }
    for (index, name) in names.iter().enumerate() {
        text += &format!("\n  {name} ");
        for (_, values) in engines {
            text += &values.get(index).map_or_else(
                || format!("  {:>19}", "missing"),
                |v| format!("  {v:>19.16}"),
            );
        }
    }
    text + "\n"
}

fn chars(text: &str) -> usize {
    // Combining marks take no column; there are none but the over-struck ones of formulas.
    text.chars().count()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(chars(text))))
}
