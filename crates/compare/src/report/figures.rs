//! What the two networks look like in charts, and their measurements as charts take them.

use digits_report::Panel;
use digits_report::chart::{Confusion, Estimate, Key, Role};

use crate::{CompareError, Difference, Network, Sample};

impl From<Network> for Role {
    fn from(network: Network) -> Self {
        match network {
            Network::Mlp => Self::First,
            Network::Cnn => Self::Second,
        }
    }
}

impl<'a> From<&'a Sample> for Estimate<'a> {
    fn from(sample: &'a Sample) -> Self {
        Self {
            values: &sample.values,
            mean: sample.mean,
            interval: sample.interval,
        }
    }
}

impl<'a> From<&'a Difference> for Estimate<'a> {
    fn from(difference: &'a Difference) -> Self {
        Self {
            values: &difference.values,
            mean: difference.mean,
            interval: difference.interval,
        }
    }
}

/// MLP and CNN.
pub(super) fn keys() -> Vec<Key> {
    Network::BOTH
        .map(|network| Key::new(network, network.name()))
        .to_vec()
}

/// A confusion matrix in the network's color.
pub(super) fn confusion(network: Network, counts: &[Vec<usize>]) -> Result<Panel, CompareError> {
    let name = network.name();
    Ok(digits_report::chart::confusion(&Confusion {
        slug: format!("confusion-{}", name.to_lowercase()),
        label: format!(
            "Confusion matrix of the {name}: rows are true classes, columns are answers."
        ),
        title: name.to_owned(),
        role: network.into(),
        counts,
    })?)
}
