mod markup;
pub(crate) mod sample;

use std::collections::BTreeSet;

use self::markup::{Tag, tags};
use self::sample::{classes, one_seed, sample_results};
use super::{html, markdown, summary};
use crate::{
    Corruptions, Difference, Features, Gallery, Pair, Results, Sample, SampleEfficiency, Sentence,
};

/// Sections in their order.
const SECTIONS: [&str; 13] = [
    "accuracy",
    "cost",
    "tolerance",
    "corruptions",
    "permutation",
    "samples",
    "calibration",
    "mistakes",
    "features",
    "caveats",
    "time",
    "repeat",
    "references",
];

/// Nothing measured where nothing has to be, and no numbers where there could be any.
fn empty() -> Results {
    let nothing = Sample {
        values: Vec::new(),
        mean: f64::NAN,
        std: None,
        interval: None,
    };
    let no_difference = Difference {
        values: vec![f64::NAN],
        mean: f64::NAN,
        interval: Some([f64::NAN, f64::INFINITY]),
        p: Some(f64::NAN),
    };
    let pair = Pair {
        mlp: nothing.clone(),
        cnn: nothing.clone(),
    };
    let mut results = one_seed();
    results.accuracy.full.accuracy = pair.clone();
    results.accuracy.full.difference = no_difference.clone();
    results.accuracy.full.mcnemar.clear();
    results.cost.networks[0].seconds_per_epoch = f64::NAN;
    results.cost.networks[1].inference_images_per_second = f64::INFINITY;
    results.tolerance.axes[0].plain.mlp[2].mean = f64::NAN;
    results.tolerance.axes[1].amounts.clear();
    results.tolerance.augmented_seeds.clear();
    results.corruptions = Corruptions {
        seeds: Vec::new(),
        clean: pair.clone(),
        kinds: Vec::new(),
        mean: pair.clone(),
        difference: no_difference.clone(),
    };
    results.permutation.permuted = pair;
    results.permutation.change.cnn = no_difference;
    results.permutation.example = [String::new(), String::new()];
    results.samples = SampleEfficiency {
        seeds: Vec::new(),
        sizes: Vec::new(),
    };
    results.calibration.networks.mlp.diagram_before.clear();
    results.calibration.networks.cnn.temperature = nothing;
    results.mistakes.confusion = Pair::default();
    results.mistakes.both = Gallery {
        count: 0,
        images: Vec::new(),
    };
    results.mistakes.only_mlp.images[0].png.clear();
    results.features = Features {
        sheet: Vec::new(),
        filters: Vec::new(),
        chance: None,
        share_over_chance: None,
        units: Vec::new(),
        ..results.features
    };
    results.features.digit.blocks.clear();
    results.answer.clear();
    results.time.clear();
    results
}

fn variants() -> [(&'static str, Results); 5] {
    [
        ("five seeds", sample_results()),
        ("one seed", one_seed()),
        ("three classes", classes(3)),
        ("forty classes", classes(40)),
        ("nothing measured", empty()),
    ]
}

fn page(results: &Results) -> (String, Vec<Tag>) {
    let page = html(results).unwrap();
    let tags = tags(&page).unwrap();
    (page, tags)
}

/// What a reader sees: text and labels, without tags, styles and pictures.
fn words(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        words += before;
        if let Some(style) = after.strip_prefix("style>") {
            rest = style.split_once("</style>").unwrap().1;
            continue;
        }
        let (tag, after) = after.split_once('>').unwrap();
        for label in ["aria-label=\"", "alt=\""] {
            if let Some((_, value)) = tag.split_once(label) {
                words += " ";
                words += value.split('"').next().unwrap();
            }
        }
        words += " ";
        rest = after;
    }
    words + rest
}

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
fn the_answer_comes_first_with_every_number_and_test() {
    let results = sample_results();
    let page = html(&results).unwrap();
    let (text, _) = markdown(&results).unwrap();
    let answer = page.split("<nav").next().unwrap();
    let opening = text.split("## 1. Accuracy").next().unwrap();
    for sentence in &results.answer {
        assert!(answer.contains(&sentence.text), "{}", sentence.text);
        assert!(opening.contains(&sentence.text), "{}", sentence.text);
        if let Some(test) = &sentence.test {
            assert!(answer.contains(test) && opening.contains(test), "{test}");
        }
    }
    assert!(
        answer.contains("<small>paired t-test, 5 seeds; p = 0.000034; Holm-adjusted p = 0.00031")
    );
    assert!(answer.contains("p &lt; 10⁻⁶"));
    for condition in [
        "55,000 training",
        "5 seeds (1, 2, 3, 4 and 5)",
        "5 epochs",
        "flex, 2 threads",
        "digits 0.1.0",
    ] {
        assert!(
            answer.contains(condition) && opening.contains(condition),
            "{condition}"
        );
    }
    // Again where the evidence is.
    assert_eq!(page.matches(&results.answer[3].text).count(), 2);
}

#[test]
fn the_measured_numbers_are_in_the_tables() {
    let results = sample_results();
    let (page, _) = page(&results);
    let (text, _) = markdown(&results).unwrap();
    let full = &results.accuracy.full;
    for value in full
        .accuracy
        .cnn
        .values
        .iter()
        .chain(&full.accuracy.mlp.values)
    {
        let cell = format!("{:.2}", 100.0 * value);
        assert!(page.contains(&format!("<td>{cell}</td>")), "{cell}");
        assert!(text.contains(&format!(" {cell} |")), "{cell}");
    }
    for cell in [
        "407,050",
        "2,818,000",
        "32,500",
        "1.63 MB",
        "not reached",
        "2 (8.6 s)",
    ] {
        assert!(page.contains(&format!("<td>{cell}</td>")), "{cell}");
        assert!(text.contains(&format!("| {cell} ")), "{cell}");
    }
}

#[test]
fn caveats_follow_the_recipes() {
    let results = sample_results();
    let differ = "The recipes differ in more than the architecture: mlp with dropout 0 and label smoothing 0 is trained, cnn with dropout 0.4 and label smoothing 0.05";
    let alike =
        "mlp-small and cnn-small are trained with the same dropout (0) and label smoothing (0)";
    let page = html(&results).unwrap();
    assert!(page.contains(differ));
    assert!(page.contains(alike));
    assert!(page.contains("cnn-small needs 23.3 times the multiply-adds of mlp-small"));
    let one = html(&one_seed()).unwrap();
    assert!(one.contains("With a single seed there is neither an interval nor a p-value"));
    assert!(!one.contains("Holm-adjusted"));
}

#[test]
fn names_from_outside_are_text_and_nothing_else() {
    let mut results = sample_results();
    results.dataset.name = "<img src=x onerror=\"a\">&|*_`[x](y)".to_owned();
    results.networks[0].recipe = "</style><script>".to_owned();
    results.mistakes.both.images[0].png = "\" onload=\"".to_owned();
    results.answer[0] = Sentence {
        text: "a < b & \"c\" > d".to_owned(),
        ..results.answer[0].clone()
    };
    let (page, tags) = page(&results);
    assert!(tags.iter().all(|tag| tag.name != "script"));
    assert!(
        tags.iter()
            .all(|tag| tag.attribute("onerror").is_none() && tag.attribute("onload").is_none())
    );
    assert!(page.contains("on &lt;img src=x onerror=&quot;a&quot;&gt;&amp;|*_`[x](y)"));
    assert!(page.contains("a &lt; b &amp; &quot;c&quot; &gt; d"));
    let (text, files) = markdown(&results).unwrap();
    assert!(text.starts_with(
        "# Feed-forward network against CNN on &lt;img src=x onerror=\"a\"&gt;&amp;\\|\\*\\_\\`\\[x\\](y)\n"
    ));
    for (file, svg) in files {
        assert!(markup::tags(&svg).is_ok(), "{file}");
    }
}

#[test]
fn the_two_renderings_say_the_same() {
    let results = sample_results();
    let page = html(&results).unwrap();
    let (text, files) = markdown(&results).unwrap();
    let svgs = page.matches("<svg ").count();
    let tiles = files
        .iter()
        .filter(|(_, svg)| svg.contains("<image "))
        .count();
    assert_eq!(svgs + tiles, files.len());
    let rows = page.matches("<tr>").count();
    let lines = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    assert_eq!(lines.count(), rows);
    assert_eq!(
        page.matches("<details>").count(),
        text.matches("<details>").count()
    );
}

#[test]
fn plots_follow_the_color_scheme_of_the_page_only() {
    let results = sample_results();
    let page = html(&results).unwrap();
    let (_, files) = markdown(&results).unwrap();
    for (color, variable) in super::figures::COLORS {
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
}

#[test]
fn the_summary_fits_a_terminal() {
    let text = summary(&sample_results());
    assert!(
        text.lines().all(|line| line.chars().count() <= 96),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
    assert!(
        text.starts_with(
            "What do you observe?

  1. The CNN is right more often: 99.27 % of the test images against 98.21 %, a difference of
     1.06 percentage points (95 % interval 0.95 to 1.17).
     (paired t-test, 5 seeds; p = 0.000034; Holm-adjusted p = 0.00031)
"
        ),
        "{text}"
    );
    let table = text.split("\n\n").last().unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "  network    parameters  test accuracy, %  s/epoch  images/s"
    );
    assert!(
        lines[1].starts_with("  mlp           407,050      98.")
            && lines[1].ends_with("     0.93   241,000"),
        "{table}"
    );
    assert_eq!(lines.len(), 5);
}

#[test]
fn the_summary_of_one_seed_has_no_spread() {
    let text = summary(&one_seed());
    assert!(!text.contains('±'));
    assert!(!text.contains("p ="));
    let nothing = summary(&empty());
    assert!(nothing.contains("Nothing was measured"));
    assert!(nothing.contains("  –"), "{nothing}");
}

/// For looking at the report in a browser.
#[test]
#[ignore = "writes sample reports into the folder that DIGITS_REPORT_SAMPLE names"]
fn write_the_samples() {
    let folder = std::path::PathBuf::from(std::env::var("DIGITS_REPORT_SAMPLE").unwrap());
    std::fs::create_dir_all(folder.join("figures")).unwrap();
    for (name, results) in variants() {
        let name = name.replace(' ', "-");
        std::fs::write(folder.join(format!("{name}.html")), html(&results).unwrap()).unwrap();
    }
    let (text, files) = markdown(&sample_results()).unwrap();
    std::fs::write(folder.join("report.md"), text).unwrap();
    for (file, svg) in files {
        std::fs::write(folder.join(file), svg).unwrap();
    }
    std::fs::write(folder.join("summary.txt"), summary(&sample_results())).unwrap();
}
