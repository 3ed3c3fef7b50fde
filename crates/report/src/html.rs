use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use crate::document::{Answer, Block, Document, Figure, Panel, Section, Table, Tiles};

/// The colors of charts as a file names them, and the variables of a page that take their place
/// there, so that a chart follows the light or dark scheme.
pub const COLORS: [(&str, &str); 6] = [
    ("#16191D", "--ink"),
    ("#545B66", "--quiet"),
    ("#D7DBE1", "--line"),
    ("#FEFEFE", "--card"),
    ("#0B5CAD", "--first"),
    ("#B34700", "--second"),
];

const STYLE: &str = include_str!("style.css");
/// A page with fewer sections is its own table of contents.
const LEAST_CONTENTS: usize = 5;

/// The document as one self-contained page: no script, no font and no picture from elsewhere.
/// Colors follow the reader's light or dark scheme; `--ink`, `--quiet`, `--line`, `--card`,
/// `--ground`, `--soft`, `--accent`, `--first`, `--second`, `--good` and `--bad` are theirs.
pub fn html(document: &Document) -> String {
    let mut page = Page::default();
    let sections = &document.sections;
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title) }
                style { (PreEscaped(STYLE)) (PreEscaped(document.style)) }
            }
            body {
                main {
                    h1 { (document.title) }
                    @if !document.conditions.is_empty() {
                        p.conditions { (document.conditions) }
                    }
                    @if let Some(found) = &document.answer { (answer(found, sections)) }
                    @if sections.len() >= LEAST_CONTENTS {
                        nav aria-label="Sections" {
                            ul {
                                @for section in sections {
                                    @if !section.heading.is_empty() { li { (link(section)) } }
                                }
                            }
                        }
                    }
                    @for section in sections {
                        @let heading = format!("{}-heading", section.id);
                        @let named = !section.heading.is_empty();
                        section id=(section.id) aria-labelledby=[named.then_some(&heading)] {
                            @if named { h2 id=(heading) { (section.heading) } }
                            (page.blocks(&section.blocks))
                        }
                    }
                }
            }
        }
    };
    page.into_string() + "\n"
}

fn link(section: &Section) -> Markup {
    markup! { a href={ "#" (section.id) } { (section.heading) } }
}

fn answer(answer: &Answer, sections: &[Section]) -> Markup {
    markup! {
        section.answer aria-labelledby="answer" {
            h2 id="answer" { (answer.heading) }
            @if answer.findings.is_empty() { p { (prose(&answer.if_empty)) } }
            @else {
                ol {
                    @for finding in &answer.findings {
                        @let section = sections.iter().find(|s| s.id == finding.section);
                        li {
                            (prose(&finding.text)) " "
                            small {
                                @if let Some(note) = &finding.note { (note) }
                                @if finding.note.is_some() && section.is_some() { " · " }
                                @if let Some(section) = section { (link(section)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Running text: no line ends between a number and its percent sign, nor within `p = 0.01`; signs
/// of a status have its color.
fn prose(text: &str) -> Markup {
    let held = text
        .replace(" %", "\u{a0}%")
        .replace("p = ", "p\u{a0}=\u{a0}")
        .replace("p < ", "p\u{a0}<\u{a0}");
    marked(&held)
}

fn marked(text: &str) -> Markup {
    let text = markup! { (text) }.into_string();
    let text = text.replace('✓', "<b class=\"good\">✓</b>");
    PreEscaped(text.replace('✗', "<b class=\"bad\">✗</b>"))
}

/// Numbers figures and tables.
#[derive(Default)]
struct Page {
    figures: usize,
    tables: usize,
}

impl Page {
    fn blocks(&mut self, blocks: &[Block]) -> Markup {
        markup! { @for block in blocks { (self.block(block)) "\n" } }
    }

    fn block(&mut self, block: &Block) -> Markup {
        match block {
            Block::Question(text) => markup! { p.question { (prose(text)) } },
            Block::Finding(text) => markup! { p.finding { (prose(text)) } },
            Block::Verdict(status, text) => {
                let class = format!("{status:?}").to_lowercase();
                markup! { p.finding.(class) { b.(class) { (status.sign()) } " " (prose(text)) } }
            }
            Block::Heading(text) => markup! { h3 { (prose(text)) } },
            Block::Subheading(text) => markup! { h4 { (prose(text)) } },
            Block::Paragraph(text) => markup! { p { (prose(text)) } },
            Block::List(items) => markup! { ul { @for item in items { li { (prose(item)) } } } },
            Block::Figure(figure) => self.figure(figure),
            Block::Tiles(tiles) => self.tiles(tiles),
            Block::Table(table) => self.table(table),
            Block::Code(code) => markup! { pre tabindex="0" { code { (code) } } },
            Block::Details {
                summary,
                blocks,
                open,
            } => markup! {
                details open[*open] { summary { (prose(summary)) } (self.blocks(blocks)) }
            },
            Block::Markup { html, .. } => PreEscaped(html.clone()),
        }
    }

    fn figure(&mut self, figure: &Figure) -> Markup {
        let layout = match figure.panels.len() {
            _ if figure.small => "small",
            1 => "one",
            _ => "two",
        };
        markup! {
            figure {
                div.panels.(layout) { @for panel in &figure.panels { (inline(panel)) } }
                (self.caption(&figure.shows, &figure.made))
            }
        }
    }

    fn caption(&mut self, shows: &str, made: &str) -> Markup {
        self.figures += 1;
        markup! {
            figcaption {
                b { "Figure " (self.figures) "." } " " (prose(shows))
                @if !made.is_empty() { " " span.made { b { "How it was made:" } " " (prose(made)) } }
            }
        }
    }

    fn tiles(&mut self, tiles: &Tiles) -> Markup {
        // Many short rows stand side by side where there is room.
        let longest = tiles.groups.iter().map(|(_, group)| group.len()).max();
        let rows = matches!(longest, Some(1..=6)) && tiles.groups.len() > 2;
        markup! {
            figure {
                div class=[rows.then_some("rows")] style={ "--tile:" (tiles.width) "px" } {
                    @for (heading, group) in &tiles.groups {
                        div {
                            @if let Some(heading) = heading { h4 { (prose(heading)) } }
                            ul.tiles {
                                @for tile in group {
                                    li {
                                        @if tile.png.is_empty() { span.missing { "no picture" } }
                                        @else { img src={ "data:image/png;base64," (tile.png) } alt=(tile.alt); }
                                        @for line in &tile.lines { span { (line) } }
                                    }
                                }
                            }
                        }
                    }
                }
                (self.caption(&tiles.shows, &tiles.made))
            }
        }
    }

    /// A wide table scrolls in a region of its own, also with the keyboard; its caption stays.
    fn table(&mut self, table: &Table) -> Markup {
        self.tables += 1;
        let name = format!("table-{}", self.tables);
        let captioned = (!table.caption.is_empty()).then_some(&name);
        let class = |column: usize| (column < table.words).then_some("words");
        markup! {
            @if let Some(name) = captioned { p.caption id=(name) { (prose(&table.caption)) } }
            div.wide role="region" tabindex="0" aria-labelledby=[captioned]
                aria-label=[captioned.is_none().then_some("Table")] {
                table aria-labelledby=[captioned] {
                    @if !table.head.is_empty() {
                        thead {
                            tr {
                                @for (column, cell) in table.head.iter().enumerate() {
                                    th scope="col" class=[class(column)] { (cell) }
                                }
                            }
                        }
                    }
                    tbody {
                        @for row in &table.rows {
                            tr {
                                @for (column, cell) in row.iter().map(|cell| marked(cell)).enumerate() {
                                    @if column == 0 { th scope="row" class=[class(0)] { (cell) } }
                                    @else { td class=[class(column)] { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A panel inside the page: its colors are the page's, its size the room there is.
fn inline(panel: &Panel) -> Markup {
    let mut body = panel.body.clone();
    for (color, variable) in COLORS {
        body = body.replace(&format!("\"{color}\""), &format!("\"var({variable})\""));
    }
    let view_box = format!("0 0 {} {}", panel.width, panel.height);
    markup! {
        svg viewBox=(view_box) role="img" aria-label=(panel.label) { (PreEscaped(body)) }
    }
}
