//! Numbers as people read them: typographic minus, thousands grouped, and a dash where there is
//! no number, so that `NaN` never reaches a page.

/// Stands where there is no number.
pub const NONE: &str = "–";

/// With so many decimals.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| matches!(c, '0' | '.')) => zero.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// With so many decimals and a sign unless it is zero.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    if value > 0.0 && text.contains(|c| matches!(c, '1'..='9')) {
        format!("+{text}")
    } else {
        text
    }
}

/// A fraction as `99.41 %`.
pub fn percent(fraction: f64, decimals: usize) -> String {
    match fixed(100.0 * fraction, decimals) {
        none if none == NONE => none,
        number => format!("{number} %"),
    }
}

/// A difference of two fractions in percentage points: `+0.82`.
pub fn points(difference: f64) -> String {
    signed(100.0 * difference, 2)
}

/// An interval of fractions: `99.28 to 99.53 %`.
pub fn percent_interval(interval: Option<[f64; 2]>, decimals: usize) -> String {
    between(interval, |end| fixed(100.0 * end, decimals), " %")
}

/// An interval of differences in percentage points: `+0.70 to +0.94`.
pub fn points_interval(interval: Option<[f64; 2]>) -> String {
    between(interval, points, "")
}

fn between(interval: Option<[f64; 2]>, end: impl Fn(f64) -> String, unit: &str) -> String {
    match interval {
        Some([low, high]) if low.is_finite() && high.is_finite() => {
            format!("{} to {}{unit}", end(low), end(high))
        }
        _ => NONE.to_owned(),
    }
}

/// Two digits that count: `p = 0.41`, `p = 0.00034`, at least `p < 10⁻⁶`; nothing for what is no
/// probability.
pub fn p_value(p: f64) -> Option<String> {
    match p {
        p if !(0.0..=1.0).contains(&p) => None,
        p if p < 1e-6 => Some("p < 10⁻⁶".to_owned()),
        p if p < 0.995 => Some(format!("p = {p:.0$}", (-p.log10()).ceil() as usize + 1)),
        _ => Some("p = 1".to_owned()),
    }
}

/// The same for a cell of a table.
pub fn p_cell(p: Option<f64>) -> String {
    let text = p.and_then(p_value).unwrap_or_else(|| NONE.to_owned());
    text.trim_start_matches("p = ").replace("p < ", "< ")
}

/// `407,050`.
pub fn count(value: impl TryInto<u64>) -> String {
    let grouped = |value: u64| {
        let digits = value.to_string();
        let groups = digits.as_bytes().rchunks(3).rev();
        let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
        groups.join(",")
    };
    value.try_into().map_or_else(|_| NONE.to_owned(), grouped)
}

/// A number with a typographic minus.
pub fn minus(number: &str) -> String {
    number.replace('-', "−")
}

/// A rate, rounded to three digits or so: `38,200`.
pub fn rate(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return NONE.to_owned();
    }
    if value < 100.0 {
        return fixed(value, 1);
    }
    let unit = 10_f64.powi(value.log10().floor() as i32 - 2);
    count(((value / unit).round() * unit) as u64)
}

/// `0.42 s`, `8.3 s`, `3 min 20 s`, `1 h 05 min`.
pub fn seconds(value: f64) -> String {
    match value {
        v if !v.is_finite() || v < 0.0 => NONE.to_owned(),
        v if v < 0.995 => format!("{v:.2} s"),
        v if v < 99.95 => format!("{v:.1} s"),
        v if v < 3599.5 => {
            let whole = v.round() as u64;
            format!("{} min {:02} s", whole / 60, whole % 60)
        }
        v => {
            let minutes = (v / 60.0).round() as u64;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// `26 kB`, `1.63 MB`.
pub fn bytes(value: u64) -> String {
    match value as f64 {
        v if v < 1e3 => format!("{v:.0} bytes"),
        v if v < 1e6 => format!("{:.0} kB", v / 1e3),
        v => format!("{:.2} MB", v / 1e6),
    }
}

/// `10`, `1k`, `2.5M`: for the ticks of an axis.
pub fn short(value: f64) -> String {
    let (scaled, letter) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = usize::from((scaled - scaled.round()).abs() > 1e-9);
    format!("{}{letter}", fixed(scaled, decimals))
}

/// The number as it was written: `0.5`, `−3`, `1`.
pub fn plain(value: f64) -> String {
    let number = Some(value).filter(|value| value.is_finite());
    number.map_or_else(|| NONE.to_owned(), |value| minus(&value.to_string()))
}

/// `1 seed`, `5 seeds`.
pub fn plural(number: usize, thing: &str) -> String {
    let ending = match (number, thing) {
        (1, _) => "",
        (_, thing) if thing.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {thing}{ending}", count(number))
}

/// `1, 2 and 5`.
pub fn listed<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    match items.as_slice() {
        [] => NONE.to_owned(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// With a capital letter at the front.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Lines of at most so many characters, broken between words; a longer word stays whole.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        let nothing = f64::NAN;
        for (found, expected) in [
            (fixed(-0.001, 2), "0.00"),
            (fixed(f64::NEG_INFINITY, 2), NONE),
            (signed(0.004, 2), "0.00"),
            (points(0.0082), "+0.82"),
            (points(nothing), NONE),
            (percent(0.99412, 2), "99.41 %"),
            (percent_interval(Some([0.9, 0.95]), 1), "90.0 to 95.0 %"),
            (percent_interval(Some([nothing, 1.0]), 2), NONE),
            (points_interval(Some([-0.001, 0.002])), "−0.10 to +0.20"),
            (points_interval(None), NONE),
            (plain(-0.5), "−0.5"),
            (plain(f64::INFINITY), NONE),
            (minus("1e-5"), "1e−5"),
            (count(407_050_usize), "407,050"),
            (count(0_u32), "0"),
            (count(-1), NONE),
            (rate(38_249.0), "38,200"),
            (rate(42.04), "42.0"),
            (rate(0.0), "0.0"),
            (rate(f64::INFINITY), NONE),
            (bytes(26_400), "26 kB"),
            (bytes(1_632_900), "1.63 MB"),
            (short(1e5), "100k"),
            (short(-2_500_000.0), "−2.5M"),
            (seconds(0.424), "0.42 s"),
            (seconds(8.26), "8.3 s"),
            (seconds(200.2), "3 min 20 s"),
            (seconds(3_900.0), "1 h 05 min"),
            (seconds(nothing), NONE),
            (plural(0, "seed"), "0 seeds"),
            (plural(3, "class"), "3 classes"),
            (listed(&[1, 2, 5]), "1, 2 and 5"),
            (listed::<u8>(&[]), NONE),
            (capitalized("shot noise"), "Shot noise"),
            (capitalized(""), ""),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn p_values_keep_two_digits_and_stop_at_a_millionth() {
        for (p, text, cell) in [
            (0.0, Some("p < 10⁻⁶"), "< 10⁻⁶"),
            (9.9e-7, Some("p < 10⁻⁶"), "< 10⁻⁶"),
            (3.4e-4, Some("p = 0.00034"), "0.00034"),
            (0.0124, Some("p = 0.012"), "0.012"),
            (0.4103, Some("p = 0.41"), "0.41"),
            (0.9999, Some("p = 1"), "1"),
            (1.0, Some("p = 1"), "1"),
            (f64::NAN, None, NONE),
            (1.5, None, NONE),
        ] {
            assert_eq!(p_value(p).as_deref(), text, "{p}");
            assert_eq!(p_cell(Some(p)), cell);
        }
        assert_eq!(p_cell(None), NONE);
    }

    #[test]
    fn lines_break_between_words_only() {
        assert_eq!(wrap("a bb  ccc dddddd", 4), ["a bb", "ccc", "dddddd"]);
        assert!(wrap(" \n", 4).is_empty());
    }
}
