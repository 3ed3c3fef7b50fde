use std::collections::BTreeSet;

use super::sample::{answered, one_seed, results};
use crate::Results;
use crate::network::Pair;
use crate::report::{html, markdown, summary};
use crate::stats::{difference, sample};

/// Sections in their order.
const SECTIONS: &str = "accuracy cost tolerance corruptions permutation samples calibration \
    mistakes features caveats time repeat references";

/// Nothing measured where nothing has to be, and no numbers where there could be any.
fn empty() -> Results {
    let mut results = one_seed();
    let nothing = sample(Vec::new());
    let pair = Pair::from_fn(|_| nothing.clone());
    let not_a_number = difference(vec![f64::NAN]);
    let of = &mut results.findings;
    of.accuracy.full.accuracy = pair.clone();
    of.accuracy.full.difference = not_a_number.clone();
    of.accuracy.full.mcnemar.clear();
    of.cost.networks[0].seconds_per_epoch = f64::NAN;
    of.cost.networks[1].inference_images_per_second = f64::INFINITY;
    of.tolerance.axes[0].plain.mlp[2].mean = f64::NAN;
    of.tolerance.axes[1].amounts.clear();
    of.tolerance.augmented_seeds.clear();
    of.corruptions.kinds.clear();
    of.permutation.permuted = pair;
    of.permutation.change.cnn = not_a_number;
    of.permutation.example = Default::default();
    of.samples.sizes.clear();
    of.calibration.networks.mlp.diagram_before.clear();
    of.calibration.networks.cnn.temperature = nothing;
    of.mistakes.confusion = Pair::default();
    of.mistakes.both.images.clear();
    of.features.filters.clear();
    of.features.units.clear();
    of.features.digit.blocks.clear();
    results.answer.clear();
    results.time.clear();
    results
}

/// The same with other classes in the confusion matrices.
fn with_classes(classes: usize) -> Results {
    let mut results = results();
    results.findings.mistakes.confusion = Pair::from_fn(|_| vec![vec![3; classes]; classes]);
    results
}

#[test]
fn the_report_is_whole_whatever_was_measured() {
    for (name, results) in [
        ("five seeds", results()),
        ("one seed", one_seed()),
        ("three classes", with_classes(3)),
        ("forty classes", with_classes(40)),
        ("nothing measured", empty()),
    ] {
        let page = html(&results).unwrap();
        let sections = page.split("<section id=\"").skip(1);
        let ids: Vec<&str> = sections
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(ids.join(" "), SECTIONS, "{name}");
        assert!(page.len() < 1_500_000, "small enough to send");
        let captions = page.matches("How it was made:").count();
        assert!(captions >= 6, "{name}");
        assert_eq!(page.matches("<figure").count(), captions, "{name}");

        let (text, files) = markdown(&results).unwrap();
        let names: BTreeSet<&String> = files.iter().map(|(file, _)| file).collect();
        assert_eq!(
            names.len(),
            files.len(),
            "{name}: every figure has a name of its own"
        );
        assert_eq!(
            text.matches("src=\"figures/").count(),
            files.len(),
            "{name}"
        );
        let charts = files.iter().map(|(_, svg)| svg);
        let charts = charts.filter(|svg| !svg.contains("<image"));
        let said = summary(&results);
        for text in charts.chain([&text, &said]) {
            for word in text.split(|c: char| !c.is_alphanumeric()) {
                let number = ["NaN", "nan", "inf", "Infinity"].contains(&word);
                assert!(!number, "{name}: {word}");
            }
        }
        let longest = said.lines().map(|line| line.chars().count()).max();
        assert!(longest.unwrap() <= 96, "{name}: {said}");
    }
}

#[test]
fn the_answer_comes_first_and_again_where_the_evidence_is() {
    let mut results = results();
    results.findings.accuracy.full.difference.p = Some(3.4e-5);
    answered(&mut results);
    let page = html(&results).unwrap();
    let (text, _) = markdown(&results).unwrap();
    let said = summary(&results).replace("\n     ", " ");
    let (opening, sections) = text.split_once("## 1. Accuracy").unwrap();
    assert!(page.split_once("<nav").unwrap().0.contains("</ol>"));
    for sentence in &results.answer {
        let escaped = sentence.text.replace('<', "&lt;");
        assert!(opening.contains(&escaped), "{escaped}");
        assert!(sections.contains(&escaped), "{escaped}");
        assert!(said.contains(&sentence.text), "{}", sentence.text);
    }
    assert!(said.contains("(paired t-test, 5 seeds; p = 0.000034; Holm-adjusted p = "));
    for condition in [
        "160 training",
        "5 seeds (1, 2, 3, 4 and 5)",
        "2 epochs",
        "flex, 2 threads",
        "digits ",
    ] {
        assert!(opening.contains(condition), "{condition}");
    }
}

#[test]
fn the_measured_numbers_are_in_the_tables() {
    let mut results = results();
    let cost = &mut results.findings.cost.networks[0];
    (cost.seconds_per_epoch, cost.inference_images_per_second) = (0.93, 241_300.0);
    let reaches = &mut cost.reaches;
    (reaches[0].seeds, reaches[0].epoch, reaches[0].seconds) = (3, Some(2.0), Some(8.6));
    reaches[1].epoch = None;
    let page = html(&results).unwrap();
    let full = &results.findings.accuracy.full;
    for (number, seed) in full.seeds.iter().enumerate() {
        let (mlp, cnn) = (&full.accuracy.mlp.values, &full.accuracy.cnn.values);
        let [mlp, cnn] = [mlp, cnn].map(|values| 100.0 * values[number]);
        let row = format!(">{seed}</th><td>{mlp:.2}</td><td>{cnn:.2}</td><td>");
        assert!(page.contains(&row), "{row}");
    }
    for cell in [
        "6,442",
        "149,300",
        "27 kB",
        "not reached",
        "2 (8.6 s), 3 of 5 seeds",
    ] {
        assert!(page.contains(&format!("<td>{cell}</td>")), "{cell}");
    }
    let said = summary(&results);
    let table = said
        .lines()
        .skip_while(|line| !line.starts_with("  network"));
    let table: Vec<String> = table
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        table[0],
        "network parameters test accuracy, % s/epoch images/s"
    );
    assert!(table[1].starts_with("mlp-small 6,442 "), "{said}");
    assert!(table[1].contains(" ± ") && table[1].ends_with(" 0.93 241,000"));
}

#[test]
fn caveats_follow_the_recipes_and_the_seeds() {
    let mut results = results();
    let (alike, _) = markdown(&results).unwrap();
    (
        results.networks[1].dropout,
        results.networks[1].label_smoothing,
    ) = (0.4, 0.05);
    let (unlike, _) = markdown(&results).unwrap();
    for (text, caveat) in [
        (
            &alike,
            "mlp-small and cnn-small are trained with the same dropout (0) and label smoothing (0)",
        ),
        (
            &unlike,
            "The recipes differ in more than the architecture: mlp-small is trained with dropout 0 and label smoothing 0, cnn-small with dropout 0.4 and label smoothing 0.05",
        ),
        (
            &alike,
            "cnn-small needs 23.3 times the multiply-adds of mlp-small",
        ),
    ] {
        assert!(text.contains(caveat), "{caveat}");
    }
    let one = one_seed();
    let (text, _) = markdown(&one).unwrap();
    assert!(text.contains("With a single seed there is neither an interval nor a p-value"));
    assert!(!text.contains("Holm-adjusted"));
    assert!(!summary(&one).contains('±') && !summary(&one).contains("; p ="));
    assert!(summary(&empty()).contains("Nothing was measured"));
}

#[test]
fn names_from_outside_are_text_and_nothing_else() {
    let mut results = results();
    results.dataset.name = "<img src=x onerror=\"a\">".to_owned();
    results.networks[0].recipe = "</style><script>".to_owned();
    results.findings.permutation.example[0] = "\" onload=\"".to_owned();
    let page = html(&results).unwrap();
    for element in ["<script", "<img src=x", "onerror=\"", "onload=\""] {
        assert!(!page.contains(element), "{element}");
    }
    assert!(page.contains("on &lt;img src=x"));
}

/// Fields that others build on; a file of an older version has to load as well.
#[test]
fn the_fields_of_results_json_are_the_known_ones() {
    let results = results();
    let json = serde_json::to_value(&results).unwrap();
    let fields: BTreeSet<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let other = "schema version plan dataset machine networks answer time".split(' ');
    assert_eq!(fields, SECTIONS.split(' ').take(9).chain(other).collect());
    assert_eq!(json["cost"]["networks"][1]["multiply_adds"], 149_300);
    let read: Results = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(markdown(&read).unwrap(), markdown(&results).unwrap());
}
