use super::answer;
use crate::report::tests::sample::{one_seed, sample_results};
use crate::results::{Difference, Pair, Results};

fn sentences(results: &Results) -> Vec<String> {
    answer(results)
        .into_iter()
        .map(|sentence| sentence.text)
        .collect()
}

fn swapped<T: Clone>(pair: &mut Pair<T>) {
    std::mem::swap(&mut pair.mlp, &mut pair.cnn);
}

fn negated(difference: &mut Difference) {
    for value in &mut difference.values {
        *value = -*value;
    }
    difference.mean = -difference.mean;
    difference.interval = difference.interval.map(|[low, high]| [-high, -low]);
}

/// Every difference that a sentence may rest on.
fn differences(results: &mut Results) -> Vec<&mut Difference> {
    let mut all = vec![
        &mut results.accuracy.full.difference,
        &mut results.accuracy.matched.difference,
        &mut results.corruptions.difference,
        &mut results.permutation.interaction,
        &mut results.calibration.before_difference,
    ];
    for axis in &mut results.tolerance.axes {
        all.push(&mut axis.plain_difference);
        all.push(&mut axis.gain.mlp);
        all.push(&mut axis.gain.cnn);
    }
    for size in &mut results.samples.sizes {
        all.push(&mut size.difference);
    }
    all
}

/// The same experiment with the names of the two networks exchanged.
fn mirrored(mut results: Results) -> Results {
    for contest in [&mut results.accuracy.full, &mut results.accuracy.matched] {
        swapped(&mut contest.accuracy);
        for test in &mut contest.mcnemar {
            std::mem::swap(&mut test.only_mlp_right, &mut test.only_cnn_right);
        }
        negated(&mut contest.difference);
    }
    for axis in &mut results.tolerance.axes {
        swapped(&mut axis.plain);
        swapped(&mut axis.augmented);
        swapped(&mut axis.gain);
        negated(&mut axis.plain_difference);
    }
    swapped(&mut results.corruptions.mean);
    negated(&mut results.corruptions.difference);
    for kind in &mut results.corruptions.kinds {
        negated(&mut kind.difference);
    }
    swapped(&mut results.permutation.natural);
    swapped(&mut results.permutation.permuted);
    negated(&mut results.permutation.interaction);
    for size in &mut results.samples.sizes {
        swapped(&mut size.accuracy);
        negated(&mut size.difference);
    }
    swapped(&mut results.calibration.networks);
    negated(&mut results.calibration.before_difference);
    results
}

/// Clear results: the CNN ahead everywhere, every p-value tiny, permutation costs it more, its
/// calibration error is the larger one.
fn clear() -> Results {
    let mut results = sample_results();
    for difference in differences(&mut results) {
        difference.mean = difference.mean.abs();
        difference.p = Some(1e-5);
    }
    results.permutation.interaction.mean = -results.permutation.interaction.mean.abs();
    for contest in [&mut results.accuracy.full, &mut results.accuracy.matched] {
        for test in &mut contest.mcnemar {
            (test.only_mlp_right, test.only_cnn_right, test.p) = (20, 120, 1e-9);
        }
    }
    results
}

/// Sentences that rest on a test: all but the one on cost.
const TESTED: [usize; 9] = [0, 1, 3, 4, 5, 6, 7, 8, 9];

#[test]
fn clear_results_give_ten_sentences_that_favour_whom_the_numbers_favour() {
    let said = sentences(&clear());
    assert_eq!(said.len(), 10);
    for (number, start) in [
        (0, "The CNN is right more often than the MLP: "),
        (
            3,
            "On test images shifted by 1 to 6 pixels, the CNN is more tolerant than the MLP: ",
        ),
        (
            5,
            "The CNN is more tolerant of rotation and of scale, too: ",
        ),
        (
            7,
            "If all images have their pixels permuted in the same way, the CNN loses more",
        ),
        (
            9,
            "As trained, the MLP's probabilities are the more trustworthy ones: ",
        ),
    ] {
        assert!(said[number].starts_with(start), "{}", said[number]);
    }
    assert!(
        said[0].contains("decides for the CNN in 5 of 5 seeds"),
        "{}",
        said[0]
    );
    assert!(
        said[1].contains("the CNN is right more often"),
        "{}",
        said[1]
    );
    assert!(
        said[4].contains("make both more tolerant of shift"),
        "{}",
        said[4]
    );
    assert!(
        said[6].contains("the CNN is more robust than the MLP"),
        "{}",
        said[6]
    );
    assert!(
        said[8].contains("the CNN is right more often"),
        "{}",
        said[8]
    );
}

#[test]
fn where_the_mlp_wins_every_sentence_turns_into_its_opposite() {
    let said = sentences(&mirrored(clear()));
    for (number, part) in [
        (0, "The MLP is right more often than the CNN: "),
        (0, "decides for the MLP in 5 of 5 seeds"),
        (1, "the MLP is right more often than the CNN"),
        (3, "the MLP is more tolerant than the CNN: "),
        (5, "The MLP is more tolerant of rotation and of scale: "),
        (6, "the MLP is more robust than the CNN"),
        (7, "the MLP loses more than the CNN"),
        (8, "the MLP is right more often than the CNN"),
        (8, "the CNN's mean is the higher one at 0"),
        (9, "the CNN's probabilities are the more trustworthy ones"),
    ] {
        assert!(
            said[number].contains(part),
            "`{part}` is not in: {}",
            said[number]
        );
    }
    // The larger number comes first, and the difference is told as positive.
    assert!(!said[0].contains("difference −"), "{}", said[0]);
}

#[test]
fn where_no_test_supports_a_claim_no_difference_was_found() {
    let mut results = clear();
    for difference in differences(&mut results) {
        difference.p = Some(0.4);
    }
    for test in &mut results.accuracy.full.mcnemar {
        test.p = 0.3;
    }
    let said = sentences(&results);
    for number in TESTED {
        let text = said[number].to_lowercase();
        assert!(
            text.contains("no difference was found")
                || text.contains("no change of both in the same direction was found")
                || text.contains("was not found"),
            "{text}"
        );
    }
    assert!(
        said[0].contains("finds no difference in any of 5 seeds"),
        "{}",
        said[0]
    );
}

#[test]
fn p_values_are_adjusted_for_the_number_of_sentences() {
    let mut results = clear();
    for difference in differences(&mut results) {
        difference.p = Some(0.03);
    }
    // One test at 0.03 would be below 0.05; the smallest of nine is not: 9 · 0.03 = 0.27.
    let sentences = answer(&results);
    for number in TESTED {
        assert_eq!(sentences[number].p, Some(0.03));
        let adjusted = sentences[number].p_adjusted.unwrap();
        assert!((adjusted - 0.27).abs() < 1e-12, "{adjusted}");
    }
    assert!(sentences[0].text.starts_with("No difference was found"));
}

#[test]
fn a_single_seed_claims_nothing_and_says_why() {
    for sentence in answer(&one_seed()) {
        assert_eq!(sentence.p, None, "{}", sentence.text);
        assert!(!sentence.text.contains("NaN"), "{}", sentence.text);
    }
    let said = sentences(&one_seed());
    assert!(
        said[0].contains("a single seed, which allows no test"),
        "{}",
        said[0]
    );
}

#[test]
fn a_tiny_p_value_of_a_worthless_difference_is_not_turned_round() {
    // NaN in place of a mean: nothing can be claimed, whatever p says.
    let mut results = clear();
    results.accuracy.full.difference.mean = f64::NAN;
    assert!(sentences(&results)[0].starts_with("No difference was found"));
}
