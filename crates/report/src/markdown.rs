use maud::html as markup;

use crate::document::{Block, Document, Status, Table};
use crate::file::{sheet, svg_file};

/// The document as Markdown for a repository, and the figures that belong beside it: relative
/// file name (`figures/….svg`) and contents.
pub fn markdown(document: &Document) -> (String, Vec<(String, String)>) {
    let mut writer = Writer::default();
    writer.paragraph(format!("# {}", escape(&document.title)));
    writer.paragraph(escape(&document.conditions));
    if let Some(answer) = &document.answer {
        writer.paragraph(format!("## {}", escape(&answer.heading)));
        if answer.findings.is_empty() {
            writer.paragraph(escape(&answer.if_empty));
        }
        for (number, finding) in (1..).zip(&answer.findings) {
            writer.out += &format!("{number}. {}", escape(&finding.text));
            if let Some(note) = &finding.note {
                writer.out += &format!("<br><sub>{}</sub>", escape(note));
            }
            writer.out.push('\n');
        }
        writer.out.push('\n');
    }
    for section in &document.sections {
        if !section.heading.is_empty() {
            writer.paragraph(format!("## {}", escape(&section.heading)));
        }
        writer.blocks(&section.blocks);
    }
    // One newline at the end.
    writer.out.truncate(writer.out.trim_end().len());
    writer.out.push('\n');
    (writer.out, writer.files)
}

/// Text that means nothing to a Markdown reader.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '$' => {
                safe.push('\\');
                safe.push(letter);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\n' | '\r' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[derive(Default)]
struct Writer {
    out: String,
    files: Vec<(String, String)>,
    figures: usize,
}

impl Writer {
    fn paragraph(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref().trim_end();
        if !text.is_empty() {
            self.out += text;
            self.out += "\n\n";
        }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Question(text) => self.paragraph(format!("*{}*", escape(text))),
            Block::Finding(text) => self.paragraph(format!("> {}", escape(text))),
            Block::Verdict(status, text) => {
                let bold = if *status == Status::Good { "" } else { "**" };
                self.paragraph(format!("{} {bold}{}{bold}", status.sign(), escape(text)));
            }
            Block::Heading(text) => self.paragraph(format!("### {}", escape(text))),
            Block::Subheading(text) => self.paragraph(format!("#### {}", escape(text))),
            // Not a list, nor a rule below what stands before.
            Block::Paragraph(text) if text.starts_with(['-', '+', '=']) => {
                self.paragraph(format!("\\{}", escape(text)));
            }
            Block::Paragraph(text) => self.paragraph(escape(text)),
            Block::List(items) => {
                let lines: Vec<String> = items.iter().map(|i| format!("- {}", escape(i))).collect();
                self.paragraph(lines.join("\n"));
            }
            Block::Figure(figure) => {
                let width = match figure.panels.len() {
                    _ if figure.small => Some("24%"),
                    1 => None,
                    _ => Some("49%"),
                };
                for panel in &figure.panels {
                    let file = svg_file(&panel.label, "", std::slice::from_ref(panel));
                    self.image(&panel.slug, &panel.label, width, file);
                }
                self.caption(&figure.shows, &figure.made);
            }
            Block::Tiles(tiles) => {
                self.image(tiles.slug, &tiles.shows, None, sheet(tiles));
                self.caption(&tiles.shows, &tiles.made);
            }
            Block::Table(table) => self.table(table),
            Block::Code(code) => {
                // A fence longer than any in the text.
                let ticks = code.split(|letter| letter != '`').map(str::len).max();
                let fence = "`".repeat(ticks.unwrap_or(0).max(2) + 1);
                self.paragraph(format!("{fence}\n{}\n{fence}", code.trim_end()));
            }
            Block::Details {
                summary,
                blocks,
                open,
            } => {
                let summary = markup! { summary { (summary) } }.into_string();
                let open = if *open { " open" } else { "" };
                self.paragraph(format!("<details{open}>\n{summary}"));
                self.blocks(blocks);
                self.paragraph("</details>");
            }
            Block::Markup { text, .. } => self.paragraph(escape(text)),
        }
    }

    /// An `img` element, because Markdown's own images have no width.
    fn image(&mut self, slug: &str, alt: &str, width: Option<&str>, svg: String) {
        let name = format!("figures/{slug}.svg");
        let image = markup! { img src=(name) alt=(alt) width=[width]; };
        self.out += &format!("{}\n", image.into_string());
        self.files.push((name, svg));
    }

    fn caption(&mut self, shows: &str, made: &str) {
        self.figures += 1;
        let mut text = format!("\n**Figure {}.** {}", self.figures, escape(shows));
        if !made.is_empty() {
            text += &format!(" *How it was made:* {}", escape(made));
        }
        self.paragraph(text);
    }

    fn table(&mut self, table: &Table) {
        self.paragraph(escape(&table.caption));
        // Markdown knows no table without a head.
        let lines = || [&table.head].into_iter().chain(&table.rows);
        let columns = lines().map(Vec::len).max().unwrap_or(0);
        for (number, cells) in lines().enumerate() {
            let cells = (0..columns).map(|column| cells.get(column).map_or("", String::as_str));
            let cells: String = cells.map(|cell| format!(" {} |", escape(cell))).collect();
            self.out += &format!("|{cells}\n");
            if number == 0 {
                let numbers = columns.saturating_sub(table.words);
                let rule = " --- |".repeat(columns - numbers) + &" ---: |".repeat(numbers);
                self.out += &format!("|{rule}\n");
            }
        }
        self.out.push('\n');
    }
}
