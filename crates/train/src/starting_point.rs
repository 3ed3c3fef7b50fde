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
        Some(difference) => Err(TrainError::Unfit(format!(
            "the network of {} is not that of the run to be trained from it: it has {difference}; only dropout may differ",
            folder.path().display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    /// Without a hidden layer there is nothing that the activation would be applied to.
    const CASES: &str = "
        cnn; model.dropout=0.5; seed=1; same
        cnn; model.blocks.0.dropout=0.5; seed=1; same
        mlp; model.dropout=0.5; seed=1; same
        mlp; model={kind='mlp',hidden=[]}; model={kind='mlp',hidden=[],activation='tanh'}; same
        cnn; seed=1; model={kind='mlp'}; model.kind
        cnn; seed=1; model.blocks.0.stride=2; model.blocks.0.stride
        cnn; seed=1; model.blocks.1.norm=batch; model.blocks.1.norm
        cnn; model.hidden=[9]; model.hidden=[]; model.hidden.0
        cnn; seed=1; model.input={height=28,width=28,classes=9}; model.input.classes
        mlp; model.activation=tanh; seed=1; model.activation";

    #[test]
    fn only_a_network_that_computes_the_same_is_a_starting_point() {
        let folder = RunFolder::new("other");
        for case in CASES.trim().lines() {
            let parts: Vec<&str> = case.trim().split("; ").collect();
            let [recipe, found, wanted, expected] = parts[..] else {
                panic!("{case}")
            };
            let [found, wanted] = [found, wanted].map(|change| {
                let mut recipe = Recipe::built_in(recipe).unwrap();
                recipe.set(change).unwrap();
                recipe.resolve().unwrap().model
            });
            for (one, other) in [(&found, &wanted), (&wanted, &found)] {
                match check_same_network(&folder, one, other) {
                    Ok(()) => assert_eq!(expected, "same", "{case}"),
                    Err(error) => {
                        let part = format!("it has {expected} = ");
                        assert!(error.to_string().contains(&part), "{case}: {error}");
                    }
                }
            }
        }
    }
}
