use proptest::prelude::*;

use super::*;
use crate::drawn;
use crate::images::center_of_mass;

const SIDE: usize = 200;

/// A pattern without symmetry.
fn pattern(shape: ImageShape) -> Vec<u8> {
    (0..shape.pixels()).map(|i| (i * 89 % 256) as u8).collect()
}

/// What a kind makes of a square of `SIDE` equal pixels.
fn of_flat(kind: Corruption, level: usize, value: u8, index: u64) -> Vec<u8> {
    let shape = ImageShape::new(SIDE, SIDE);
    kind.apply(level, shape, &[value; SIDE * SIDE], 3, index)
}

fn count(pixels: &[u8], value: u8) -> usize {
    pixels.iter().filter(|&&pixel| pixel == value).count()
}

/// Where a kind takes a dot of ink in the middle column of 31×31 pixels: the center of mass to
/// the right of and below the middle.
fn of_dot(kind: Corruption, level: usize, row: usize, index: u64) -> (f64, f64) {
    let mut image = vec![0; 31 * 31];
    image[row * 31 + 15] = 255;
    let out = kind.apply(level, ImageShape::new(31, 31), &image, 1, index);
    let (x, y) = center_of_mass(out.into_iter().map(f64::from), 31);
    (x - 15.0, y - 15.0)
}

#[test]
fn noises_have_the_distribution_that_they_state() {
    // 40,000 pixels: within four standard errors of a mean or share, and 4 % of a variance.
    for (level, photons) in [(1, 60.0), (2, 25.0), (3, 12.0)] {
        let out = of_flat(Corruption::ShotNoise, level, 51, 0); // a fifth of full ink
        let mean = out.iter().map(|&p| f64::from(p)).sum::<f64>() / 4e4;
        let squares: f64 = out.iter().map(|&p| (f64::from(p) - mean).powi(2)).sum();
        // k photons of mean λ show as k·255/photons: variance λ·(255/photons)².
        let expected = photons / 5.0 * (255.0_f64 / photons).powi(2);
        let error = 4.0 * (expected / 4e4).sqrt();
        assert!((mean - 51.0).abs() < error, "{mean}");
        assert!((squares / 4e4 / expected - 1.0).abs() < 0.04, "{squares}");
    }
    let paper = of_flat(Corruption::ShotNoise, 5, 0, 0);
    assert_eq!(paper, [0; SIDE * SIDE], "no photon comes from paper");
    for (level, share) in [(1, 0.03), (5, 0.27)] {
        let out = of_flat(Corruption::ImpulseNoise, level, 100, 0);
        let counts = [0, 255, 100].map(|value| count(&out, value) as f64);
        let expected = share / 2.0 * 4e4_f64;
        let off = (counts[0] - expected)
            .abs()
            .max((counts[1] - expected).abs());
        assert!(off < 4.0 * expected.sqrt(), "{counts:?}");
        assert_eq!(counts.iter().sum::<f64>(), 4e4);
    }
    // Cumulative Poisson probabilities of mean 2: 0.1353, 0.4060, 0.6767, 0.8571, …
    let counts = [0.0, 0.13, 0.14, 0.41, 0.86].map(|u| poisson(2.0, u));
    assert_eq!(counts, [0.0, 0.0, 1.0, 2.0, 4.0]);
    assert!(poisson(60.0, 1.0 - f64::EPSILON / 2.0) < 1000.0);
}

#[test]
fn a_blur_spreads_a_dot_by_the_gaussian_and_a_mirrored_one_at_the_ends() {
    let sigma = 0.8_f64;
    let gaussian = |x: i32| (-f64::from(x * x) / (2.0 * sigma * sigma)).exp();
    let weights: Vec<f64> = (0..9)
        .map(|x| if x > 4 { 0.0 } else { gaussian(x) })
        .collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    // A dot in the middle of the left side: beyond it, another in the column −1.
    let shape = ImageShape::new(9, 9);
    let mut image = [0; 81];
    image[4 * 9] = 255;
    let blurred = blur(sigma, shape, &image);
    let out = Corruption::GaussianBlur.apply(2, shape, &image, 0, 0);
    for (place, (got, pixel)) in blurred.into_iter().zip(out).enumerate() {
        let (row, column) = (place / 9, place % 9);
        let level = weights[column] + weights.get(column + 1).unwrap_or(&0.0);
        let expected = 255.0 * level * weights[row.abs_diff(4)] / (total * total);
        assert!((got - expected).abs() < 1e-10, "{got} {expected}");
        assert_eq!(f64::from(pixel), got.round());
    }
}

#[test]
fn moved_ink_goes_as_far_as_it_says_in_every_direction() {
    let (mut slants, mut quadrants) = ([0; 2], [0; 4]);
    for index in 0..40 {
        // Ten rows from the middle, tan 35° = 0.7002: 7 columns, to opposite sides.
        let [above, middle, below] =
            [5, 15, 25].map(|row| of_dot(Corruption::Shear, 5, row, index).0);
        assert!((below.abs() - 7.0).abs() < 0.01, "{below}");
        assert!(middle == 0.0 && (above + below).abs() < 0.02, "{above}");
        slants[usize::from(below > 0.0)] += 1;
        for (level, pixels) in [(1, 1.0), (3, 3.0), (5, 6.0)] {
            // Interpolation keeps the center of mass; bytes round it.
            let (right, down) = of_dot(Corruption::Translate, level, 15, index);
            assert!((right.hypot(down) - pixels).abs() < 0.02, "{right} {down}");
            quadrants[2 * usize::from(right > 0.0) + usize::from(down > 0.0)] += 1;
        }
    }
    assert!(slants.iter().all(|&count| count > 8), "{slants:?}");
    assert!(quadrants.iter().all(|&count| count > 10), "{quadrants:?}");
}

#[test]
fn brightness_stripe_and_occlusion_cover_what_they_state() {
    let out = Corruption::Brightness.apply(2, ImageShape::new(1, 3), &[0, 100, 250], 0, 0);
    assert_eq!(out, [51, 151, 255]);
    let mut levels = 0;
    for index in 0..20 {
        let lines = |out: &[u8], value: u8, number: usize| {
            let full = |line: &&[u8]| count(line, value) == number;
            out.chunks(SIDE).filter(full).count()
        };
        let stripe = of_flat(Corruption::Stripe, 3, 10, index);
        let counts = [245, 10].map(|value| count(&stripe, value));
        assert_eq!(counts, [60 * SIDE, 140 * SIDE]);
        // A level band fills its rows, an upright one its part of all rows.
        let level = lines(&stripe, 245, SIDE) == 60;
        assert!(level || lines(&stripe, 245, 60) == SIDE);
        levels += usize::from(level);
        let occluded = of_flat(Corruption::Occlusion, 5, 10, index);
        let counts = (lines(&occluded, GRAY, 70), count(&occluded, GRAY));
        assert_eq!(counts, (70, 70 * 70));
        let edges = occluded.windows(2).filter(|two| two[0] != two[1]).count();
        assert!(edges <= 2 * 70, "one run in each row");
    }
    assert!((3..17).contains(&levels), "{levels} of 20 are level");
}

#[test]
fn every_kind_says_what_it_does_does_the_same_every_time_and_grows_with_severity() {
    let digits = drawn::images(drawn::SEED, 0, 50).unwrap();
    let image = pattern(ImageShape::MNIST);
    let lines = Corruption::ALL.map(|kind| {
        let changes = [1, 2, 3, 4, 5].map(|severity| {
            let change = |index: usize| -> u64 {
                let image = digits.pixels(index);
                let out = kind.apply(severity, digits.shape(), image, 1, index as u64);
                let pairs = image.iter().zip(&out);
                pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
            };
            (0..50).map(change).sum::<u64>()
        });
        assert!(changes[0] > 0, "{kind:?} {changes:?}");
        assert!(changes.is_sorted_by(|a, b| a < b), "{kind:?} {changes:?}");
        let out = |seed, index| kind.apply(3, ImageShape::MNIST, &image, seed, index);
        let of_seed = (1..8).any(|seed| out(seed, 3) != out(7, 3));
        let of_index = (0..8).any(|index| out(7, index) != out(7, 3));
        let random = !matches!(kind, Corruption::GaussianBlur | Corruption::Brightness);
        assert_eq!((of_seed, of_index), (random, random), "{kind:?}");
        let sum = out(4, 2).into_iter().fold(0_u32, |sum, pixel| {
            sum.wrapping_mul(31).wrapping_add(u32::from(pixel))
        });
        format!("{}: {}; {sum}\n", kind.name(), kind.setting(4))
    });
    // The sums over the pixels were made by this code: a change changes published results.
    let expected = "\
shot noise: 5 photons at full ink; 1814519673
impulse noise: 17 % of the pixels; 289359468
Gaussian blur: σ = 1.6 px; 2293889064
shear: 28°; 1074493830
brightness: +40 % of full ink; 1598412393
stripe: 40 % of the side; 173900136
occlusion: 30 % of each side; 345262758
translate: 4.5 px; 809745724
";
    assert_eq!(lines.concat(), expected);
}

proptest! {
    #[test]
    fn images_of_any_size_are_damaged_a_blur_keeps_all_ink_and_spans_grow_within_their_side(
        height in 0_usize..20,
        width in 0_usize..20,
        center in 0.0..=1.0_f64,
        level in 1_usize..=5,
        seed: u64,
        index: u64,
    ) {
        let shape = ImageShape::new(height, width);
        let image = pattern(shape);
        for kind in Corruption::ALL {
            let out = kind.apply(level, shape, &image, seed, index);
            prop_assert_eq!(out.len(), shape.pixels());
        }
        if !image.is_empty() {
            let before: f64 = image.iter().map(|&p| f64::from(p)).sum();
            let after: f64 = blur(0.6 * level as f64, shape, &image).iter().sum();
            prop_assert!((after - before).abs() < 1e-9 * (1.0 + before));
            let spans = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 1.0].map(|share| span(center, share, width));
            let within = |a: &Range<usize>, b: &Range<usize>| b.start <= a.start && a.end <= b.end;
            prop_assert!(!spans[0].is_empty() && spans.is_sorted_by(within), "{spans:?}");
            prop_assert_eq!(&spans[7], &(0..width));
        }
    }
}
