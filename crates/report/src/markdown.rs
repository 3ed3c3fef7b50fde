use maud::{Markup, PreEscaped, html as markup};

use crate::document::{Block, Document, Panel, Status, Table, Tiles};
use crate::text::wrap;

/// No wider than a page of a repository.
const MOST: u32 = 860;
/// Room for a heading.
const LEAST: u32 = 320;
const GAP: u32 = 12;
const LINE: u32 = 15;
const HEADING: u32 = 28;
/// Mean width of a letter of a label, in tenths of a pixel.
const LETTER: u32 = 62;
/// Height of a heading over panels.
const TITLE: u32 = 36;

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
                    let lines: Vec<String> =
                        items.iter().map(|i| format!("- {}", escape(i))).collect();
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

/// Charts side by side in one SVG file, on white, so that a dark page can hold it as well. `label` is for those who do not see it; `heading` stands
/// above them and may be empty.
pub fn svg_file(label: &str, heading: &str, panels: &[Panel]) -> String {
    let top = if heading.is_empty() { 0 } else { TITLE };
    let width: u32 = panels.iter().map(|panel| panel.width).sum();
    let height = top + panels.iter().map(|panel| panel.height).max().unwrap_or(0);
    let lefts = panels.iter().scan(0, |left, panel| {
        *left += panel.width;
        Some(*left - panel.width)
    });
    let charts = markup! {
        @if top > 0 {
            text x=(width / 2) y="24" text-anchor="middle" font-size="17" font-weight="bold" { (heading) }
        }
        @for (left, panel) in lefts.zip(panels) {
            svg x=(left) y=(top) width=(panel.width) height=(panel.height) { (PreEscaped(&panel.body)) }
        }
    };
    on_white(label, width, height, &charts)
}

fn on_white(label: &str, width: u32, height: u32, inside: &Markup) -> String {
    let file = markup! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) role="img" font-family="sans-serif" fill="#16191D" {
            title { (label) }
            rect width=(width) height=(height) fill="#FFFFFF" {}
            (inside)
        }
    };
    file.into_string() + "\n"
}

/// Tiles as a contact sheet, for where a page cannot lay them out; the pictures are inside.
fn sheet(tiles: &Tiles) -> String {
    let mut body: Vec<Markup> = Vec::new();
    let mut top = GAP;
    let cell = tiles.width.max(84);
    let columns = ((MOST - GAP) / (cell + GAP)).max(1) as usize;
    let letters = ((cell + GAP / 2) * 10 / LETTER).max(1) as usize;
    for (heading, group) in &tiles.groups {
        if let Some(heading) = heading {
            body.push(markup! {
                text x=(GAP) y=(top + 14) font-size="14" font-weight="bold" { (heading) }
            });
            top += HEADING;
        }
        for row in group.chunks(columns) {
            let mut most_lines = 0;
            for (column, tile) in (0..).zip(row) {
                let left = GAP + column * (cell + GAP);
                let (x, width) = (left + (cell - tiles.width) / 2, tiles.width);
                body.push(markup! {
                    @if !tile.png.is_empty() {
                        image x=(x) y=(top) width=(width) height=(width) style="image-rendering:pixelated"
                            href={ "data:image/png;base64," (tile.png) } {}
                    }
                    rect x=(x) y=(top) width=(width) height=(width) fill="none" stroke="#D7DBE1" {}
                });
                // Broken between words where they are too long.
                let lines = tile.lines.iter().flat_map(|line| wrap(line, letters));
                for (number, line) in (1..).zip(lines) {
                    most_lines = most_lines.max(number);
                    let y = top + tiles.width + LINE * number;
                    body.push(markup! {
                        text x=(left + cell / 2) y=(y) text-anchor="middle" font-size="11.5" { (line) }
                    });
                }
            }
            top += tiles.width + LINE * most_lines + GAP;
        }
    }
    let longest = tiles.groups.iter().map(|(_, group)| group.len()).max();
    let used = longest.unwrap_or(0).min(columns) as u32;
    let width = (GAP + used * (cell + GAP)).max(LEAST);
    let body = markup! { @for part in body { (part) } };
    on_white(&tiles.shows, width, top + GAP, &body)
}
