use crate::document::{Block, Document, Table};
use crate::text::wrap;

/// No line of running text is longer.
const COLUMNS: usize = 96;

/// The document as lines for a terminal; of figures only what they show.
pub fn plain(document: &Document) -> String {
    let mut parts = vec![document.title.clone(), hanging("", &[&document.conditions])];
    if let Some(answer) = &document.answer {
        parts.push(answer.heading.clone());
        let findings = (1..).zip(&answer.findings).map(|(number, finding)| {
            let note = finding.note.iter().map(|note| format!("({note})"));
            let texts: Vec<String> = [finding.text.clone()].into_iter().chain(note).collect();
            hanging(&format!("{number:>3}. "), &texts)
        });
        parts.push(findings.collect::<Vec<_>>().join("\n"));
        if answer.findings.is_empty() {
            parts.push(hanging("  ", &[&answer.if_empty]));
        }
    }
    for section in &document.sections {
        parts.push(section.heading.clone());
        parts.extend(section.blocks.iter().map(block));
    }
    apart(parts) + "\n"
}

/// With an empty line between them.
fn apart(mut parts: Vec<String>) -> String {
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn block(one: &Block) -> String {
    match one {
        Block::Question(text)
        | Block::Finding(text)
        | Block::Heading(text)
        | Block::Subheading(text)
        | Block::Paragraph(text) => hanging("", &[text]),
        Block::Verdict(status, text) => hanging(&format!("{} ", status.sign()), &[text]),
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|item| hanging("- ", &[item])).collect();
            items.join("\n")
        }
        Block::Figure(figure) => hanging("", &[&figure.shows]),
        Block::Tiles(tiles) => hanging("", &[&tiles.shows]),
        Block::Table(one) => table(one),
        Block::Code(text) | Block::Markup { text, .. } => text.trim_end().to_owned(),
        Block::Details {
            summary, blocks, ..
        } => {
            let summary = [hanging("", &[summary])].into_iter();
            apart(summary.chain(blocks.iter().map(block)).collect())
        }
    }
}

/// Wrapped texts one below the other; `first` before the first line, as many spaces before the
/// others.
fn hanging(first: &str, texts: &[impl AsRef<str>]) -> String {
    let indent = first.chars().count();
    let lines = texts
        .iter()
        .flat_map(|text| wrap(text.as_ref(), COLUMNS - indent));
    let between = format!("\n{}", " ".repeat(indent));
    format!("{first}{}", lines.collect::<Vec<_>>().join(&between))
}

/// Columns as wide as their widest cell: words to the left, numbers to the right; two spaces
/// before each.
pub fn table(table: &Table) -> String {
    let lines = || [&table.head].into_iter().chain(&table.rows);
    let columns = lines().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let mut out = wrap(&table.caption, COLUMNS);
    out.extend(lines().filter(|line| !line.is_empty()).map(|line| {
        let cells = line.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match column < table.words {
            true => format!("  {cell:<width$}"),
            false => format!("  {cell:>width$}"),
        });
        cells.collect::<String>().trim_end().to_owned()
    }));
    out.join("\n")
}
