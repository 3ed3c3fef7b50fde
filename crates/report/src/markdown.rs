use crate::document::{Answer, Block, Caption, Document, Figure, Layout, Panel, Table};
use crate::html::escape as escape_html;
use crate::sheet;

/// The document as Markdown for a repository, and the figures that belong beside it: relative
/// file name (`figures/….svg`) and contents.
pub fn markdown(document: &Document) -> (String, Vec<(String, String)>) {
    let mut writer = Writer {
        out: format!(
            "# {}\n\n{}\n\n",
            escape(&document.title),
            escape(&document.conditions)
        ),
        ..Writer::default()
    };
    if let Some(answer) = &document.answer {
        writer.answer(answer);
    }
    for section in &document.sections {
        writer.out += &format!("## {}\n\n", escape(&section.heading));
        writer.blocks(&section.blocks);
    }
    // One newline at the end.
    writer.out.truncate(writer.out.trim_end().len());
    writer.out.push('\n');
    (writer.out, writer.files)
}

/// Words that mean nothing to a Markdown reader.
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
    fn answer(&mut self, answer: &Answer) {
        self.out += &format!("## {}\n\n", escape(&answer.heading));
        if answer.findings.is_empty() {
            self.out += &format!("{}\n\n", escape(&answer.if_empty));
            return;
        }
        for (number, finding) in answer.findings.iter().enumerate() {
            let note = finding.note.as_deref().map_or_else(String::new, |note| {
                format!("<br><sub>{}</sub>", escape(note))
            });
            self.out += &format!("{}. {}{note}\n", number + 1, escape(&finding.text));
        }
        self.out.push('\n');
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Question(text) => self.out += &format!("*{}*\n\n", escape(text)),
                Block::Finding(text) => self.out += &format!("> {}\n\n", escape(text)),
                Block::Heading(text) => self.out += &format!("### {}\n\n", escape(text)),
                Block::Paragraph(text) => self.out += &format!("{}\n\n", escape(text)),
                Block::List(items) => {
                    for item in items {
                        self.out += &format!("- {}\n", escape(item));
                    }
                    self.out.push('\n');
                }
                Block::Figure(figure) => self.figure(figure),
                Block::Tiles(tiles) => {
                    let name = format!("figures/{}.svg", tiles.slug);
                    self.image(&name, &tiles.caption.shows, "");
                    self.out.push('\n');
                    self.files.push((name, sheet::svg(tiles)));
                    self.caption(&tiles.caption);
                }
                Block::Table(table) => self.table(table),
                Block::Code(code) => self.code(code),
                Block::Details { summary, blocks } => {
                    self.out +=
                        &format!("<details>\n<summary>{}</summary>\n\n", escape_html(summary));
                    self.blocks(blocks);
                    self.out += "</details>\n\n";
                }
            }
        }
    }

    fn figure(&mut self, figure: &Figure) {
        let width = match (figure.layout, figure.panels.len()) {
            (Layout::Small, _) => " width=\"24%\"",
            (Layout::Wide, 1) => "",
            (Layout::Wide, _) => " width=\"49%\"",
        };
        for panel in &figure.panels {
            let name = format!("figures/{}.svg", panel.slug);
            self.image(&name, &panel.label, width);
            self.files.push((name, standalone(panel)));
        }
        self.out.push('\n');
        self.caption(&figure.caption);
    }

    /// An `img` element, because Markdown's own images have no width.
    fn image(&mut self, name: &str, alt: &str, width: &str) {
        self.out += &format!("<img src=\"{name}\" alt=\"{}\"{width}>\n", escape_html(alt));
    }

    fn caption(&mut self, caption: &Caption) {
        self.figures += 1;
        self.out += &format!(
            "**Figure {}.** {} *How it was made:* {}\n\n",
            self.figures,
            escape(&caption.shows),
            escape(&caption.made)
        );
    }

    fn table(&mut self, table: &Table) {
        self.out += &format!("{}\n\n", escape(&table.caption));
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        self.out += &line(&table.head);
        let rule =
            (0..table.head.len()).map(|column| if column < table.words { "---" } else { "---:" });
        self.out += &format!("| {} |\n", rule.collect::<Vec<_>>().join(" | "));
        for row in &table.rows {
            self.out += &line(row);
        }
        self.out.push('\n');
    }

    fn code(&mut self, code: &str) {
        // A fence longer than any in the text.
        let longest = code
            .split(|letter| letter != '`')
            .map(str::len)
            .max()
            .unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        self.out += &format!("{fence}\n{}\n{fence}\n\n", code.trim_end());
    }
}

/// A panel as a file: drawn on white, so that it can be read on a dark page too.
fn standalone(panel: &Panel) -> String {
    let label = escape_html(&panel.label);
    let named = panel
        .svg
        .replacen("<svg ", "<svg role=\"img\" ", 1)
        .replacen('>', &format!("><title>{label}</title>"), 1);
    format!("{named}\n")
}
