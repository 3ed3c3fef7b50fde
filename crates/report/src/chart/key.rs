use plotters::style::RGBColor;

/// What a line or mark stands for: its color and the form of its marker, the same in every chart
/// of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// Blue circles.
    First,
    /// Orange squares.
    Second,
    /// Diamonds in the color of the text, for what belongs to neither.
    #[default]
    Neutral,
}

impl Role {
    pub(super) fn color(self) -> RGBColor {
        match self {
            Self::First => RGBColor(0x0b, 0x5c, 0xad),
            Self::Second => RGBColor(0xb3, 0x47, 0x00),
            Self::Neutral => RGBColor(0x16, 0x19, 0x1d),
        }
    }
}

/// An entry of a legend.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// Color and marker.
    pub role: Role,
    /// The second variant of a role: dashed, open markers.
    pub hollow: bool,
    /// The words of the legend.
    pub name: String,
}

impl Key {
    /// The first variant of a role.
    pub fn new(role: impl Into<Role>, name: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            hollow: false,
            name: name.into(),
        }
    }
}

/// A measurement that was repeated: its values, their mean, and an interval around it.
#[derive(Debug, Clone, Copy)]
pub struct Estimate<'a> {
    /// The single values.
    pub values: &'a [f64],
    /// Their mean.
    pub mean: f64,
    /// Low and high end, if it can be known.
    pub interval: Option<[f64; 2]>,
}

impl Estimate<'_> {
    /// Every number that a plot has to hold.
    pub fn extent(&self) -> impl Iterator<Item = f64> {
        let ends = self.interval.into_iter().flatten();
        self.values.iter().copied().chain([self.mean]).chain(ends)
    }

    pub(super) fn interval_in_percent(&self) -> Option<[f64; 2]> {
        self.interval.map(|ends| ends.map(|end| 100.0 * end))
    }
}
