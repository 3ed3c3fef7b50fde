use std::collections::BTreeSet;

use super::markup::tags;
use super::sample::sample_results;
use super::{SECTIONS, page, variants, words};
use crate::report::{html, markdown, summary};

#[test]
fn the_page_is_well_formed_whatever_was_measured() {
    for (name, results) in variants() {
        let (_, tags) = page(&results);
        let sections: Vec<&str> = tags
            .iter()
            .filter(|tag| tag.name == "section")
            .filter_map(|tag| tag.attribute("id"))
            .collect();
        assert_eq!(sections, SECTIONS, "{name}");
        let mut ids = BTreeSet::new();
        for id in tags.iter().filter_map(|tag| tag.attribute("id")) {
            assert!(ids.insert(id), "{name}: two elements are called {id}");
        }
    }
}

#[test]
fn the_markdown_and_its_figures_are_well_formed_whatever_was_measured() {
    for (name, results) in variants() {
        let (text, files) = markdown(&results).unwrap();
        let mut names = BTreeSet::new();
        for (file, svg) in &files {
            assert!(names.insert(file), "{name}: {file} twice");
            let tags = tags(svg).unwrap_or_else(|wrong| panic!("{name}: {file}: {wrong}"));
            assert_eq!(tags[0].name, "svg");
            assert!(tags[0].attribute("viewBox").is_some(), "{file}");
            assert_eq!(tags[1].name, "title", "{file} says what it shows");
            assert!(text.contains(&format!("src=\"{file}\"")), "{name}: {file}");
        }
        assert_eq!(
            text.matches("src=\"figures/").count(),
            files.len(),
            "{name}"
        );
        let headings = text.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(headings, SECTIONS.len() + 1, "{name}");
    }
}

#[test]
fn what_is_no_number_is_never_written() {
    for (name, results) in variants() {
        let (text, files) = markdown(&results).unwrap();
        let page = html(&results).unwrap();
        let marked_up = [&page, &text]
            .into_iter()
            .chain(files.iter().map(|(_, svg)| svg));
        let mut seen: Vec<String> = marked_up.map(|document| words(document)).collect();
        seen.push(summary(&results));
        for word in seen
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        {
            let number = ["NaN", "nan", "inf", "Infinity"].contains(&word);
            assert!(!number, "{name}: {word}");
        }
        for tag in tags(&page).unwrap() {
            for (key, value) in &tag.attributes {
                assert!(!value.contains("NaN"), "{name}: {key}=\"{value}\"");
            }
        }
    }
}

#[test]
fn the_page_loads_nothing_from_outside() {
    let (page, tags) = page(&sample_results());
    for tag in &tags {
        assert_ne!(tag.name, "script");
        assert_ne!(tag.name, "link");
        for key in ["src", "href", "xlink:href"] {
            if let Some(value) = tag.attribute(key) {
                assert!(
                    value.starts_with("data:image/png;base64,") || value.starts_with('#'),
                    "{key}=\"{value}\""
                );
            }
        }
    }
    assert!(!page.contains("http"), "no address at all");
    assert!(!page.contains("url("));
}

#[test]
fn the_page_stays_small_enough_to_send() {
    let size = html(&sample_results()).unwrap().len();
    assert!(size < 1_500_000, "{size} bytes");
}

#[test]
fn every_link_leads_somewhere() {
    let (_, tags) = page(&sample_results());
    let ids: BTreeSet<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
    let mut links = 0;
    for link in tags.iter().filter_map(|tag| tag.attribute("href")) {
        assert!(ids.contains(link.trim_start_matches('#')), "{link}");
        links += 1;
    }
    assert!(links >= SECTIONS.len() + sample_results().answer.len());
}

#[test]
fn every_figure_has_a_caption_that_says_how_it_was_made() {
    for (name, results) in variants() {
        let (page, tags) = page(&results);
        let count = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted).count();
        assert!(count("figure") >= 6, "{name}");
        assert_eq!(count("figure"), count("figcaption"), "{name}");
        for (number, figure) in page.split("<figure>").skip(1).enumerate() {
            let figure = figure.split("</figure>").next().unwrap();
            let caption = figure.split("<figcaption>").nth(1).unwrap();
            let start = format!("<b>Figure {}.</b> ", number + 1);
            assert!(caption.starts_with(&start), "{name}: {caption}");
            assert!(caption.contains("How it was made:"), "{name}: {caption}");
        }
        let (text, _) = markdown(&results).unwrap();
        assert_eq!(text.matches("**Figure ").count(), count("figure"), "{name}");
    }
}

#[test]
fn those_who_do_not_see_are_told() {
    let (_, tags) = page(&sample_results());
    assert_eq!(
        tags.iter()
            .find(|tag| tag.name == "html")
            .unwrap()
            .attribute("lang"),
        Some("en")
    );
    for tag in &tags {
        let said = match tag.name.as_str() {
            "svg" => {
                assert_eq!(tag.attribute("role"), Some("img"));
                assert_eq!(tag.attribute("width"), None, "scales with the page");
                tag.attribute("viewBox").and(tag.attribute("aria-label"))
            }
            "img" => tag.attribute("alt"),
            "th" => tag.attribute("scope"),
            _ => continue,
        };
        assert!(said.is_some_and(|text| !text.is_empty()), "{tag:?}");
    }
}

#[test]
fn plots_follow_the_color_scheme_of_the_page_only() {
    let results = sample_results();
    let page = html(&results).unwrap();
    let (_, files) = markdown(&results).unwrap();
    for (color, variable) in digits_report::COLORS {
        let svgs = page
            .split("<svg ")
            .skip(1)
            .map(|svg| svg.split("</svg>").next().unwrap());
        assert!(svgs.clone().all(|svg| !svg.contains(color)), "{color}");
        assert!(
            page.contains(&format!("{variable}:")),
            "{variable} has a value"
        );
    }
    assert!(files.iter().all(|(_, svg)| !svg.contains("var(")));
    for tag in tags(&page).unwrap() {
        for paint in ["fill", "stroke"] {
            let color = tag.attribute(paint).unwrap_or("none");
            assert!(color == "none" || color.starts_with("var("), "{tag:?}");
        }
    }
}

#[test]
fn no_line_of_prose_ends_within_a_number() {
    let mut results = sample_results();
    results.answer[0].text = "99.41 % of them, p = 0.012 or p < 10⁻⁶".to_owned();
    let page = html(&results).unwrap();
    let held = "99.41\u{a0}% of them, p\u{a0}=\u{a0}0.012 or p\u{a0}&lt;\u{a0}10⁻⁶";
    assert_eq!(
        page.matches(held).count(),
        2,
        "in the answer and in its section"
    );
}
