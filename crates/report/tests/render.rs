//! One document with every block and chart, as page, Markdown and terminal text.

use std::collections::BTreeSet;

use digits_report::chart::*;
use digits_report::*;
use roxmltree::Document as Tree;

/// Means something to HTML, to Markdown and to its tables.
const HOSTILE: &str = "<script>|`_*[a](b)";

/// `words` and something hostile.
fn said(words: &str) -> String {
    format!("{words} {HOSTILE}")
}

/// Everything that there is.
fn document() -> Result<Document, ReportError> {
    let share = "99.41 % of them, p = 0.012 or p < 10⁻⁶".to_owned();
    let findings = [
        (share, Some(said("t-test"))),
        (said(&"word ".repeat(40)), None),
    ];
    let finding = |(text, note)| Finding {
        text,
        note,
        section: "charts".to_owned(),
    };
    Ok(Document {
        title: said("Everything"),
        conditions: said("Data, machine, version & more:"),
        answer: Some(Answer {
            heading: said("What is there?"),
            findings: findings.map(finding).into(),
            if_empty: String::new(),
        }),
        sections: vec![
            Section::new("words", said("Words"), words()),
            Section::new("charts", "Charts", charts()?),
            Section::new("pictures", "Pictures", pictures()?),
            Section::new("tables", "Tables", tables()),
            Section::new("more", "", vec![Block::paragraph("No heading.")]),
        ],
        style: ".own { color: var(--accent); }",
    })
}

fn words() -> Vec<Block> {
    let hostile = HOSTILE.to_owned();
    let verdict = |status| Block::Verdict(status, said("So it ended."));
    vec![
        verdict(Status::Good),
        verdict(Status::Bad),
        verdict(Status::Open),
        Block::Question(hostile.clone()),
        Block::Finding(hostile.clone()),
        Block::Heading(hostile.clone()),
        Block::Subheading(hostile.clone()),
        Block::Paragraph(hostile.clone()),
        Block::List(vec![hostile.clone(), "word ".repeat(60)]),
        Block::Code(said("```\nfn main() {}\n```\n")),
        Block::details(hostile.clone(), vec![Block::Paragraph(hostile)]),
        Block::Details {
            summary: "✓ open from the start".to_owned(),
            blocks: vec![Block::paragraph("Can be hidden.")],
            open: true,
        },
        Block::Markup {
            html: "<p class=\"own\"><math><mi>x</mi></math></p>".to_owned(),
            text: said("x"),
        },
    ]
}

const ROLES: [Role; 3] = [Role::First, Role::Second, Role::Neutral];

/// Lines of every kind; two points of each are not to be drawn whole.
fn plot(slug: &str, band: bool) -> Result<Panel, ReportError> {
    let line = |(number, role)| Line {
        key: Key {
            hollow: number == 1,
            ..Key::new(role, said("a line"))
        },
        points: (0..8)
            .map(|x| (f64::from(x), f64::from(x + 2 * number) - 3.0))
            .map(|(x, y)| Point::new(x, y, Some([y - 2.0, y + 1.0])))
            .chain([Point::new(8.0, f64::NAN, None)])
            .chain([Point::new(9.0, 5.0, Some([f64::NEG_INFINITY, 1.0])).inside(said("end"))])
            .collect(),
        band,
    };
    lines(&Plot {
        slug: slug.to_owned(),
        label: said("A plot"),
        title: said("A plot"),
        x_title: Some("epoch".to_owned()),
        x: Axis::whole(0.0, 9.0),
        y: Axis::linear([-5.0, 10.0]),
        lines: (0..).zip(ROLES).map(line).collect(),
        legend: true,
        diagonal: band,
        reference: Some((4.0, "chance".to_owned())),
        ..Plot::default()
    })
}

fn charts() -> Result<Vec<Block>, ReportError> {
    let values = [0.961, 0.972, 0.968, f64::NAN];
    let estimate = Estimate {
        values: &values,
        mean: 0.967,
        interval: Some([0.952, 0.981]),
    };
    let mark = |role| Mark::percent(role, estimate, "96.7".to_owned());
    let row = |label: &str| Row {
        label: label.to_owned(),
        marks: ROLES.map(mark).into(),
    };
    let rows = rows(&Rows {
        slug: "rows".to_owned(),
        label: said("Rows"),
        x: Axis::percent(estimate.extent()),
        rows: ["natural", HOSTILE].map(row).into(),
        legend: ROLES.map(|role| Key::new(role, format!("{role:?}"))).into(),
        line: Some(96.0),
        ..Rows::default()
    })?;
    let counts = [[980, 0, 3], [1, 970, 12], [0, 0, 990]].map(Vec::from);
    let matrix = confusion(&Confusion {
        slug: "confusion".to_owned(),
        label: said("Confusion"),
        title: said("MLP"),
        role: Role::First,
        counts: &counts,
    })?;
    let figure = |panels| Figure::new(panels, said("What is seen."), said("How.")).into();
    Ok(vec![
        figure(vec![plot("bands", true)?, plot("bars", false)?]),
        figure(vec![rows, matrix]),
    ])
}

fn pictures() -> Result<Vec<Block>, ReportError> {
    let numbers = [[1.0, -2.5, f64::NAN], [0.0, 12.25, 1e7]];
    let tile = |palette: Palette| {
        let png = Picture::heat_map(&numbers, palette).base64()?;
        let line = said(&format!("{palette:?}"));
        Ok(Tile::new(png, said("A picture"), vec![line]))
    };
    let palettes = [Palette::Signed, Palette::Gray, Palette::Ink].map(tile);
    let palettes = palettes.into_iter().collect::<Result<_, ReportError>>()?;
    let parts = [Palette::Gray, Palette::Signed].map(|one| Picture::large_heat_map(&numbers, one));
    let equation = Picture::beside(&parts, &["="]).base64()?;
    let equation = Tile::new(equation, "two heat maps", vec![]);
    let tiles = Tiles::new("tiles", 84, said("Tiles."), "One pixel a number.");
    let tiles = tiles.group(Some(said("Palettes")), palettes);
    let none = Tile::new("", "none", vec![]);
    Ok(vec![tiles.group(None, vec![equation, none]).into()])
}

fn tables() -> Vec<Block> {
    let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let rows = [["row 1", "✓", "1"], ["row 22", "✗ –", "12,345"]].map(cells);
    let table = Table::new(said("A table"), ["name", "words", "number"]).words(2);
    let headless = Table::new("", [""; 0]).rows([cells(["row a", HOSTILE, "3"])]);
    let head = (0..24).map(|number| format!("column {number}"));
    let numbers = (0..24).map(|number| text::rate(1234.5 * f64::from(number)));
    let wide = Table::new("Wide", head).rows([numbers.collect()]);
    vec![
        table.rows(rows).into(),
        headless.into(),
        Block::raw(vec![wide.block()]),
    ]
}

/// The page as XML, which is stricter: every tag closed in order, every attribute quoted and given
/// once, every special character escaped.
fn as_xml(page: &str) -> String {
    let xml = page.replace("<!DOCTYPE html>", "");
    let xml = xml.replace("<details open>", "<details>");
    let close = |xml: String, void: &str| {
        let (first, others) = xml.split_once(void).unwrap_or((&xml, ""));
        let others = others.split(void).map(|part| part.replacen('>', "/>", 1));
        others.fold(first.to_owned(), |xml, part| xml + void + &part)
    };
    ["<meta", "<img"].into_iter().fold(xml, close)
}

#[test]
fn the_page_is_well_formed_accessible_and_self_contained_and_hostile_words_stay_words() {
    let page = html(&document().unwrap());
    // To be looked at.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/gallery.html"), &page).unwrap();
    let xml = as_xml(&page);
    let tree = Tree::parse(&xml).unwrap();
    let (mut ids, mut links, mut hostile_labels) = (BTreeSet::new(), BTreeSet::new(), 0);
    for node in tree.descendants().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        let foreign = ["script", "link", "iframe", "object"];
        assert!(!foreign.contains(&name), "{name}");
        for attribute in node.attributes() {
            let value = attribute.value();
            hostile_labels += usize::from(value.contains(HOSTILE));
            let fits = match attribute.name() {
                "id" => ids.insert(value),
                "aria-labelledby" | "href" => {
                    links.insert(value.trim_start_matches('#'));
                    true
                }
                "src" => value.starts_with("data:image/png;base64,"),
                "fill" | "stroke" => value == "none" || value.starts_with("var(--"),
                "width" => name != "svg", // It scales with the page.
                _ => true,
            };
            assert!(fits, "{name}: {attribute:?}");
        }
        let needed: &[&str] = match name {
            "svg" => &["role", "viewBox", "aria-label"],
            "img" => &["alt"],
            "th" => &["scope"],
            "html" => &["lang"],
            _ => &[],
        };
        let said = |key: &&str| node.attribute(*key).is_some_and(|text| !text.is_empty());
        assert!(needed.iter().all(said), "{name} says nothing");
        let last = node.last_element_child();
        let captioned = last.is_some_and(|last| last.has_tag_name("figcaption"));
        assert!(captioned || name != "figure", "{node:?}");
    }
    assert!(links.is_subset(&ids), "{links:?}");
    let texts = tree.descendants().filter(|node| node.is_text());
    let texts = texts.filter_map(|node| node.text());
    let hostile_texts = texts.filter(|text| text.contains(HOSTILE)).count();
    assert!(hostile_texts > 40 && hostile_labels > 5);
    // Nothing is loaded from elsewhere.
    assert!(!page.contains("http") && !page.contains("url("));
    for (_, variable) in COLORS {
        let values = page.matches(&format!("{variable}: #")).count();
        assert_eq!(values, 3, "{variable} in light, dark and print");
    }
    assert!(page.contains("99.41\u{a0}% of them, p\u{a0}=\u{a0}0.012 or p\u{a0}&lt;\u{a0}10⁻⁶"));
    assert!(page.contains("<b class=\"good\">✓</b>") && page.contains("<b class=\"bad\">✗</b>"));
}

#[test]
fn hostile_words_stay_words_in_markdown_and_its_figures() {
    let (text, files) = markdown(&document().unwrap());
    let escaped = text.matches(r"&lt;script&gt;\|\`\_\*\[a\](b)").count();
    assert!(escaped > 20, "{text}");
    // Code stands as it is, in a fence longer than any in it.
    let parts: Vec<&str> = text.split("\n````\n").collect();
    assert!(parts.len() == 3 && parts[1].contains(HOSTILE));
    let known = ["img src=\"figures/", "details", "summary>", "br>", "sub>"];
    let prose = [parts[0], parts[2]].into_iter();
    for tag in prose.flat_map(|part| part.split('<').skip(1)) {
        let name = tag.strip_prefix('/').unwrap_or(tag);
        assert!(known.iter().any(|known| name.starts_with(known)), "<{tag}");
    }
    for row in text.lines().filter(|line| line.starts_with("| row ")) {
        let bars = row.replace(r"\|", "").matches('|').count();
        assert_eq!(bars, 4, "three cells: {row}");
    }
    assert_eq!(text.matches("src=\"figures/").count(), files.len());
    let names: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), files.len());
    for (name, svg) in &files {
        assert!(text.contains(&format!("src=\"{name}\"")), "{name}");
        let tree = Tree::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let root = tree.root_element();
        let title = root.first_element_child().unwrap();
        assert!(root.has_attribute("viewBox") && title.tag_name().name() == "title");
        assert!(!svg.contains("var("), "{name} has colors of its own");
    }
}

#[test]
fn figures_are_numbered_and_what_is_not_a_number_is_never_written() {
    let document = document().unwrap();
    let (page, (text, files)) = (html(&document), markdown(&document));
    for number in 1..=page.matches("<figure>").count() {
        assert!(page.contains(&format!("<figcaption><b>Figure {number}.</b> ")));
        assert!(text.contains(&format!("**Figure {number}.** ")));
    }
    let all = [page, plain(&document), text];
    for text in all.iter().chain(files.iter().map(|(_, svg)| svg)) {
        let wrong = ["NaN", ">inf", "\"inf"];
        assert!(!wrong.iter().any(|wrong| text.contains(wrong)), "{text}");
    }
}

#[test]
fn a_terminal_gets_wrapped_lines_and_aligned_tables() {
    let text = plain(&document().unwrap());
    let mut prose = text.lines().filter(|line| line.contains("word word"));
    assert!(prose.all(|line| line.chars().count() <= 96), "{text}");
    assert!(text.contains("  1. 99.41 % of them"), "{text}");
    let table = "\n  name    words  number\n  row 1   ✓           1\n  row 22  ✗ –    12,345\n";
    assert!(text.contains(table), "{text}");
}
