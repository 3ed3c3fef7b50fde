use serde::{Deserialize, Serialize};

/// One of the two networks compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    Mlp,
    Cnn,
}

impl Network {
    /// Both, the feed-forward network first.
    pub const BOTH: [Self; 2] = [Self::Mlp, Self::Cnn];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mlp => "MLP",
            Self::Cnn => "CNN",
        }
    }
}

/// The same measurement of both networks.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pair<T> {
    pub mlp: T,
    pub cnn: T,
}

impl<T> Pair<T> {
    /// What `of` says of each network.
    pub fn from_fn(mut of: impl FnMut(Network) -> T) -> Self {
        Self {
            mlp: of(Network::Mlp),
            cnn: of(Network::Cnn),
        }
    }

    /// What `measure` says of each network, or its first error.
    pub fn measure<E>(mut measure: impl FnMut(Network) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            mlp: measure(Network::Mlp)?,
            cnn: measure(Network::Cnn)?,
        })
    }

    /// The measurement of one network.
    pub fn of(&self, network: Network) -> &T {
        match network {
            Network::Mlp => &self.mlp,
            Network::Cnn => &self.cnn,
        }
    }

    /// Both measurements, changed alike.
    pub fn map<U>(&self, change: impl Fn(&T) -> U) -> Pair<U> {
        Pair {
            mlp: change(&self.mlp),
            cnn: change(&self.cnn),
        }
    }
}
