use proptest::prelude::*;

use super::*;
use crate::drawn;

fn severity(level: usize) -> Severity {
    Severity::new(level).unwrap()
}

/// A pattern without symmetry.
fn pattern(shape: ImageShape) -> Vec<u8> {
    (0..shape.pixels()).map(|i| (i * 89 % 256) as u8).collect()
}

fn flat(shape: ImageShape, value: u8) -> Vec<u8> {
    vec![value; shape.pixels()]
}

const LARGE: ImageShape = ImageShape {
    height: 200,
    width: 200,
};

fn moments(image: &[u8]) -> (f64, f64) {
    let count = image.len() as f64;
    let mean = image.iter().map(|&p| f64::from(p)).sum::<f64>() / count;
    let squares: f64 = image.iter().map(|&p| (f64::from(p) - mean).powi(2)).sum();
    (mean, squares / count)
}

#[test]
fn shot_noise_keeps_the_mean_and_has_the_variance_of_photons() {
    for (level, photons) in [(1, 60.0), (2, 25.0), (3, 12.0)] {
        let image = flat(LARGE, 51); // a fifth of full ink, far enough from the cut at full ink
        let out = Corruption::ShotNoise.apply(severity(level), LARGE, &image, 3, 0);
        let (mean, variance) = moments(&out);
        // k photons of mean λ show as k·255/photons: variance λ·(255/photons)².
        let expected = photons / 5.0 * (255.0_f64 / photons).powi(2);
        // 40,000 pixels: four standard errors of the mean, and 4 % (five of them) of the variance.
        assert!(
            (mean - 51.0).abs() < 4.0 * (expected / 4e4).sqrt(),
            "{mean}"
        );
        assert!(
            (variance / expected - 1.0).abs() < 0.04,
            "{variance} {expected}"
        );
    }
}

#[test]
fn no_photon_comes_from_paper() {
    let image = flat(LARGE, 0);
    let out = Corruption::ShotNoise.apply(severity(5), LARGE, &image, 3, 0);
    assert_eq!(out, image);
}

#[test]
fn photons_are_counted_by_their_distribution() {
    // Cumulative Poisson probabilities of mean 2: 0.1353, 0.4060, 0.6767, 0.8571, …
    for (u, count) in [
        (0.0, 0.0),
        (0.13, 0.0),
        (0.14, 1.0),
        (0.41, 2.0),
        (0.85, 3.0),
        (0.86, 4.0),
    ] {
        assert_eq!(poisson(2.0, u), count, "{u}");
    }
    assert!(poisson(60.0, 1.0 - f64::EPSILON / 2.0) < 1000.0);
}

#[test]
fn impulse_noise_hits_the_stated_share_half_with_ink_half_with_paper() {
    for (level, share) in [(1, 0.03), (5, 0.27)] {
        let out = Corruption::ImpulseNoise.apply(severity(level), LARGE, &flat(LARGE, 100), 3, 0);
        let fraction = |value: u8| out.iter().filter(|&&p| p == value).count() as f64 / 4e4;
        for value in [0, 255] {
            let error = fraction(value) - share / 2.0;
            assert!(
                error.abs() < 4.0 * (share / 2.0 / 4e4_f64).sqrt(),
                "{value}: {error}"
            );
        }
        assert!((fraction(0) + fraction(100) + fraction(255) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_blur_is_the_convolution_written_plainly() {
    let shape = ImageShape {
        height: 7,
        width: 5,
    };
    let image = pattern(shape);
    let sigma = 0.8_f64;
    // All pixels of the plane that tiles with mirrored copies, each with its two-dimensional weight.
    let mirror = |place: i64, side: i64| match place.rem_euclid(2 * side) {
        place if place < side => place,
        place => 2 * side - 1 - place,
    };
    let (mut expected, mut total) = (vec![0.0; 35], 0.0);
    for y in -4..=4_i64 {
        for x in -4..=4_i64 {
            let weight = (-((x * x + y * y) as f64) / (2.0 * sigma * sigma)).exp();
            total += weight;
            for row in 0..7_i64 {
                for column in 0..5_i64 {
                    let source = mirror(row + y, 7) * 5 + mirror(column + x, 5);
                    expected[(row * 5 + column) as usize] +=
                        weight * f64::from(image[source as usize]);
                }
            }
        }
    }
    let got = blur(sigma, shape, &image);
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected / total).abs() < 1e-10, "{got} {expected}");
    }
    let rounded: Vec<u8> = expected.iter().map(|e| (e / total).round() as u8).collect();
    let out = Corruption::GaussianBlur.apply(severity(2), shape, &image, 0, 0);
    assert_eq!(out, rounded);
}

#[test]
fn a_blur_spreads_as_wide_as_it_says() {
    let shape = ImageShape {
        height: 41,
        width: 41,
    };
    let mut image = flat(shape, 0);
    image[20 * 41 + 20] = 255;
    for sigma in [0.8, 1.2, 2.0] {
        let out = blur(sigma, shape, &image);
        let variance: f64 = (0..out.len())
            .map(|place| ((place % 41) as f64 - 20.0).powi(2) * out[place] / 255.0)
            .sum();
        // The kernel ends at 4 σ, and is sampled rather than integrated.
        assert!((variance.sqrt() - sigma).abs() < 0.01, "{variance}");
    }
}

#[test]
fn shear_moves_what_is_above_and_below_the_middle_in_opposite_directions() {
    let shape = ImageShape {
        height: 21,
        width: 21,
    };
    let dot = |row: usize, column: usize| {
        let mut image = flat(shape, 0);
        image[row * 21 + column] = 200;
        image
    };
    let sheared =
        |image: &[u8], index| Corruption::Shear.apply(severity(5), shape, image, 1, index);
    let mut directions = [false; 2];
    for index in 0..20 {
        assert_eq!(sheared(&dot(10, 10), index), dot(10, 10));
        // Ten rows below the middle, tan 35° = 0.7002: 7 columns to one side, 0.002 beyond.
        let out = sheared(&dot(20, 10), index);
        let place = out.iter().position(|&pixel| pixel > 190).unwrap();
        assert!(place == 20 * 21 + 17 || place == 20 * 21 + 3, "{place}");
        directions[usize::from(place == 20 * 21 + 17)] = true;
        let mirrored = sheared(&dot(0, 10), index);
        let above = mirrored.iter().position(|&pixel| pixel > 190).unwrap();
        assert_eq!(above, 440 - place);
    }
    assert_eq!(directions, [true, true], "both directions are drawn");
}

#[test]
fn translate_moves_a_dot_as_far_as_it_says() {
    let shape = ImageShape {
        height: 31,
        width: 31,
    };
    let mut image = flat(shape, 0);
    image[15 * 31 + 15] = 255;
    let mut quadrants = [0; 4];
    for index in 0..40 {
        for (level, pixels) in [(1, 1.0), (3, 3.0), (5, 6.0)] {
            let out = Corruption::Translate.apply(severity(level), shape, &image, 5, index);
            let mass: f64 = out.iter().map(|&p| f64::from(p)).sum();
            let center = |of: fn(usize) -> usize| -> f64 {
                let moment: f64 = (0..out.len())
                    .map(|place| of(place) as f64 * f64::from(out[place]))
                    .sum();
                moment / mass - 15.0
            };
            let (right, down) = (center(|place| place % 31), center(|place| place / 31));
            // Interpolation keeps the center of mass; bytes round it.
            assert!((right.hypot(down) - pixels).abs() < 0.02, "{right} {down}");
            quadrants[2 * usize::from(right > 0.0) + usize::from(down > 0.0)] += 1;
        }
    }
    assert!(quadrants.iter().all(|&count| count > 10), "{quadrants:?}");
}

#[test]
fn brightness_lifts_paper_and_ink_and_stops_at_full_ink() {
    let shape = ImageShape {
        height: 1,
        width: 3,
    };
    let out = Corruption::Brightness.apply(severity(2), shape, &[0, 100, 250], 0, 0);
    assert_eq!(out, [51, 151, 255]);
}

#[test]
fn a_stripe_inverts_a_band_of_the_stated_share_in_either_direction() {
    let mut directions = [false; 2];
    for index in 0..20 {
        let image = flat(LARGE, 10);
        let out = Corruption::Stripe.apply(severity(3), LARGE, &image, 0, index);
        assert_eq!(out.iter().filter(|&&p| p == 245).count(), 60 * 200);
        assert_eq!(out.iter().filter(|&&p| p == 10).count(), 140 * 200);
        // A level band fills its rows.
        let level = out.chunks(200).any(|row| row.iter().all(|&p| p == 245));
        directions[usize::from(level)] = true;
    }
    assert_eq!(directions, [true, true]);
}

#[test]
fn an_occlusion_is_one_grey_square_of_the_stated_side() {
    let image = flat(LARGE, 10);
    let out = Corruption::Occlusion.apply(severity(5), LARGE, &image, 0, 0);
    let rows: Vec<usize> = (0..200)
        .filter(|row| out[row * 200..][..200].contains(&GREY))
        .collect();
    assert_eq!(rows.len(), 70);
    for &row in &rows {
        let line = &out[row * 200..][..200];
        let first = line.iter().position(|&p| p == GREY).unwrap();
        assert_eq!(line[first..first + 70], [GREY; 70]);
        assert_eq!(line.iter().filter(|&&p| p == GREY).count(), 70);
    }
}

#[test]
fn damage_grows_with_severity_for_every_kind() {
    let digits = drawn::images(drawn::SEED, 0, 50).unwrap();
    for kind in Corruption::ALL {
        let change = |severity: Severity| -> u64 {
            (0..50)
                .map(|index| {
                    let image = digits.pixels(index);
                    let out = kind.apply(severity, digits.shape(), image, 1, index as u64);
                    let pairs = image.iter().zip(&out);
                    pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
                })
                .sum()
        };
        let changes = Severity::ALL.map(change);
        assert!(changes[0] > 0, "{kind:?} {changes:?}");
        assert!(
            changes.windows(2).all(|two| two[0] < two[1]),
            "{kind:?} {changes:?}"
        );
    }
}

#[test]
fn the_same_seed_and_index_give_the_same_pixels_and_others_give_others() {
    let image = pattern(ImageShape::MNIST);
    for kind in Corruption::ALL {
        let out = |seed, index| kind.apply(severity(4), ImageShape::MNIST, &image, seed, index);
        assert_eq!(out(7, 3), out(7, 3));
        let random = !matches!(kind, Corruption::GaussianBlur | Corruption::Brightness);
        assert_eq!(
            (1..8).any(|seed| out(seed, 3) != out(7, 3)),
            random,
            "{kind:?}"
        );
        assert_eq!(
            (0..8).any(|index| out(7, index) != out(7, 3)),
            random,
            "{kind:?}"
        );
    }
}

#[test]
fn the_pixels_of_a_seed_stay_as_they_are() {
    // Made by this code. A change here changes every result that was published with it.
    let image = pattern(ImageShape::MNIST);
    let sums = Corruption::ALL.map(|kind| {
        let out = kind.apply(severity(3), ImageShape::MNIST, &image, 4, 2);
        out.iter().fold(0_u32, |sum, &p| {
            sum.wrapping_mul(31).wrapping_add(u32::from(p))
        })
    });
    assert_eq!(
        sums,
        [
            1814519673, 289359468, 2293889064, 1074493830, 1598412393, 173900136, 345262758,
            809745724
        ]
    );
}

#[test]
fn a_severity_is_one_to_five() {
    for level in 1..=5 {
        assert_eq!(Severity::new(level).unwrap().level(), level);
    }
    assert!(Severity::ALL.into_iter().map(Severity::level).eq(1..=5));
    for level in [0, 6] {
        let message = Severity::new(level).unwrap_err().to_string();
        assert!(message.contains(&format!("severity {level}")), "{message}");
    }
}

#[test]
fn every_severity_says_what_it_does() {
    let settings =
        Corruption::ALL.map(|kind| format!("{}: {}", kind.name(), kind.setting(severity(4))));
    assert_eq!(
        settings,
        [
            "shot noise: 5 photons at full ink",
            "impulse noise: 17 % of the pixels",
            "Gaussian blur: σ = 1.6 px",
            "shear: 28°",
            "brightness: +40 % of full ink",
            "stripe: 40 % of the side",
            "occlusion: 30 % of each side",
            "translate: 4.5 px",
        ]
    );
}

proptest! {
    #[test]
    fn images_of_any_size_are_damaged_without_a_panic(
        height in 0_usize..12,
        width in 0_usize..12,
        level in 1_usize..=5,
        seed: u64,
        index: u64,
    ) {
        let shape = ImageShape { height, width };
        for kind in Corruption::ALL {
            let out = kind.apply(severity(level), shape, &pattern(shape), seed, index);
            prop_assert_eq!(out.len(), shape.pixels());
        }
    }

    #[test]
    fn a_blur_keeps_all_ink(height in 1_usize..12, width in 1_usize..12, sigma in 0.3..3.0_f64) {
        let shape = ImageShape { height, width };
        let image = pattern(shape);
        let before: f64 = image.iter().map(|&p| f64::from(p)).sum();
        let after: f64 = blur(sigma, shape, &image).iter().sum();
        prop_assert!((after - before).abs() < 1e-9 * (1.0 + before));
    }

    #[test]
    fn a_span_lies_on_its_side_and_in_every_larger_one(
        center in 0.0..=1.0_f64,
        side in 1_usize..100,
    ) {
        let mut inner = span(center, 0.0, side);
        for share in [0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 1.0] {
            let outer = span(center, share, side);
            prop_assert!(!outer.is_empty() && outer.end <= side);
            prop_assert!(outer.start <= inner.start && inner.end <= outer.end);
            inner = outer;
        }
        prop_assert_eq!(inner, 0..side);
    }
}
