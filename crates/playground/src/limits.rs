//! How far a picture may be disturbed before each network gives up.

use digits_data::Perturbation;
use digits_train::probabilities;
use serde::Serialize;

use crate::answer::Answer;
use crate::app::App;
use crate::error::ApiError;
use crate::picture::{Pictures, best, pair, perturbation, shape};
use crate::query::Query;

#[derive(Serialize)]
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
#[derive(Debug, PartialEq, Serialize)]
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
            return Self {
                holds: false,
                from: None,
                to: None,
            };
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
    const PLACES: usize = 25;
    let here = perturbation(query)?;
    let networks = pair(app, query)?;
    let truth = match query.get("truth") {
        None | Some("") => None,
        Some(_) => Some(query.value("truth", 0_usize)?),
    };
    let mut sliders = Vec::new();
    for (by, low, high) in [
        ("right", -12.0, 12.0),
        ("down", -12.0, 12.0),
        ("rotation", -180.0, 180.0),
        ("scale", 0.4, 1.6),
        ("noise", 0.0, 1.2),
    ] {
        let values = (0..PLACES)
            .map(|place| low + (high - low) * place as f64 / (PLACES - 1) as f64)
            .collect();
        sliders.push(Limits {
            by,
            values,
            references: Vec::new(),
            labels: Vec::new(),
            holds: Vec::new(),
            reaches: Vec::new(),
        });
    }
    let mut pictures = Pictures::new(query, body);
    for network in networks {
        let shape = shape(&network);
        let Some(pixels) = pictures.of(shape)? else {
            return Answer::json(&Vec::<Limits>::new());
        };
        let mut images = vec![pixels.to_vec()];
        for slider in &sliders {
            for &value in &slider.values {
                let mut one = here;
                *place(&mut one, slider.by) = value;
                images.push(one.apply(shape, pixels));
            }
        }
        let all = probabilities(&network.run, &images, &app.device)?;
        let wanted = truth.unwrap_or_else(|| best(&all[0]));
        for (slider, answers) in sliders.iter_mut().zip(all[1..].chunks(PLACES)) {
            let labels: Vec<usize> = answers.iter().map(|p| best(p)).collect();
            let holds: Vec<bool> = labels.iter().map(|&label| label == wanted).collect();
            let place = *place(&mut here.clone(), slider.by);
            slider
                .reaches
                .push(Reach::around(place, &slider.values, &holds));
            slider.references.push(wanted);
            slider.labels.push(labels);
            slider.holds.push(holds);
        }
    }
    Answer::json(&sliders)
}

/// What the slider of this name moves.
fn place<'a>(perturbation: &'a mut Perturbation, by: &str) -> &'a mut f64 {
    match by {
        "right" => &mut perturbation.right,
        "down" => &mut perturbation.down,
        "rotation" => &mut perturbation.rotation,
        "scale" => &mut perturbation.scale,
        _ => &mut perturbation.noise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_is_the_unbroken_stretch_around_the_slider() {
        let values = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let around = |here, holds: [bool; 5]| Reach::around(here, &values, &holds);
        let reach = |holds, from, to| Reach { holds, from, to };
        assert_eq!(around(0.2, [true; 5]), reach(true, None, None));
        let (yes, no) = (true, false);
        assert_eq!(
            around(0.0, [yes, no, yes, yes, no]),
            reach(true, Some(0.0), Some(1.0))
        );
        assert_eq!(
            around(-2.0, [yes, yes, no, yes, yes]),
            reach(true, None, Some(-1.0))
        );
        assert_eq!(
            around(1.6, [yes, yes, no, yes, yes]),
            reach(true, Some(1.0), None)
        );
        assert_eq!(
            around(0.0, [yes, yes, no, yes, yes]),
            reach(false, None, None)
        );
    }
}
