/// What colors mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// 0 is black, the largest value white.
    Gray,
    /// Negative values blue, 0 white, positive values orange.
    Signed,
}

/// The color of a value and a color that can be read on it; not-a-number is magenta.
pub(crate) fn color(value: f64, largest: f64, palette: Palette) -> ([u8; 3], [u8; 3]) {
    const DARK: [u8; 3] = [20, 20, 20];
    const LIGHT: [u8; 3] = [250, 250, 250];
    if !value.is_finite() {
        return ([255, 0, 255], DARK);
    }
    let share = if largest > 0.0 {
        (value / largest).clamp(-1.0, 1.0)
    } else {
        0.0
    };
    let rgb = match palette {
        Palette::Gray => {
            let level = (255.0 * share.max(0.0)).round() as u8;
            [level; 3]
        }
        Palette::Signed => {
            let end = if share < 0.0 {
                [24.0, 95.0, 185.0]
            } else {
                [213.0, 94.0, 0.0]
            };
            end.map(|e: f64| (255.0 + (e - 255.0) * share.abs()).round() as u8)
        }
    };
    let [r, g, b] = rgb.map(f64::from);
    let light = 0.299 * r + 0.587 * g + 0.114 * b;
    (rgb, if light > 140.0 { DARK } else { LIGHT })
}
