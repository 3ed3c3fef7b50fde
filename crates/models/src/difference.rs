use std::fmt;

use crate::{Block, ModelConfig, Norm, Padding};

/// The first setting in which two networks compute something else from the same parameters, or
/// have other parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Name of the setting, for example `blocks.0.stride`.
    pub setting: String,
    /// Its value in the one network; `none` if it has no such layer.
    pub one: String,
    /// Its value in the other.
    pub other: String,
}

impl ModelConfig {
    /// Where the two networks compute something else, or `None`. Dropout, which changes nothing
    /// that a trained network says, may differ.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let (ours, theirs) = (self.settings(), other.settings());
        let value = |settings: &[(String, String)], name: &str| {
            let found = settings.iter().find(|(known, _)| known == name);
            found.map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
        };
        ours.iter().chain(&theirs).find_map(|(setting, _)| {
            let (one, other) = (value(&ours, setting), value(&theirs, setting));
            (one != other).then(|| Difference {
                setting: setting.clone(),
                one,
                other,
            })
        })
    }

    /// Every setting that decides what the network computes, with its value as it stands in a
    /// file.
    fn settings(&self) -> Vec<(String, String)> {
        let input = self.input();
        let mut settings = vec![
            setting("kind", self.kind()),
            setting("input.height", input.height),
            setting("input.width", input.width),
            setting("input.classes", input.classes),
        ];
        let hidden = match self {
            Self::Mlp(mlp) => {
                if !mlp.hidden.is_empty() {
                    settings.push(setting("activation", word(mlp.activation)));
                }
                &mlp.hidden
            }
            Self::Cnn(cnn) => {
                for (index, block) in cnn.blocks.iter().enumerate() {
                    add_block(&mut settings, index, block);
                }
                &cnn.hidden
            }
        };
        settings.push(setting("hidden", format_args!("{hidden:?}")));
        settings
    }
}

fn add_block(settings: &mut Vec<(String, String)>, index: usize, block: &Block) {
    let Block {
        channels,
        kernel,
        stride,
        padding,
        pool,
        norm,
        dropout: _,
    } = block;
    let name = |leaf: &str| format!("blocks.{index}.{leaf}");
    settings.extend([
        setting(name("channels"), channels),
        setting(name("kernel"), kernel),
        setting(name("stride"), stride),
        setting(name("padding"), word::<Padding>(*padding)),
        setting(name("pool"), pool),
        setting(name("norm"), word::<Norm>(*norm)),
    ]);
}

fn setting(name: impl Into<String>, value: impl fmt::Display) -> (String, String) {
    (name.into(), value.to_string())
}

/// The name of a variant as serde writes it: all of them are single lowercase words.
fn word<T: fmt::Debug>(variant: T) -> String {
    format!("{variant:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use crate::{Activation, CnnConfig, MlpConfig, ModelConfig, Norm, Padding};

    #[test]
    fn every_setting_but_dropout_makes_another_network() {
        let cnn = CnnConfig::default();
        let cnn_with = |change: fn(&mut CnnConfig)| {
            let mut changed = cnn.clone();
            change(&mut changed);
            ModelConfig::Cnn(changed)
        };
        let mlp_with = |change: fn(&mut MlpConfig)| {
            let mut changed = MlpConfig::default();
            change(&mut changed);
            ModelConfig::Mlp(changed)
        };
        let (cnn, mlp) = (cnn_with(|_| ()), mlp_with(|_| ()));
        let told = |one: &ModelConfig, other: &ModelConfig| {
            let found = one.difference(other)?;
            Some(format!("{} {} {}", found.setting, found.one, found.other))
        };
        for (one, other, expected) in [
            (&cnn, cnn_with(|c| c.dropout = 0.5), None),
            (&cnn, cnn_with(|c| c.blocks[0].dropout = 0.5), None),
            (&mlp, mlp_with(|c| c.dropout = 0.5), None),
            (&cnn, mlp.clone(), Some("kind cnn mlp")),
            (
                &mlp,
                mlp_with(|c| c.input.height = 29),
                Some("input.height 28 29"),
            ),
            (
                &cnn,
                cnn_with(|c| c.input.width = 29),
                Some("input.width 28 29"),
            ),
            (
                &cnn,
                cnn_with(|c| c.input.classes = 9),
                Some("input.classes 10 9"),
            ),
            (
                &mlp,
                mlp_with(|c| c.hidden = vec![512, 9]),
                Some("hidden [512] [512, 9]"),
            ),
            (
                &mlp,
                mlp_with(|c| c.activation = Activation::Tanh),
                Some("activation relu tanh"),
            ),
            (
                &cnn,
                cnn_with(|c| c.hidden.clear()),
                Some("hidden [128] []"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks[1].channels = 8),
                Some("blocks.1.channels 32 8"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks[1].kernel = 3),
                Some("blocks.1.kernel 5 3"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks[0].stride = 2),
                Some("blocks.0.stride 1 2"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks[0].padding = Padding::Valid),
                Some("blocks.0.padding same valid"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks[0].pool = 1),
                Some("blocks.0.pool 2 1"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks[0].norm = Norm::Batch),
                Some("blocks.0.norm none batch"),
            ),
            (
                &cnn,
                cnn_with(|c| c.blocks.truncate(1)),
                Some("blocks.1.channels 32 none"),
            ),
        ] {
            assert_eq!(told(one, &other).as_deref(), expected);
            // The other way round it is the same setting.
            let setting = one.difference(&other).map(|found| found.setting);
            assert_eq!(other.difference(one).map(|found| found.setting), setting);
        }
        // Without a hidden layer there is nothing that the function would be applied to.
        let linear = mlp_with(|c| c.hidden.clear());
        let other = mlp_with(|c| {
            c.hidden.clear();
            c.activation = Activation::Tanh;
        });
        assert_eq!(linear.difference(&other), None);
    }
}
