mod content;
mod markup;
mod page;
pub(crate) mod sample;

use self::markup::{Tag, tags};
use self::sample::{classes, one_seed, sample_results};
use super::html;
use crate::{Corruptions, Difference, Features, Gallery, Pair, Results, Sample, SampleEfficiency};

/// Sections in their order.
const SECTIONS: [&str; 13] = [
    "accuracy",
    "cost",
    "tolerance",
    "corruptions",
    "permutation",
    "samples",
    "calibration",
    "mistakes",
    "features",
    "caveats",
    "time",
    "repeat",
    "references",
];

/// Nothing measured where nothing has to be, and no numbers where there could be any.
fn empty() -> Results {
    let nothing = Sample {
        values: Vec::new(),
        mean: f64::NAN,
        std: None,
        interval: None,
    };
    let no_difference = Difference {
        values: vec![f64::NAN],
        mean: f64::NAN,
        interval: Some([f64::NAN, f64::INFINITY]),
        p: Some(f64::NAN),
    };
    let pair = Pair {
        mlp: nothing.clone(),
        cnn: nothing.clone(),
    };
    let mut results = one_seed();
    results.accuracy.full.accuracy = pair.clone();
    results.accuracy.full.difference = no_difference.clone();
    results.accuracy.full.mcnemar.clear();
    results.cost.networks[0].seconds_per_epoch = f64::NAN;
    results.cost.networks[1].inference_images_per_second = f64::INFINITY;
    results.tolerance.axes[0].plain.mlp[2].mean = f64::NAN;
    results.tolerance.axes[1].amounts.clear();
    results.tolerance.augmented_seeds.clear();
    results.corruptions = Corruptions {
        seeds: Vec::new(),
        clean: pair.clone(),
        kinds: Vec::new(),
        mean: pair.clone(),
        difference: no_difference.clone(),
    };
    results.permutation.permuted = pair;
    results.permutation.change.cnn = no_difference;
    results.permutation.example = [String::new(), String::new()];
    results.samples = SampleEfficiency {
        seeds: Vec::new(),
        sizes: Vec::new(),
    };
    results.calibration.networks.mlp.diagram_before.clear();
    results.calibration.networks.cnn.temperature = nothing;
    results.mistakes.confusion = Pair::default();
    results.mistakes.both = Gallery {
        count: 0,
        images: Vec::new(),
    };
    results.mistakes.only_mlp.images[0].png.clear();
    results.features = Features {
        sheet: Vec::new(),
        filters: Vec::new(),
        chance: None,
        share_over_chance: None,
        units: Vec::new(),
        ..results.features
    };
    results.features.digit.blocks.clear();
    results.answer.clear();
    results.time.clear();
    results
}

fn variants() -> [(&'static str, Results); 5] {
    [
        ("five seeds", sample_results()),
        ("one seed", one_seed()),
        ("three classes", classes(3)),
        ("forty classes", classes(40)),
        ("nothing measured", empty()),
    ]
}

fn page(results: &Results) -> (String, Vec<Tag>) {
    let page = html(results).unwrap();
    let tags = tags(&page).unwrap();
    (page, tags)
}

/// What a reader sees: text and labels, without tags, styles and pictures.
fn words(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        words += before;
        if let Some(style) = after.strip_prefix("style>") {
            rest = style.split_once("</style>").unwrap().1;
            continue;
        }
        let (tag, after) = after.split_once('>').unwrap();
        for label in ["aria-label=\"", "alt=\""] {
            if let Some((_, value)) = tag.split_once(label) {
                words += " ";
                words += value.split('"').next().unwrap();
            }
        }
        words += " ";
        rest = after;
    }
    words + rest
}
