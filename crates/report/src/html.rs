use crate::color::COLORS;
use crate::document::{
    Answer, Block, Caption, Document, Figure, Layout, Panel, Section, Table, TileGroup, Tiles,
};

const STYLE: &str = include_str!("style.css");

/// The document as one self-contained page: no script, no font and no picture from elsewhere.
pub fn html(document: &Document) -> String {
    let title = escape(&document.title);
    let mut page = Page::default();
    page.out += &format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"conditions\">{}</p>\n",
        escape(&document.conditions)
    );
    if let Some(answer) = &document.answer {
        page.answer(answer, &document.sections);
    }
    page.contents(&document.sections);
    for section in &document.sections {
        page.section(section);
    }
    page.out += "</main>\n</body>\n</html>\n";
    page.out
}

/// For text and for attributes in double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

/// For running text: no line ends between a number and its percent sign, nor within `p = 0.01`.
fn prose(text: &str) -> String {
    escape(text)
        .replace(" %", "\u{a0}%")
        .replace("p = ", "p\u{a0}=\u{a0}")
        .replace("p &lt; ", "p\u{a0}&lt;\u{a0}")
}

#[derive(Default)]
struct Page {
    out: String,
    figures: usize,
    tables: usize,
}

impl Page {
    fn answer(&mut self, answer: &Answer, sections: &[Section]) {
        self.out += &format!(
            "<section class=\"answer\" aria-labelledby=\"answer\">\n<h2 id=\"answer\">{}</h2>\n",
            escape(&answer.heading)
        );
        if answer.findings.is_empty() {
            self.element("p", "", &answer.if_empty);
        } else {
            self.out += "<ol>\n";
            for finding in &answer.findings {
                let mut small: Vec<String> = finding.note.iter().map(|note| escape(note)).collect();
                if let Some(section) = sections.iter().find(|s| s.id == finding.section) {
                    let heading = escape(&section.heading);
                    small.push(format!("<a href=\"#{}\">{heading}</a>", section.id));
                }
                self.out += &format!(
                    "<li>{} <small>{}</small></li>\n",
                    prose(&finding.text),
                    small.join(" · ")
                );
            }
            self.out += "</ol>\n";
        }
        self.out += "</section>\n";
    }

    fn contents(&mut self, sections: &[Section]) {
        self.out += "<nav aria-label=\"Sections\">\n<ul>\n";
        for section in sections {
            self.out += &format!(
                "<li><a href=\"#{}\">{}</a></li>\n",
                section.id,
                escape(&section.heading)
            );
        }
        self.out += "</ul>\n</nav>\n";
    }

    fn section(&mut self, section: &Section) {
        self.out += &format!(
            "<section id=\"{0}\" aria-labelledby=\"{0}-heading\">\n<h2 id=\"{0}-heading\">{1}</h2>\n",
            section.id,
            escape(&section.heading)
        );
        self.blocks(&section.blocks);
        self.out += "</section>\n";
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Question(text) => self.element("p", "question", text),
                Block::Finding(text) => self.element("p", "finding", text),
                Block::Heading(text) => self.element("h3", "", text),
                Block::Paragraph(text) => self.element("p", "", text),
                Block::List(items) => {
                    self.out += "<ul>\n";
                    for item in items {
                        self.element("li", "", item);
                    }
                    self.out += "</ul>\n";
                }
                Block::Figure(figure) => self.figure(figure),
                Block::Tiles(tiles) => self.tiles(tiles),
                Block::Table(table) => self.table(table),
                Block::Code(code) => {
                    self.out +=
                        &format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape(code));
                }
                Block::Details { summary, blocks } => {
                    self.out += &format!("<details>\n<summary>{}</summary>\n", escape(summary));
                    self.blocks(blocks);
                    self.out += "</details>\n";
                }
            }
        }
    }

    fn element(&mut self, name: &str, class: &str, text: &str) {
        let class = if class.is_empty() {
            String::new()
        } else {
            format!(" class=\"{class}\"")
        };
        self.out += &format!("<{name}{class}>{}</{name}>\n", prose(text));
    }

    fn figure(&mut self, figure: &Figure) {
        let layout = match (figure.layout, figure.panels.len()) {
            (Layout::Small, _) => "small",
            (Layout::Wide, 1) => "one",
            (Layout::Wide, _) => "two",
        };
        self.out += &format!("<figure>\n<div class=\"panels {layout}\">\n");
        for panel in &figure.panels {
            self.out += &inline(panel);
        }
        self.out += "</div>\n";
        self.caption(&figure.caption);
        self.out += "</figure>\n";
    }

    fn caption(&mut self, caption: &Caption) {
        self.figures += 1;
        self.out += &format!(
            "<figcaption><b>Figure {}.</b> {} <span class=\"made\"><b>How it was made:</b> {}</span></figcaption>\n",
            self.figures,
            prose(&caption.shows),
            prose(&caption.made)
        );
    }

    fn tiles(&mut self, tiles: &Tiles) {
        // Many short rows stand side by side where there is room.
        let longest = tiles.groups.iter().map(|group| group.tiles.len()).max();
        let class = match longest {
            Some(1..=6) if tiles.groups.len() > 2 => " class=\"rows\"",
            _ => "",
        };
        self.out += &format!(
            "<figure>\n<div{class} style=\"--tile:{}px\">\n",
            tiles.width
        );
        for TileGroup {
            heading,
            tiles: group,
        } in &tiles.groups
        {
            self.out += "<div>\n";
            if let Some(heading) = heading {
                self.element("h4", "", heading);
            }
            self.out += "<ul class=\"tiles\">\n";
            for tile in group {
                self.out += "<li>";
                if tile.png.is_empty() {
                    self.out += "<span class=\"missing\">no picture</span>";
                } else {
                    self.out += &format!(
                        "<img src=\"data:image/png;base64,{}\" alt=\"{}\">",
                        escape(&tile.png),
                        escape(&tile.alt)
                    );
                }
                for line in &tile.lines {
                    self.out += &format!("<span>{}</span>", escape(line));
                }
                self.out += "</li>\n";
            }
            self.out += "</ul>\n</div>\n";
        }
        self.out += "</div>\n";
        self.caption(&tiles.caption);
        self.out += "</figure>\n";
    }

    fn table(&mut self, table: &Table) {
        // A wide table scrolls in a region of its own, also with the keyboard; its caption stays.
        self.tables += 1;
        let number = self.tables;
        self.out += &format!(
            "<p class=\"caption\" id=\"table-{number}\">{}</p>\n\
             <div class=\"wide\" role=\"region\" tabindex=\"0\" aria-labelledby=\"table-{number}\">\n\
             <table aria-labelledby=\"table-{number}\">\n<thead><tr>",
            prose(&table.caption)
        );
        let class = |column: usize| {
            if column < table.words {
                " class=\"words\""
            } else {
                ""
            }
        };
        for (column, cell) in table.head.iter().enumerate() {
            self.out += &format!("<th scope=\"col\"{}>{}</th>", class(column), escape(cell));
        }
        self.out += "</tr></thead>\n<tbody>\n";
        for row in &table.rows {
            self.out += "<tr>";
            for (column, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                self.out += &match column {
                    0 => format!("<th scope=\"row\"{}>{cell}</th>", class(0)),
                    _ => format!("<td{}>{cell}</td>", class(column)),
                };
            }
            self.out += "</tr>\n";
        }
        self.out += "</tbody>\n</table>\n</div>\n";
    }
}

/// A panel inside the page: colors become the page's, its size the room there is.
fn inline(panel: &Panel) -> String {
    let mut svg = panel.svg.clone();
    for (color, variable) in COLORS {
        svg = svg.replace(&format!("\"{color}\""), &format!("\"var({variable})\""));
    }
    // `<svg width=… height=… viewBox=… xmlns=…>` becomes `<svg viewBox=… role=… aria-label=…>`.
    let view_box = attribute(&svg, "viewBox").unwrap_or_default().to_owned();
    let inside = svg.split_once('>').map_or("", |(_, inside)| inside);
    format!(
        "<svg viewBox=\"{view_box}\" role=\"img\" aria-label=\"{}\">{inside}\n",
        escape(&panel.label)
    )
}

/// The value of the first attribute of this name.
pub(super) fn attribute<'a>(svg: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = svg.split_once(&format!("{name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}
