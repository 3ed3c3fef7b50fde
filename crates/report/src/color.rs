/// The colors of charts as a file names them, and the variables of a page that take their place
/// there, so that a chart follows the light or dark scheme.
pub const COLORS: [(&str, &str); 6] = [
    ("#16191D", "--ink"),
    ("#545B66", "--quiet"),
    ("#D7DBE1", "--line"),
    ("#FEFEFE", "--card"),
    ("#0B5CAD", "--first"),
    ("#B34700", "--second"),
];

/// What the colors of a heat map mean. Values are scaled to the largest absolute one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Negative values blue, 0 white, positive values orange.
    Signed,
    /// 0 is black, the largest value white, like light.
    Gray,
    /// 0 is white, the largest value black, like ink.
    Ink,
}

impl Palette {
    /// The color of a value, red, green and blue, where `largest` is the largest absolute value of
    /// all; what is not a number is gray.
    pub fn color(self, value: f64, largest: f64) -> [u8; 3] {
        if !value.is_finite() {
            return [136; 3];
        }
        let share = if largest > 0.0 {
            (value / largest).clamp(-1.0, 1.0)
        } else {
            0.0
        };
        let blend = |end: [f64; 3]| end.map(|e| (255.0 + (e - 255.0) * share.abs()).round() as u8);
        match (self, share < 0.0) {
            (Self::Signed, true) => blend([24.0, 95.0, 185.0]),
            (Self::Signed, false) => blend([213.0, 94.0, 0.0]),
            (Self::Gray, _) => [(255.0 * share.max(0.0)).round() as u8; 3],
            (Self::Ink, true) => [255; 3],
            (Self::Ink, false) => blend([20.0; 3]),
        }
    }
}

/// What can be read on a color.
pub fn readable_on([r, g, b]: [u8; 3]) -> [u8; 3] {
    let light = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    if light > 140.0 { [20; 3] } else { [250; 3] }
}

/// The largest absolute value of those that are numbers.
pub fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(0.0, |largest, value| largest.max(value.abs()))
}
