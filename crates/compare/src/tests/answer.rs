use super::sample::{answered, one_seed, results};
use crate::Results;
use crate::stats::Difference;

/// Every difference that a sentence may rest on; CNN − MLP first, then what augmentation gains.
fn differences(results: &mut Results) -> (Vec<&mut Difference>, Vec<&mut Difference>) {
    let findings = &mut results.findings;
    let mut all = vec![
        &mut findings.accuracy.full.difference,
        &mut findings.accuracy.matched.difference,
        &mut findings.corruptions.difference,
        &mut findings.permutation.interaction,
        &mut findings.calibration.before_difference,
    ];
    let mut gains = Vec::new();
    for axis in &mut findings.tolerance.axes {
        all.push(&mut axis.plain_difference);
        gains.extend([&mut axis.gain.mlp, &mut axis.gain.cnn]);
    }
    let kinds = findings.corruptions.kinds.iter_mut();
    all.extend(kinds.map(|kind| &mut kind.difference));
    let sizes = findings.samples.sizes.iter_mut();
    all.extend(sizes.map(|size| &mut size.difference));
    (all, gains)
}

/// The CNN (`side` 1) or the MLP (−1) ahead everywhere, every p-value `p`; permutation costs it
/// more, its calibration error is the larger one. Augmentation gains something.
fn clear(p: f64, side: f64) -> Results {
    let mut results = results();
    let (differences, gains) = differences(&mut results);
    for difference in differences {
        (difference.mean, difference.p) = (0.02 * side, Some(p));
    }
    for gain in gains {
        (gain.mean, gain.p) = (0.02, Some(p));
    }
    results.findings.permutation.interaction.mean *= -1.0;
    let accuracy = &mut results.findings.accuracy;
    let tests = accuracy.full.mcnemar.iter_mut();
    for test in tests.chain(&mut accuracy.matched.mcnemar) {
        let [fewer, more] = if side > 0.0 { [20, 120] } else { [120, 20] };
        (test.only_mlp_right, test.only_cnn_right, test.p) = (fewer, more, p);
    }
    results
}

#[track_caller]
fn said(mut results: Results, expected: &[(usize, &str)]) -> Vec<String> {
    answered(&mut results);
    let said: Vec<String> = results.answer.into_iter().map(|one| one.text).collect();
    assert_eq!(said.len(), 10);
    for (number, part) in expected {
        let text = &said[*number];
        assert!(text.contains(part), "`{part}` is not in: {text}");
        assert!(!text.contains("NaN"), "{text}");
    }
    said
}

#[test]
fn sentences_favour_whom_the_numbers_favour() {
    said(
        clear(1e-5, 1.0),
        &[
            (0, "The CNN is right more often than the MLP: "),
            (0, "decides for the CNN in 5 of 5 seeds"),
            (1, "the CNN is right more often"),
            (2, "per image it needs 23 times as many multiply-adds"),
            (
                3,
                "shifted by 1 to 6 pixels, the CNN is more tolerant than the MLP",
            ),
            (4, "make both more tolerant of shift"),
            (5, "The CNN is more tolerant of rotation and of scale"),
            (6, "the CNN is more robust than the MLP"),
            (7, "the CNN loses more than the MLP"),
            (8, "the CNN is right more often"),
            (8, "the CNN's mean is the higher one at every one"),
            (9, "the MLP's probabilities are the more trustworthy ones"),
        ],
    );
    let said = said(
        clear(1e-5, -1.0),
        &[
            (0, "The MLP is right more often than the CNN: "),
            (0, "decides for the MLP in 5 of 5 seeds"),
            (1, "the MLP is right more often than the CNN"),
            (3, "the MLP is more tolerant than the CNN: "),
            (4, "make both more tolerant of shift"),
            (5, "The MLP is more tolerant of rotation and of scale: "),
            (6, "the MLP is more robust than the CNN"),
            (6, "The MLP's mean is the higher one under each of them"),
            (7, "the MLP loses more than the CNN"),
            (8, "the MLP is right more often than the CNN"),
            (8, "the CNN's mean is the higher one at 0"),
            (9, "the CNN's probabilities are the more trustworthy ones"),
        ],
    );
    // The larger number comes first, and the difference is told as positive.
    assert!(!said[0].contains("difference −"), "{}", said[0]);
}

/// One test at 0.03 would be below 0.05; the smallest of nine is not: 9 · 0.03 = 0.27.
#[test]
fn where_no_test_supports_a_claim_after_the_correction_none_is_made() {
    let mut unsure = clear(0.03, 1.0);
    answered(&mut unsure);
    for number in [0, 1, 3, 4, 5, 6, 7, 8, 9] {
        let sentence = &unsure.answer[number];
        assert_eq!(sentence.p, Some(0.03));
        assert!((sentence.p_adjusted.unwrap() - 0.27).abs() < 1e-12);
        let nothing = [
            "o difference was found",
            "no change of both in the same direction was found",
            "was not found",
        ];
        let text = &sentence.text;
        assert!(nothing.iter().any(|part| text.contains(part)), "{text}");
    }
    assert_eq!(unsure.answer[2].p, None);
    let image_by_image = "finds no difference in any of 5 seeds";
    said(clear(0.3, 1.0), &[(0, image_by_image)]);
    // A mean that is not a number: nothing can be claimed, whatever p says.
    let mut worthless = clear(1e-5, 1.0);
    worthless.findings.accuracy.full.difference.mean = f64::NAN;
    said(worthless, &[(0, "No difference was found")]);
}

#[test]
fn a_single_seed_claims_nothing_and_says_why() {
    let one = one_seed();
    assert!(one.answer.iter().all(|sentence| sentence.p.is_none()));
    said(one, &[(0, "with a single seed, which allows no test")]);
}

#[test]
fn what_was_not_measured_is_said_to_be_missing() {
    let mut results = results();
    results.findings.cost.networks.clear();
    results.findings.tolerance.axes.clear();
    results.findings.samples.sizes.clear();
    said(
        results,
        &[
            (2, "What the networks cost was not measured."),
            (3, "Shifted test images were not tried."),
            (4, "Training with shifted images was not tried."),
            (5, "Rotated and scaled test images were not tried."),
            (8, "Training on fewer images was not tried."),
        ],
    );
}
