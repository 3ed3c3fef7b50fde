//! Expected numbers come from SciPy 1.17.1 and statsmodels 0.15.0, printed by
//! `scripts/statistics_reference.py`; the call that gave each stands beside it.

use proptest::prelude::*;

use crate::stats::*;

/// Test accuracies such as five seeds give.
const MLP: [f64; 5] = [0.9812, 0.9807, 0.9821, 0.9799, 0.9815];
const CNN: [f64; 5] = [0.9931, 0.9924, 0.9938, 0.9929, 0.9935];
const NOISE: [f64; 6] = [0.3, -0.1, 0.2, -0.4, 0.15, 0.05];

/// Tolerance of what a formula gives directly, relative.
const TIGHT: f64 = 1e-12;
/// Of statrs' Student distribution, relative.
const STUDENT: f64 = 1e-10;
/// Of statrs' incomplete beta function for tens of thousands of images, relative.
const BETA: f64 = 1e-9;

#[track_caller]
fn close(got: f64, expected: f64, relative: f64) {
    // Written so that NaN fails.
    let near = (got - expected).abs() <= relative * expected.abs();
    assert!(near, "{got:e} instead of {expected:e}");
}

#[test]
fn samples_and_paired_tests_are_scipys() {
    let (mlp, two) = (sample(MLP.to_vec()), sample(vec![0.98, 0.99]));
    close(mlp.mean, 9.8108e-1, TIGHT); // numpy.mean
    close(mlp.std.unwrap(), 8.318653737234127e-4, TIGHT); // numpy.std(ddof=1)
    close(two.std.unwrap(), 7.071067811865481e-3, TIGHT); // numpy.std(ddof=1)
    let gain = paired(&MLP, &CNN);
    close(gain.mean, 1.206e-2, TIGHT); // numpy.mean(CNN - MLP)
    let loss = paired(&CNN, &MLP);
    assert_eq!((loss.mean, loss.p), (-gain.mean, gain.p));
    // stats.t.interval(0.95, n - 1, mean, sem) and stats.ttest_1samp(values, 0)
    let intervals = [
        [9.800471027140953e-1, 9.821128972859048e-1],
        [9.214689763191265e-1, 1.048531023680874],
        [1.138789380382296e-2, 1.273210619617705e-2],
        [-2.314629380378372e-1, 2.981296047045039e-1],
    ];
    let p = [
        1.24052443944074e-13,
        3.231544692783913e-3,
        9.713855096157476e-7, // stats.ttest_rel(CNN, MLP)
        7.59343207410976e-1,
    ];
    let all = [&MLP[..], &[0.98, 0.99], &gain.values, &NOISE];
    for ((values, expected), p) in all.into_iter().zip(intervals).zip(p) {
        let tested = difference(values.to_vec());
        close(tested.p.unwrap(), p, STUDENT);
        for (got, expected) in tested.interval.unwrap().into_iter().zip(expected) {
            close(got, expected, STUDENT);
        }
        assert_eq!(tested.interval, sample(values.to_vec()).interval);
    }
}

#[test]
fn few_equal_and_odd_values_are_described_as_far_as_they_can_be() {
    assert!(sample(vec![]).mean.is_nan());
    for odd in [
        vec![],
        vec![0.98],
        vec![0.5, f64::NAN],
        vec![0.5, f64::INFINITY],
    ] {
        let described = sample(odd.clone());
        assert_eq!((described.std, described.interval), (None, None), "{odd:?}");
        let tested = difference(odd.clone());
        assert_eq!((tested.interval, tested.p), (None, None), "{odd:?}");
    }
    // 0.1 + 0.1 + 0.1 is not 0.3 in binary. Equal differences leave nothing to chance.
    for (value, p) in [(0.1, 0.0), (0.0, 1.0), (-0.1, 0.0)] {
        let same = sample(vec![value; 3]);
        assert_eq!((same.mean, same.std), (value, Some(0.0)));
        let same = difference(vec![value; 3]);
        assert_eq!((same.interval, same.p), (Some([value; 2]), Some(p)));
    }
}

#[test]
fn the_exact_binomial_test_is_right_for_few_and_for_many() {
    for (b, c, expected) in [
        (3, 9, 1.4599609375e-1),                 // stats.binomtest(3, 12)
        (7, 7, 1.0),                             // stats.binomtest(7, 14)
        (57, 121, 1.829401635461058e-6),         // in fractions
        (0, 30, 1.862645149230957e-9),           // stats.binomtest(0, 30)
        (24_900, 25_100, 3.734901856394253e-1),  // in fractions
        (29_000, 31_000, 3.305411277972619e-16), // in fractions
        (10_000, 11_000, 5.385393269677775e-12), // in fractions
    ] {
        close(exact_binomial_two_sided(b, c), expected, BETA);
    }
    assert_eq!(exact_binomial_two_sided(0, 0), 1.0);
    // Far below what an f64 holds.
    assert_eq!(exact_binomial_two_sided(1_000, 59_000), 0.0);
    assert!((0.0..=1.0).contains(&exact_binomial_two_sided(usize::MAX, usize::MAX)));
}

#[test]
fn mcnemar_counts_each_kind_of_image_and_tests_those_in_dispute() {
    let counts = [
        ((true, true), 9_700),
        ((true, false), 57),
        ((false, true), 121),
        ((false, false), 122),
    ];
    let answers = counts
        .iter()
        .flat_map(|&(answers, count)| vec![answers; count]);
    let (mlp, cnn): (Vec<bool>, Vec<bool>) = answers.unzip();
    let test = mcnemar(7, &mlp, &cnn);
    assert_eq!(
        (test.seed, test.both_right, test.both_wrong),
        (7, 9_700, 122)
    );
    assert_eq!((test.only_mlp_right, test.only_cnn_right), (57, 121));
    // statsmodels mcnemar([[9700, 57], [121, 122]], exact=True)
    close(test.p, 1.829401635461065e-6, BETA);
    assert_eq!(mcnemar(0, &[], &[]).p, 1.0);
}

#[test]
fn holm_adjusts_as_statsmodels_does_and_does_not_count_what_was_not_tested() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, 0.5, 0.02]);
    // multipletests(p, method='holm')
    for (got, expected) in adjusted.iter().zip([0.05, 0.09, 0.09, 0.03, 0.5, 0.08]) {
        close(*got, expected, TIGHT);
    }
    assert!(holm(&[]).is_empty());
    let adjusted = holm(&[f64::NAN, 0.01, 0.02]);
    assert!(adjusted[0].is_nan());
    assert_eq!(adjusted[1..], [0.02, 0.02]);
}

#[test]
fn calibration_is_what_scipys_binned_statistic_gives() {
    // As in `scripts/statistics_reference.py`.
    let answers: Vec<(f64, bool)> = (0..60)
        .map(|i| ((f64::from(i * 37 % 101) + 0.5) / 102.0, i % 7 < 4))
        .collect();
    let diagram = reliability(&answers, 15);
    // stats.binned_statistic(confidence, confidence, "mean", 15, (0, 1)) and of `right`, [3]
    assert_eq!(diagram[3].count, 5);
    close(diagram[3].confidence, 2.323529411764706e-1, TIGHT);
    close(diagram[3].accuracy, 0.6, TIGHT);
    // nansum(count / count.sum() * abs(accuracy - mean))
    let error = expected_calibration_error(&diagram);
    close(error, 2.758169934640523e-1, TIGHT);
    assert!(reliability(&answers, 0).is_empty());
    assert_eq!(expected_calibration_error(&reliability(&[], 15)), 0.0);
}

#[test]
fn an_end_belongs_to_the_interval_below_it_and_what_lies_outside_to_the_nearest() {
    let place = |confidence: f64, bins: usize| {
        let diagram = reliability(&[(confidence, true)], bins);
        diagram.iter().position(|bin| bin.count == 1)
    };
    let at = [0.5, 0.5 + f64::EPSILON, 0.0, 1.0, -0.5, 1.5, f64::NAN];
    let bins = [1, 2, 0, 3, 0, 3].map(Some).into_iter().chain([None]);
    for (confidence, bin) in at.into_iter().zip(bins) {
        assert_eq!(place(confidence, 4), bin, "{confidence}");
    }
    for number in 1..=15 {
        assert_eq!(place(number as f64 / 15.0, 15), Some(number - 1));
    }
}

/// As in `scripts/statistics_reference.py`: 40 rows of 3 logits, right in about two of three.
fn logits() -> (Vec<f64>, Vec<u8>) {
    let logits: Vec<f64> = (0..40)
        .flat_map(|i| (0..3).map(move |j| f64::from((i * 37 + j * 61) % 41 - 20) / 4.0))
        .collect();
    let labels = logits
        .chunks_exact(3)
        .enumerate()
        .map(|(i, row)| match i % 3 {
            0 => (i / 3 % 3) as u8,
            _ => top(row, 1.0).0,
        })
        .collect();
    (logits, labels)
}

#[test]
fn cross_entropy_and_temperature_are_scipys() {
    let (logits, labels) = logits();
    // -special.log_softmax(rows / t, axis=1)[range(40), labels].mean()
    let loss = |temperature| mean_cross_entropy(&logits, &labels, 3, temperature);
    close(loss(1.0), 1.589020814433047, TIGHT);
    close(loss(2.5), 9.833690496182113e-1, TIGHT);
    let best = temperature(&logits, &labels, 3);
    // 1 / optimize.brentq(slope, 0.05, 20); statsmodels' ConditionalLogit agrees to 2e-7.
    close(best, 4.038274981456518, TIGHT);
    // optimize.minimize_scalar(loss, bounds=(0.05, 20))
    close(loss(best), 9.373393409823052e-1, TIGHT);
}

#[test]
fn a_temperature_that_the_set_does_not_fix_is_one_or_a_bound() {
    let cases: [(&[f64], &[u8], f64); 6] = [
        (&[], &[], 1.0),
        (&[0.5; 4], &[0, 1], 1.0),
        (&[1.0, f64::NAN], &[0], 1.0),
        (&[1.0, f64::INFINITY], &[0], 1.0),
        (&[2.0, 1.0], &[0], 0.05), // never wrong
        (&[2.0, 1.0], &[1], 20.0), // never right
    ];
    for (logits, labels, expected) in cases {
        assert_eq!(temperature(logits, labels, 2), expected, "{logits:?}");
    }
}

#[test]
fn the_answer_is_the_first_largest_logit_and_its_softmax() {
    let row = [1.0, 3.5, -2.0, 3.0];
    let (label, probability) = top(&row, 1.0);
    assert_eq!(label, 1);
    close(probability, 5.907712911671815e-1, TIGHT); // special.softmax(row)[1]
    close(top(&row, 2.0).1, 4.696525898378683e-1, TIGHT); // special.softmax(row / 2)[1]
    let equals = top(&[0.0, 4.0, 4.0, 4.0, f64::NEG_INFINITY], 1.0);
    assert_eq!(equals, (1, 1.0 / (3.0 + (-4.0_f64).exp())));
    // Logits of any size neither overflow nor become NaN.
    let large = [1e6, -1e6, 0.0, -1e6, 1e6, 0.0];
    assert_eq!(mean_cross_entropy(&large, &[0, 1], 3, 1.0), 0.0);
    assert_eq!(mean_cross_entropy(&large, &[1, 1], 3, 1.0), 1e6);
    assert_eq!(top(&large[..3], 1.0), (0, 1.0));
    assert!(mean_cross_entropy(&[], &[], 3, 1.0).is_nan());
    for odd in [&[][..], &[f64::NAN, 1.0]] {
        let (label, probability) = top(odd, 1.0);
        assert!(label == 0 && probability.is_nan(), "{odd:?}");
    }
}

proptest! {
    #[test]
    fn any_numbers_give_an_interval_about_the_mean_and_a_probability(
        values in proptest::collection::vec(any::<f64>(), 0..12),
        small in proptest::collection::vec(-1.0..1.0_f64, 2..12),
    ) {
        for values in [values, small] {
            let described = sample(values.clone());
            let tested = difference(values.clone());
            prop_assert_eq!(tested.interval, described.interval);
            if let Some([low, high]) = described.interval {
                prop_assert!(low <= described.mean && described.mean <= high);
            }
            if let Some(p) = tested.p {
                prop_assert!((0.0..=1.0).contains(&p));
                let turned = difference(values.iter().map(|value| -value).collect());
                prop_assert_eq!(turned.p, Some(p));
            }
            // The interval excludes 0 exactly where the test rejects at 5 %.
            if let (Some([low, high]), Some(p)) = (tested.interval, tested.p)
                && (p - 0.05).abs() > 1e-9
            {
                prop_assert_eq!(low > 0.0 || high < 0.0, p < 0.05);
            }
        }
    }

    #[test]
    fn the_binomial_p_is_symmetric_and_falls_with_the_imbalance(
        b in 0_usize..30_000,
        c in 0_usize..30_000,
    ) {
        let p = exact_binomial_two_sided(b, c);
        prop_assert!((0.0..=1.0).contains(&p));
        prop_assert_eq!(p, exact_binomial_two_sided(c, b));
        if let (Some(fewer), true) = (b.min(c).checked_sub(1), b != c) {
            let wider = exact_binomial_two_sided(fewer, b.max(c) + 1);
            prop_assert!(wider <= p, "{wider:e} {p:e}");
        }
    }

    #[test]
    fn holm_raises_every_p_at_most_to_bonferronis_and_keeps_the_order(
        p in proptest::collection::vec(0.0..=1.0_f64, 1..20),
    ) {
        let adjusted = holm(&p);
        for (&raw, &new) in p.iter().zip(&adjusted) {
            prop_assert!(raw <= new && new <= (raw * p.len() as f64).min(1.0));
            for (&other, &new_other) in p.iter().zip(&adjusted) {
                prop_assert!(raw > other || new <= new_other);
            }
        }
    }

    #[test]
    fn a_reliability_diagram_counts_every_answer_once_and_where_it_belongs(
        answers in proptest::collection::vec((0.0..=1.0_f64, any::<bool>()), 0..200),
        bins in 1_usize..40,
    ) {
        let diagram = reliability(&answers, bins);
        prop_assert_eq!(diagram.len(), bins);
        prop_assert_eq!(diagram.iter().map(|bin| bin.count).sum::<usize>(), answers.len());
        for bin in diagram.iter().filter(|bin| bin.count > 0) {
            prop_assert!(bin.low <= bin.confidence + 1e-12 && bin.confidence <= bin.high + 1e-12);
        }
        prop_assert!((0.0..=1.0).contains(&expected_calibration_error(&diagram)));
    }

    #[test]
    fn no_temperature_nearby_has_less_loss_and_the_answer_is_the_largest_logit(
        logits in proptest::collection::vec(-5.0..5.0_f64, 60),
        labels in proptest::collection::vec(0_u8..3, 20),
    ) {
        let best = temperature(&logits, &labels, 3);
        let loss = |temperature| mean_cross_entropy(&logits, &labels, 3, temperature);
        for factor in [0.5, 0.9, 0.99, 1.01, 1.1, 2.0] {
            let other = (best * factor).clamp(0.05, 20.0);
            prop_assert!(loss(best) <= loss(other) + 1e-12, "{best} {other}");
        }
        for row in logits.chunks_exact(3) {
            let (label, probability) = top(row, best);
            prop_assert!(row.iter().all(|&z| z <= row[usize::from(label)]));
            prop_assert!((1.0 / 3.0 - 1e-12..=1.0).contains(&probability));
        }
    }
}
