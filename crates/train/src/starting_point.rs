use burn::module::Module;
use burn::tensor::Device;
use digits_data::Normalization;
use digits_data::files::sha256;
use digits_models::{Model, ModelConfig};

use crate::TrainError;
use crate::differences::differences;
use crate::record::Origin;
use crate::run_folder::{MODEL, RunFolder};
use crate::weights;

/// What a run takes over from another.
pub(crate) struct StartingPoint {
    pub model: Model,
    pub normalization: Normalization,
    pub origin: Origin,
}

/// The network of another run, for training on `device`. Dropout may differ; the network must
/// not, nor what it computes.
pub(crate) fn load_initial_weights(
    folder: &RunFolder,
    config: &ModelConfig,
    device: &Device,
) -> Result<StartingPoint, TrainError> {
    let (record, other, bytes) = folder.saved()?;
    check_same_network(folder, &other.model, config)?;
    let origin = Origin::Continued {
        run: folder.path().display().to_string(),
        sha256: sha256(&bytes),
    };
    let model = weights::from_bytes(config, bytes, device)
        .map_err(|reason| TrainError::damaged(folder.path().join(MODEL), reason))?;
    Ok(StartingPoint {
        model: model.train(),
        normalization: record.dataset.normalization,
        origin,
    })
}

/// # Errors
/// The first setting by which the two compute something else.
fn check_same_network(
    folder: &RunFolder,
    found: &ModelConfig,
    wanted: &ModelConfig,
) -> Result<(), TrainError> {
    let (found, wanted) = (found.clone().as_computed(), wanted.clone().as_computed());
    let mut all = differences("model", &found, &wanted)?;
    // One kind has settings that the other lacks; the kind says more.
    all.sort_by_key(|difference| difference.setting != "model.kind");
    match all.first() {
        None => Ok(()),
        Some(difference) => Err(TrainError::OtherNetwork {
            run: folder.path().to_owned(),
            difference: difference.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    #[test]
    fn only_a_network_that_computes_the_same_is_a_starting_point() {
        let folder = RunFolder::new("other");
        for (recipe, one, other, expected) in [
            ("cnn", "model.dropout=0.5", "seed=1", None),
            ("cnn", "model.blocks.0.dropout=0.5", "seed=1", None),
            ("mlp", "model.dropout=0.5", "seed=1", None),
            (
                "cnn",
                "seed=1",
                "model={kind='mlp'}",
                Some("kind = \"cnn\", not \"mlp\""),
            ),
            (
                "cnn",
                "seed=1",
                "model.blocks.0.stride=2",
                Some("blocks.0.stride = 1, not 2"),
            ),
            (
                "cnn",
                "seed=1",
                "model.blocks.1.norm=batch",
                Some("blocks.1.norm = \"none\", not"),
            ),
            (
                "cnn",
                "model.hidden=[9]",
                "model.hidden=[]",
                Some("hidden.0 = 9, not none"),
            ),
            (
                "cnn",
                "seed=1",
                "model.input={height=28,width=28,classes=9}",
                Some("classes = 10"),
            ),
            (
                "mlp",
                "model.activation=tanh",
                "seed=1",
                Some("activation = \"tanh\", not \"relu\""),
            ),
            // Without a hidden layer there is nothing that the function would be applied to, and
            // without a block a CNN is an MLP.
            (
                "mlp",
                "model={kind='mlp',hidden=[]}",
                "model={kind='mlp',hidden=[],activation='tanh'}",
                None,
            ),
            (
                "mlp",
                "model={kind='mlp',hidden=[9]}",
                "model={kind='cnn',hidden=[9],blocks=[]}",
                None,
            ),
        ] {
            let [one, other] = [one, other].map(|change| {
                let mut recipe = Recipe::built_in(recipe).unwrap();
                recipe.set(change).unwrap();
                recipe.resolve().unwrap().model
            });
            // The other way round it is the same setting.
            for (found, wanted) in [(&one, &other), (&other, &one)] {
                let message = check_same_network(&folder, found, wanted).map_err(|e| e.to_string());
                match (message, expected) {
                    (Ok(()), None) => {}
                    (Err(message), Some(expected)) => {
                        let setting = expected.split(' ').next().unwrap();
                        let expected = if found == &one { expected } else { setting };
                        assert!(message.contains(expected), "{message} {expected}");
                    }
                    (found, _) => panic!("{one:?} {other:?}: {found:?}"),
                }
            }
        }
    }
}
