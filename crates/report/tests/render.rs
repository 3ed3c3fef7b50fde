//! One document with every block and chart, as page, Markdown and terminal text.

mod gallery;

use std::collections::BTreeSet;

use digits_report::{COLORS, html, markdown, plain};
use gallery::{HOSTILE, document};
use roxmltree::Document as Tree;

/// The page as XML, which is stricter: every tag closed in order, every attribute quoted and given
/// once, every special character escaped.
fn as_xml(page: &str) -> String {
    let xml = page
        .replace("<!DOCTYPE html>", "")
        .replace("<details open>", "<details>");
    let close = |xml: String, void: &str| {
        let (first, others) = xml.split_once(void).unwrap_or((&xml, ""));
        let others = others.split(void).map(|part| part.replacen('>', "/>", 1));
        others.fold(first.to_owned(), |xml, part| xml + void + &part)
    };
    ["<meta", "<img"].into_iter().fold(xml, close)
}

#[test]
fn the_page_is_well_formed_accessible_and_self_contained() {
    let page = html(&document().unwrap());
    // To be looked at.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/gallery.html"), &page).unwrap();
    let xml = as_xml(&page);
    let tree = Tree::parse(&xml).unwrap();
    let mut ids = BTreeSet::new();
    for node in tree.descendants().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        assert!(
            !["script", "link", "iframe", "object"].contains(&name),
            "{name}"
        );
        assert!(
            node.attribute("id").is_none_or(|id| ids.insert(id)),
            "{node:?} twice"
        );
        for source in ["src", "href"].map(|key| node.attribute(key).unwrap_or("#")) {
            assert!(source.starts_with('#') || source.starts_with("data:image/png;base64,"));
        }
        for color in ["fill", "stroke"].map(|key| node.attribute(key).unwrap_or("none")) {
            assert!(
                color == "none" || color.starts_with("var(--"),
                "{name}: {color}"
            );
        }
        let said = match name {
            "svg" => {
                assert_eq!(node.attribute("width"), None, "scales with the page");
                node.attribute("role")
                    .and(node.attribute("viewBox"))
                    .and(node.attribute("aria-label"))
            }
            "img" => node.attribute("alt"),
            "th" => node.attribute("scope"),
            "html" => node.attribute("lang"),
            "figure" => node
                .last_element_child()
                .map(|caption| caption.tag_name().name()),
            _ => continue,
        };
        assert!(
            said.is_some_and(|text| !text.is_empty()),
            "{name} says nothing"
        );
    }
    for node in tree.descendants() {
        let links = [node.attribute("href"), node.attribute("aria-labelledby")];
        for link in links.into_iter().flatten() {
            assert!(ids.contains(link.trim_start_matches('#')), "{link}");
        }
    }
    assert!(
        !page.contains("http") && !page.contains("url("),
        "nothing from elsewhere"
    );
    for (_, variable) in COLORS {
        let values = page.matches(&format!("{variable}: #")).count();
        assert_eq!(values, 3, "{variable} in light, dark and print");
    }
}

#[test]
fn hostile_words_stay_words_on_the_page() {
    let xml = as_xml(&html(&document().unwrap()));
    let tree = Tree::parse(&xml).unwrap();
    let texts = tree
        .descendants()
        .filter(|node| node.is_text())
        .filter_map(|node| node.text());
    let labels = tree
        .descendants()
        .flat_map(|node| node.attributes())
        .map(|label| label.value());
    let hostile = |all: Vec<&str>| all.iter().filter(|text| text.contains(HOSTILE)).count();
    assert!(hostile(texts.collect()) > 40 && hostile(labels.collect()) > 5);
}

#[test]
fn hostile_words_stay_words_in_markdown_and_its_figures() {
    let (text, files) = markdown(&document().unwrap());
    assert!(
        text.matches(r"&lt;script&gt;\|\`\_\*\[a\](b)").count() > 20,
        "{text}"
    );
    // Code stands as it is, in a fence longer than any in it.
    let parts: Vec<&str> = text.split("\n````\n").collect();
    assert!(parts.len() == 3 && parts[1].contains(HOSTILE));
    let known = [
        "img src=\"figures/",
        "details",
        "/details>",
        "summary>",
        "/summary>",
        "br>",
        "sub>",
        "/sub>",
    ];
    for tag in [parts[0], parts[2]]
        .iter()
        .flat_map(|part| part.split('<').skip(1))
    {
        assert!(known.iter().any(|known| tag.starts_with(known)), "<{tag}");
    }
    for row in text.lines().filter(|line| line.starts_with("| row ")) {
        assert_eq!(
            row.replace(r"\|", "").matches('|').count(),
            4,
            "three cells: {row}"
        );
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
        assert!(
            !["NaN", ">inf", "\"inf"]
                .iter()
                .any(|wrong| text.contains(wrong))
        );
    }
}

#[test]
fn no_line_of_prose_ends_within_a_number_and_signs_are_colored() {
    let page = html(&document().unwrap());
    assert!(page.contains("99.41\u{a0}% of them, p\u{a0}=\u{a0}0.012 or p\u{a0}&lt;\u{a0}10⁻⁶"));
    assert!(page.contains("<b class=\"good\">✓</b>") && page.contains("<b class=\"bad\">✗</b>"));
}

#[test]
fn a_terminal_gets_wrapped_lines_and_aligned_tables() {
    let text = plain(&document().unwrap());
    let mut prose = text.lines().filter(|line| line.contains("word word"));
    assert!(prose.all(|line| line.chars().count() <= 96), "{text}");
    assert!(text.contains("  1. 99.41 % of them"), "{text}");
    let table = text
        .lines()
        .skip_while(|line| !line.starts_with("  name"))
        .take(3);
    let expected = [
        "  name    words  number",
        "  row 1   ✓           1",
        "  row 22  ✗ –    12,345",
    ];
    assert_eq!(table.collect::<Vec<_>>(), expected);
}
