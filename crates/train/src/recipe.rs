use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::TrainError;
use crate::config::RunConfig;

/// The recipes of `configs/`, compiled in so that the program works from anywhere.
const BUILT_IN: [(&str, &str); 7] = [
    ("mlp", include_str!("../../../configs/mlp.toml")),
    ("cnn", include_str!("../../../configs/cnn.toml")),
    ("mlp-small", include_str!("../../../configs/mlp-small.toml")),
    ("cnn-small", include_str!("../../../configs/cnn-small.toml")),
    ("cnn-torch", include_str!("../../../configs/cnn-torch.toml")),
    ("cnn-best", include_str!("../../../configs/cnn-best.toml")),
    ("cnn-fast", include_str!("../../../configs/cnn-fast.toml")),
];

/// A configuration in the making: a recipe, then changes, then checked.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name of the recipe, for example `cnn`; for a file, its name without `.toml`.
    pub name: String,
    origin: String,
    table: Table,
}

/// Names of the recipes that are compiled in.
pub fn recipe_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

impl Recipe {
    /// A recipe of `configs/` by name; `ffn` is another name for `mlp`.
    ///
    /// # Errors
    /// An unknown name; the message names the nearest right one.
    pub fn built_in(name: &str) -> Result<Self, TrainError> {
        let wanted = if name == "ffn" { "mlp" } else { name };
        let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == wanted) else {
            let names: Vec<&str> = recipe_names().collect();
            return Err(TrainError::Config {
                origin: "recipe".to_owned(),
                message: unknown("recipe", name, &names),
            });
        };
        Self::parse(name, &format!("configs/{name}.toml"), text)
    }

    /// A recipe, or the `config.toml` of an earlier run, from a file.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML.
    pub fn from_file(path: &Path) -> Result<Self, TrainError> {
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        Self::parse(
            &name.unwrap_or_default(),
            &path.display().to_string(),
            &text,
        )
    }

    /// The configuration of an earlier run, under the name of its recipe.
    ///
    /// # Errors
    /// A configuration that cannot be written as TOML.
    pub fn of_run(name: &str, config: &RunConfig) -> Result<Self, TrainError> {
        let table = Table::try_from(config)
            .map_err(|error| TrainError::backend("writing the configuration", error))?;
        Ok(Self {
            name: name.to_owned(),
            origin: "config.toml".to_owned(),
            table,
        })
    }

    fn parse(name: &str, origin: &str, text: &str) -> Result<Self, TrainError> {
        let table = text.parse::<Table>().map_err(|error| TrainError::Config {
            origin: origin.to_owned(),
            message: format!("not valid TOML: {}", error.to_string().trim_end()),
        })?;
        Ok(Self {
            name: name.to_owned(),
            origin: origin.to_owned(),
            table,
        })
    }

    /// Applies one `key=value` change, the key dotted as in `training.epochs`; list elements by
    /// number, as in `model.blocks.0.channels`. The value is TOML; anything that is not, is
    /// taken as a string.
    ///
    /// # Errors
    /// No `=`, or a path through something that is not a table.
    pub fn set(&mut self, assignment: &str) -> Result<(), TrainError> {
        let problem = |message: String| TrainError::Config {
            origin: format!("--set {assignment}"),
            message,
        };
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(problem(
                "write it as key=value, for example training.epochs=3".to_owned(),
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        let value = format!("x = {value}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("x"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        let mut path: Vec<&str> = key.split('.').collect();
        let Some(last) = path.pop().filter(|last| !last.is_empty()) else {
            return Err(problem("the key is empty".to_owned()));
        };
        let mut place = &mut self.table;
        let mut rest = path.into_iter().peekable();
        while let Some(part) = rest.next() {
            let next = place
                .entry(part)
                .or_insert_with(|| Value::Table(Table::new()));
            let mut next = next;
            while let Value::Array(items) = next {
                let index = rest.next().and_then(|index| index.parse::<usize>().ok());
                let count = items.len();
                next = index
                    .and_then(|index| items.get_mut(index))
                    .ok_or_else(|| {
                        problem(format!(
                            "`{part}` is a list of {count}: give a number from 0, as in {part}.0"
                        ))
                    })?;
            }
            match next {
                Value::Table(table) => place = table,
                _ => return Err(problem(format!("`{part}` is a value, not a table"))),
            }
        }
        place.insert(last.to_owned(), value);
        Ok(())
    }

    /// Sets a top-level or nested value from a command-line option.
    ///
    /// # Errors
    /// As [`Recipe::set`].
    pub fn set_option(
        &mut self,
        key: &str,
        value: impl std::fmt::Display,
    ) -> Result<(), TrainError> {
        self.set(&format!("{key}={value}"))
    }

    /// Checks everything and returns the configuration.
    ///
    /// # Errors
    /// Unknown keys (with the nearest right one), wrong types, missing values, and values that
    /// make no sense.
    pub fn resolve(self) -> Result<RunConfig, TrainError> {
        let config: RunConfig =
            Value::Table(self.table)
                .try_into()
                .map_err(|error: toml::de::Error| TrainError::Config {
                    origin: self.origin,
                    message: explain(&error),
                })?;
        config.validate()?;
        Ok(config)
    }
}

/// The message of a deserialization error; for unknown names, with the nearest right one.
fn explain(error: &toml::de::Error) -> String {
    let text = error.message();
    let mut quoted = text.split('`').skip(1).step_by(2);
    if let Some(given) = quoted.next()
        && (text.starts_with("unknown field") || text.starts_with("unknown variant"))
    {
        let what = if text.starts_with("unknown field") {
            "key"
        } else {
            "value"
        };
        return unknown(what, given, &quoted.collect::<Vec<_>>());
    }
    text.trim_end().to_owned()
}

fn unknown(what: &str, given: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, given), *name))
        .min();
    let list = known.join(", ");
    match nearest {
        Some((distance, name)) if distance <= 1 + given.len() / 3 => {
            format!("unknown {what} `{given}`; did you mean `{name}`? Known here: {list}")
        }
        _ => format!("unknown {what} `{given}`. Known here: {list}"),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use digits_models::{Implementation, ModelConfig};

    use super::*;

    #[test]
    fn every_recipe_resolves_to_the_stated_number_of_parameters() {
        // Counts stated in the issue that asked for the recipes; cnn-torch is the network of
        // PyTorch's examples/mnist (1,199,882 by its own count).
        let expected = [
            ("mlp", 407_050),
            ("ffn", 407_050),
            ("cnn", 215_370),
            ("mlp-small", 6_442),
            ("cnn-small", 6_422),
            ("cnn-torch", 1_199_882),
        ];
        for (name, parameters) in expected {
            let config = Recipe::built_in(name).unwrap().resolve().unwrap();
            assert_eq!(config.model.parameters().unwrap(), parameters, "{name}");
        }
        for name in recipe_names() {
            Recipe::built_in(name).unwrap().resolve().unwrap();
        }
    }

    #[test]
    #[expect(deprecated, reason = "burn-ndarray is a promised backend")]
    fn every_layer_of_every_recipe_runs_in_the_kernels_on_both_cpu_backends() {
        for device in [Device::flex(), Device::ndarray()] {
            for name in recipe_names() {
                let config = Recipe::built_in(name).unwrap().resolve().unwrap();
                let model = config.model.init(&device).unwrap();
                let paths = model.implementations(Tensor::zeros([2, 1, 28, 28], &device));
                assert!(paths.len() >= 2);
                assert!(
                    paths.iter().all(|path| *path == Implementation::Fused),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_resolved_configuration_survives_its_own_file() {
        for name in recipe_names() {
            let config = Recipe::built_in(name).unwrap().resolve().unwrap();
            let text = toml::to_string(&config).unwrap();
            let again = Recipe::parse(name, "config.toml", &text)
                .unwrap()
                .resolve()
                .unwrap();
            assert_eq!(config, again, "{text}");
        }
    }

    #[test]
    fn set_changes_nested_values_and_list_elements() {
        let mut recipe = Recipe::built_in("cnn").unwrap();
        recipe.set("training.epochs=7").unwrap();
        recipe.set("model.blocks.1.channels = 48").unwrap();
        recipe.set("data=some/folder").unwrap();
        let config = recipe.resolve().unwrap();
        assert_eq!(config.training.epochs, 7);
        let ModelConfig::Cnn(cnn) = config.model else {
            panic!("a CNN")
        };
        assert_eq!((cnn.blocks[0].channels, cnn.blocks[1].channels), (16, 48));
    }

    #[test]
    fn unknown_keys_and_recipes_name_the_nearest_right_one() {
        for (change, nearest) in [
            ("training.epohcs=3", "`epochs`"),
            ("trainning.epochs=3", "`training`"),
            ("model.blocks.0.chanels=3", "`channels`"),
            ("model.blocks.0.padding=smae", "`same`"),
            ("training.optimizer.kind=adm", "`adam`"),
        ] {
            let mut recipe = Recipe::built_in("cnn").unwrap();
            let error = recipe.set(change).and_then(|()| recipe.resolve().map(drop));
            let message = error.expect_err(change).to_string();
            assert!(
                message.contains("did you mean") && message.contains(nearest),
                "{change}: {message}"
            );
        }
        let message = Recipe::built_in("cn").unwrap_err().to_string();
        assert!(message.contains("did you mean `cnn`"), "{message}");
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_name() {
        for (change, name) in [
            ("training.epochs=0", "training.epochs"),
            ("training.batch_size=0", "training.batch_size"),
            ("training.label_smoothing=nan", "training.label_smoothing"),
            ("training.clip_norm=-1.0", "training.clip_norm"),
            ("training.schedule.peak=-0.1", "training.schedule.peak"),
            ("training.schedule.peak=inf", "training.schedule.peak"),
            ("training.optimizer.beta_1=1.0", "training.optimizer.beta_1"),
            ("model.dropout=1.0", "dropout"),
            ("model.blocks.0.kernel=0", "blocks[0]"),
            ("training.epochs=-3", "invalid value"),
            ("training.epochs=many", "invalid type"),
        ] {
            let mut recipe = Recipe::built_in("cnn").unwrap();
            recipe.set(change).unwrap();
            let message = recipe.resolve().expect_err(change).to_string();
            assert!(message.contains(name), "{change}: {message}");
        }
    }
}
