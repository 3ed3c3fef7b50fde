use std::f64::consts::TAU;
use std::ops::Range;

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::choice::stream;
use crate::geometry::Affine;
use crate::images::ImageShape;

/// Keeps these random numbers apart from those of a split or an order with the same seed.
const DAMAGE: u64 = 0x4441_4D41_4745_0000;
/// Ink and paper.
const FULL: f64 = 255.0;
/// What an occluded place shows: neither paper nor ink, so that it hides rather than erases.
const GRAY: u8 = 128;

/// A damage to gray images in the manner of MNIST-C (Mu and Gilmer 2019), made anew: what a
/// camera, a scanner or a careless hand do to a digit that a person still reads.
///
/// It is random where that makes sense, and then a function of seed, kind and index alone:
/// severities of the same image differ in strength only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Corruption {
    /// Light arrives as single photons: Poisson noise that grows with the brightness.
    ShotNoise,
    /// Some pixels are paper or ink at random.
    ImpulseNoise,
    /// Out of focus.
    GaussianBlur,
    /// Slanted to the left or to the right.
    Shear,
    /// Paper and ink lighter alike, cut off at full ink.
    Brightness,
    /// A band across the image, upright or level, in which paper and ink change places.
    Stripe,
    /// A gray square somewhere about the middle.
    Occlusion,
    /// Shifted in a random direction.
    Translate,
}

impl Corruption {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::ShotNoise,
        Self::ImpulseNoise,
        Self::GaussianBlur,
        Self::Shear,
        Self::Brightness,
        Self::Stripe,
        Self::Occlusion,
        Self::Translate,
    ];

    /// The name in plain words, for example `shot noise`.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// What a severity means, for people: for example `σ = 0.5 px`.
    ///
    /// # Panics
    /// If the severity is not 1 (the mildest) to 5.
    pub fn setting(self, severity: usize) -> String {
        let (_, text, amounts) = self.facts();
        let amount = amounts[severity - 1];
        let percent = (100.0 * amount).round();
        let number = if text.contains('%') { percent } else { amount };
        text.replace('#', &number.to_string())
    }

    /// The name, the text of a setting, and the strengths: in its unit, or as a fraction where that
    /// is a percentage. Those of the noises and of brightness are from Hendrycks and
    /// Dietterich (2019), whom MNIST-C follows; the others are chosen so that most digits of 28×28
    /// stay readable.
    fn facts(self) -> (&'static str, &'static str, [f64; 5]) {
        let photons = "# photons at full ink";
        match self {
            Self::ShotNoise => ("shot noise", photons, [60.0, 25.0, 12.0, 5.0, 3.0]),
            Self::ImpulseNoise => (
                "impulse noise",
                "# % of the pixels",
                [0.03, 0.06, 0.09, 0.17, 0.27],
            ),
            Self::GaussianBlur => ("Gaussian blur", "σ = # px", [0.5, 0.8, 1.2, 1.6, 2.0]),
            Self::Shear => ("shear", "#°", [7.0, 14.0, 21.0, 28.0, 35.0]),
            Self::Brightness => ("brightness", "+# % of full ink", [0.1, 0.2, 0.3, 0.4, 0.5]),
            Self::Stripe => ("stripe", "# % of the side", [0.1, 0.2, 0.3, 0.4, 0.5]),
            Self::Occlusion => (
                "occlusion",
                "# % of each side",
                [0.15, 0.2, 0.25, 0.3, 0.35],
            ),
            Self::Translate => ("translate", "# px", [1.0, 2.0, 3.0, 4.5, 6.0]),
        }
    }

    /// A damaged copy of image number `index` of a set, whose `shape.pixels()` bytes, row by row,
    /// are `image`.
    ///
    /// # Panics
    /// If the severity is not 1 to 5, or the length does not fit the shape.
    pub fn apply(
        self,
        severity: usize,
        shape: ImageShape,
        image: &[u8],
        seed: u64,
        index: u64,
    ) -> Vec<u8> {
        assert_eq!(image.len(), shape.pixels(), "one byte a pixel");
        if image.is_empty() {
            return Vec::new();
        }
        let amount = self.facts().2[severity - 1];
        let random = &mut stream(seed ^ DAMAGE, (index << 8) | self as u64);
        match self {
            Self::ShotNoise => each(image, |pixel| {
                let photons = poisson(pixel * amount / FULL, uniform(random));
                photons * FULL / amount
            }),
            Self::ImpulseNoise => each(image, |pixel| {
                // Both drawn for every pixel, so that a higher severity only adds to a lower.
                let (hit, ink) = (uniform(random) < amount, uniform(random) < 0.5);
                match hit {
                    true => FULL * f64::from(ink),
                    false => pixel,
                }
            }),
            Self::GaussianBlur => blur(amount, shape, image).into_iter().map(byte).collect(),
            Self::Shear => {
                let sign = if uniform(random) < 0.5 { -1.0 } else { 1.0 };
                Affine::new(amount * sign, 0.0, 1.0, (0.0, 0.0)).warp(shape, image)
            }
            Self::Brightness => each(image, |pixel| pixel + amount * FULL),
            Self::Stripe => {
                let (upright, center) = (uniform(random) < 0.5, middle(random));
                let (mut rows, mut columns) = (0..shape.height, 0..shape.width);
                match upright {
                    true => columns = span(center, amount, shape.width),
                    false => rows = span(center, amount, shape.height),
                }
                within(rows, columns, shape, image, |pixel| 255 - pixel)
            }
            Self::Occlusion => {
                let rows = span(middle(random), amount, shape.height);
                let columns = span(middle(random), amount, shape.width);
                within(rows, columns, shape, image, |_| GRAY)
            }
            Self::Translate => {
                let (sin, cos) = (TAU * uniform(random)).sin_cos();
                Affine::new(0.0, 0.0, 1.0, (amount * cos, amount * sin)).warp(shape, image)
            }
        }
    }
}

/// Changes every pixel; results beyond paper and ink are cut off.
fn each(image: &[u8], mut change: impl FnMut(f64) -> f64) -> Vec<u8> {
    let changed = |&pixel: &u8| byte(change(f64::from(pixel)));
    image.iter().map(changed).collect()
}

fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, FULL) as u8
}

/// Changes the pixels of a rectangle.
fn within(
    rows: Range<usize>,
    columns: Range<usize>,
    shape: ImageShape,
    image: &[u8],
    change: impl Fn(u8) -> u8,
) -> Vec<u8> {
    let mut out = image.to_vec();
    for row in rows {
        for pixel in &mut out[row * shape.width..][columns.clone()] {
            *pixel = change(*pixel);
        }
    }
    out
}

/// `share` of a side of `side` pixels, at least one of them, about `center` (0 to 1) as far as
/// the ends allow. A larger share of the same center contains a smaller one.
fn span(center: f64, share: f64, side: usize) -> Range<usize> {
    let length = ((share * side as f64).round() as usize).clamp(1, side);
    let start = center * side as f64 - length as f64 / 2.0;
    // A negative start becomes 0.
    let start = ((start + 0.5).floor() as usize).min(side - length);
    start..start + length
}

/// Convolution with a Gaussian, one direction after the other. The image goes on beyond its ends
/// as in a mirror, so that ink is neither lost nor won.
fn blur(sigma: f64, shape: ImageShape, image: &[u8]) -> Vec<f64> {
    let reach = (4.0 * sigma).ceil() as i64;
    let weight = |offset: i64| (-0.5 * (offset as f64 / sigma).powi(2)).exp();
    let sum: f64 = (-reach..=reach).map(weight).sum();
    let kernel: Vec<(i64, f64)> = (-reach..=reach).map(|o| (o, weight(o) / sum)).collect();
    let ImageShape { height, width } = shape;
    let image: Vec<f64> = image.iter().map(|&pixel| f64::from(pixel)).collect();
    let blurred = |from: &[f64], level: bool| -> Vec<f64> {
        let pixel = |place| {
            let (row, column) = (place / width, place % width);
            let source = |offset| match level {
                true => row * width + mirrored(column as i64 + offset, width),
                false => mirrored(row as i64 + offset, height) * width + column,
            };
            let taps = kernel.iter();
            taps.map(|&(offset, weight)| weight * from[source(offset)])
                .sum()
        };
        (0..height * width).map(pixel).collect()
    };
    blurred(&blurred(&image, true), false)
}

/// … 2 1 0 | 0 1 2 … side−1 | side−1 … 1 0 | 0 …
fn mirrored(place: i64, side: usize) -> usize {
    let side = side as i64;
    let place = place.rem_euclid(2 * side);
    place.min(2 * side - 1 - place) as usize
}

/// From 0 to below 1.
fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
    random.random_range(0.0..1.0)
}

/// A place in the middle half of a side of length 1, where the digit is.
fn middle(random: &mut Xoshiro256PlusPlus) -> f64 {
    0.25 + 0.5 * uniform(random)
}

/// The Poisson variable of this mean, at most 60 here, at the quantile `u` (0 to below 1).
fn poisson(mean: f64, mut u: f64) -> f64 {
    let mut probability = (-mean).exp();
    let mut count = 0.0;
    // Stops as well where rounding leaves a little of `u` that no count is probable enough for.
    while u >= probability && probability > 0.0 {
        u -= probability;
        count += 1.0;
        probability *= mean / count;
    }
    count
}

#[cfg(test)]
mod tests;
