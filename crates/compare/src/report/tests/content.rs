use super::markup;
use super::sample::{one_seed, sample_results};
use super::{empty, page, variants};
use crate::Sentence;
use crate::report::{html, markdown, summary};

#[test]
fn the_answer_comes_first_with_every_number_and_test() {
    let results = sample_results();
    let page = html(&results).unwrap();
    let (text, _) = markdown(&results).unwrap();
    let answer = page.split("<nav").next().unwrap();
    let opening = text.split("## 1. Accuracy").next().unwrap();
    for sentence in &results.answer {
        let text = sentence.text.replace(" %", "\u{a0}%");
        assert!(answer.contains(&text), "{text}");
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
    assert_eq!(
        page.matches("it keeps 71.0\u{a0}% against 55.2\u{a0}%.")
            .count(),
        2
    );
}

#[test]
fn the_measured_numbers_are_in_the_tables() {
    let results = sample_results();
    let (page, _) = page(&results);
    let (text, _) = markdown(&results).unwrap();
    let full = &results.accuracy.full;
    let values = full
        .accuracy
        .mlp
        .values
        .iter()
        .zip(&full.accuracy.cnn.values);
    for ((seed, difference), (mlp, cnn)) in
        full.seeds.iter().zip(&full.difference.values).zip(values)
    {
        let (mlp, cnn) = (100.0 * mlp, 100.0 * cnn);
        let difference = 100.0 * difference;
        let row = format!(
            "<tr><th scope=\"row\" class=\"words\">{seed}</th><td>{mlp:.2}</td><td>{cnn:.2}</td><td>{difference:+.2}</td></tr>"
        );
        assert!(page.contains(&row), "{row}");
        let row = format!("| {seed} | {mlp:.2} | {cnn:.2} | {difference:+.2} |\n");
        assert!(text.contains(&row), "{row}");
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
    let differ = "The recipes differ in more than the architecture: mlp is trained with dropout 0 and label smoothing 0, cnn with dropout 0.4 and label smoothing 0.05";
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
