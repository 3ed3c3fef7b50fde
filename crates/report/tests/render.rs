//! One document with every block and chart, as page, Markdown and terminal text.

mod gallery;

use std::collections::BTreeSet;

use digits_report::{COLORS, html, markdown, plain};
use gallery::{HOSTILE, document};

/// The page as XML, which is stricter: every tag closed in order, every attribute quoted and given
/// once, every special character escaped.
fn as_xml(page: &str) -> String {
    let mut xml = page
        .replace("<!DOCTYPE html>", "")
        .replace("<details open>", "<details>");
    for void in ["<meta", "<img", "<br"] {
        let parts: Vec<&str> = xml.split(void).collect();
        let closed = parts[1..].iter().map(|part| part.replacen('>', "/>", 1));
        xml = parts[0].to_owned()
            + &closed
                .map(|part| void.to_owned() + &part)
                .collect::<String>();
    }
    xml
}

fn texts(node: roxmltree::Node<'_, '_>) -> String {
    node.descendants()
        .filter(|n| n.is_text())
        .filter_map(|n| n.text())
        .collect()
}

#[test]
fn the_page_is_well_formed_accessible_and_self_contained() {
    let page = html(&document());
    // To be looked at.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/gallery.html"), &page).unwrap();
    let xml = as_xml(&page);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let mut ids = BTreeSet::new();
    for node in tree.descendants().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        assert!(
            !["script", "link", "iframe", "object"].contains(&name),
            "{name}"
        );
        if let Some(id) = node.attribute("id") {
            assert!(ids.insert(id), "two elements are called {id}");
        }
        for key in ["src", "href"] {
            let value = node.attribute(key).unwrap_or("#");
            assert!(
                value.starts_with('#') || value.starts_with("data:image/png;base64,"),
                "{value}"
            );
        }
        for paint in ["fill", "stroke"] {
            let color = node.attribute(paint).unwrap_or("none");
            assert!(
                color == "none" || color.starts_with("var(--"),
                "{name}: {paint}={color}"
            );
        }
        let said = match name {
            "svg" => {
                assert_eq!(node.attribute("role"), Some("img"));
                assert_eq!(node.attribute("width"), None, "scales with the page");
                node.attribute("viewBox").and(node.attribute("aria-label"))
            }
            "img" => node.attribute("alt"),
            "th" => node.attribute("scope"),
            "html" => node.attribute("lang"),
            "figure" => node
                .children()
                .find(|n| n.has_tag_name("figcaption"))
                .map(|_| "caption"),
            _ => continue,
        };
        assert!(
            said.is_some_and(|text| !text.is_empty()),
            "{name} says nothing"
        );
    }
    for link in tree.descendants().filter_map(|node| node.attribute("href")) {
        assert!(ids.contains(link.trim_start_matches('#')), "{link}");
    }
    for attribute in ["aria-labelledby"] {
        for name in tree
            .descendants()
            .filter_map(|node| node.attribute(attribute))
        {
            assert!(ids.contains(name), "{name}");
        }
    }
    assert!(
        !page.contains("http") && !page.contains("url("),
        "nothing from elsewhere"
    );
    for (_, variable) in COLORS {
        // Light, dark and print.
        assert_eq!(
            page.matches(&format!("{variable}: #")).count(),
            3,
            "{variable}"
        );
    }
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn hostile_words_stay_words_on_the_page() {
    let page = html(&document());
    let xml = as_xml(&page);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let body = tree
        .descendants()
        .find(|node| node.has_tag_name("body"))
        .unwrap();
    let seen = texts(body).matches(HOSTILE).count();
    let labels = body.descendants().flat_map(|node| node.attributes());
    let labels = labels
        .filter(|label| label.value().contains(HOSTILE))
        .count();
    assert!(seen >= 25 && labels >= 6, "{seen} texts, {labels} labels");
    assert_eq!(page.matches("<script>").count(), 0);
}

#[test]
fn hostile_words_stay_words_in_markdown_and_its_figures() {
    let (text, files) = markdown(&document());
    let escaped = r"&lt;script&gt;\|\`\_\*\[a\](b)";
    assert!(text.matches(escaped).count() >= 20, "{text}");
    // Where they stand as they are: in a fence longer than any of theirs.
    let (fenced, outside): (Vec<_>, Vec<_>) = text
        .split("\n````\n")
        .enumerate()
        .partition(|(number, _)| number % 2 == 1);
    assert!(fenced.iter().all(|(_, code)| code.contains(HOSTILE)));
    for (_, part) in outside {
        let plain = part.replace("<details>", "").replace("<details open>", "");
        for tag in plain.split('<').skip(1) {
            let known = [
                "img src=\"figures/",
                "summary>",
                "/summary>",
                "/details>",
                "br>",
                "sub>",
                "/sub>",
            ];
            assert!(known.iter().any(|known| tag.starts_with(known)), "<{tag}");
        }
    }
    // A cell with a bar does not become two.
    for row in text.lines().filter(|line| line.starts_with("| row ")) {
        assert_eq!(row.replace(r"\|", "").matches('|').count(), 4, "{row}");
    }
    assert_eq!(text.matches("src=\"figures/").count(), files.len());
    let mut names = BTreeSet::new();
    for (name, svg) in &files {
        assert!(names.insert(name), "{name} twice");
        assert!(text.contains(&format!("src=\"{name}\"")), "{name}");
        let tree = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        let root = tree.root_element();
        assert!(root.has_tag_name(("http://www.w3.org/2000/svg", "svg")));
        assert!(root.attribute("viewBox").is_some());
        assert!(
            root.first_element_child()
                .unwrap()
                .has_tag_name(("http://www.w3.org/2000/svg", "title"))
        );
        assert!(!svg.contains("var("), "{name} has colors of its own");
    }
}

#[test]
fn figures_are_numbered_and_say_how_they_were_made() {
    let (page, (text, _)) = (html(&document()), markdown(&document()));
    let figures = page.matches("<figure>").count();
    assert!(figures >= 4);
    for number in 1..=figures {
        assert!(page.contains(&format!("<figcaption><b>Figure {number}.</b> ")));
        assert!(text.contains(&format!("**Figure {number}.** ")));
    }
    assert_eq!(
        page.matches("How it was made:").count(),
        text.matches("How it was made:").count()
    );
}

#[test]
fn what_is_not_a_number_is_never_written() {
    let document = document();
    let (text, files) = markdown(&document);
    let all = [html(&document), plain(&document), text];
    for text in all.iter().chain(files.iter().map(|(_, svg)| svg)) {
        for wrong in ["NaN", "inf<", "\"inf", "Infinity"] {
            assert!(!text.contains(wrong), "{wrong}");
        }
    }
}

#[test]
fn no_line_of_prose_ends_within_a_number_and_signs_are_colored() {
    let page = html(&document());
    assert!(page.contains("99.41\u{a0}% of them, p\u{a0}=\u{a0}0.012 or p\u{a0}&lt;\u{a0}10⁻⁶"));
    assert!(page.contains("<b class=\"good\">✓</b>") && page.contains("<b class=\"bad\">✗</b>"));
}

#[test]
fn a_terminal_gets_wrapped_lines_and_aligned_tables() {
    let text = plain(&document());
    for line in text.lines().filter(|line| line.contains("word word")) {
        assert!(line.chars().count() <= 96, "{line}");
    }
    assert!(text.contains("  1. 99.41 % of them"), "{text}");
    let table: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("  name"))
        .take(3)
        .collect();
    assert_eq!(
        table,
        [
            "  name    words  number",
            "  row 1   ✓           1",
            "  row 22  ✗ –    12,345"
        ]
    );
}
