//! How far a picture may be disturbed before each network gives up.

use digits_data::Perturbation;
use digits_train::probabilities;
use serde::Serialize;

use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::picture::{best, perturbation, views};
use crate::query::Query;

/// Places of a slider that are tried.
const PLACES: usize = 25;
/// Name of a slider, its ends, and what it moves.
type Slider = (&'static str, f64, f64, fn(&mut Perturbation) -> &mut f64);
const SLIDERS: [Slider; 5] = [
    ("right", -12.0, 12.0, |p| &mut p.right),
    ("down", -12.0, 12.0, |p| &mut p.down),
    ("rotation", -180.0, 180.0, |p| &mut p.rotation),
    ("scale", 0.4, 1.6, |p| &mut p.scale),
    ("noise", 0.0, 1.2, |p| &mut p.noise),
];

#[derive(Default, Serialize)]
struct Limits {
    by: &'static str,
    /// The places of the slider that were tried, smallest first.
    values: Vec<f64>,
    /// Per network: the answer that the undisturbed picture gets, or the true digit where it is
    /// known.
    references: Vec<usize>,
    /// Per network: the answer at every place.
    labels: Vec<Vec<usize>>,
    /// Per network: whether that answer is its reference.
    holds: Vec<Vec<bool>>,
    /// Per network: how far around the slider's present place it is.
    reaches: Vec<Reach>,
}

/// The unbroken stretch around a place of the slider where a network does not give up.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Reach {
    /// Whether it holds at this place.
    holds: bool,
    /// Where the stretch begins; `None` for the slider's end.
    from: Option<f64>,
    /// Where it ends.
    to: Option<f64>,
}

impl Reach {
    fn around(here: f64, values: &[f64], holds: &[bool]) -> Self {
        let distance = |at: &usize| (values[*at] - here).abs();
        let nearest = (0..values.len())
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .unwrap_or(0);
        if !holds.get(nearest).copied().unwrap_or(false) {
            return Self::default();
        }
        let before = holds[..nearest].iter().rposition(|held| !held);
        let after = holds[nearest..].iter().position(|held| !held);
        Self {
            holds: true,
            from: before.map(|at| values[at + 1]),
            to: after.map(|steps| values[nearest + steps - 1]),
        }
    }
}

/// Every slider from end to end, the others where they are: where does each network give up?
pub(crate) fn limits(app: &App, query: &Query, body: &[u8]) -> Result<Answer, ApiError> {
    let here = perturbation(query)?;
    let truth = match query.get("truth") {
        None | Some("") => None,
        Some(_) => Some(query.value("truth", 0_usize)?),
    };
    let mut sliders = SLIDERS.map(|(by, low, high, _)| {
        let step = |place| low + (high - low) * place as f64 / (PLACES - 1) as f64;
        Limits {
            by,
            values: (0..PLACES).map(step).collect(),
            ..Limits::default()
        }
    });
    for view in views(app, query, body)? {
        let Some(pixels) = view.pixels else {
            return Answer::json(&Vec::<Limits>::new());
        };
        let mut images = vec![pixels.clone()];
        for (slider, (.., place)) in sliders.iter().zip(SLIDERS) {
            for &value in &slider.values {
                let mut one = here;
                *place(&mut one) = value;
                images.push(one.apply(view.shape, &pixels));
            }
        }
        let all = probabilities(&view.network.run, &images, &app.device)?;
        let wanted = truth.unwrap_or_else(|| best(&all[0]));
        let sliders = sliders.iter_mut().zip(SLIDERS);
        for ((slider, (.., place)), answers) in sliders.zip(all[1..].chunks(PLACES)) {
            let labels: Vec<usize> = answers.iter().map(|p| best(p)).collect();
            let holds: Vec<bool> = labels.iter().map(|&label| label == wanted).collect();
            let here = *place(&mut here.clone());
            let reach = Reach::around(here, &slider.values, &holds);
            slider.reaches.push(reach);
            slider.references.push(wanted);
            slider.labels.push(labels);
            slider.holds.push(holds);
        }
    }
    Answer::json(&sliders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_is_the_unbroken_stretch_around_the_slider() {
        let values = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let (yes, no) = (true, false);
        let gap = [yes, yes, no, yes, yes];
        for (here, held, holds, from, to) in [
            (0.2, [yes; 5], yes, None, None),
            (0.0, [yes, no, yes, yes, no], yes, Some(0.0), Some(1.0)),
            (-2.0, gap, yes, None, Some(-1.0)),
            (1.6, gap, yes, Some(1.0), None),
            (0.0, gap, no, None, None),
        ] {
            let expected = Reach { holds, from, to };
            assert_eq!(Reach::around(here, &values, &held), expected);
        }
    }
}
