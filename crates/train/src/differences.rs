use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use toml::{Table, Value};

use crate::TrainError;
use crate::config::RunConfig;

/// A setting that two configurations do not share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Full name of the setting, for example `model.blocks.0.stride`.
    pub setting: String,
    /// Its value in the one, as TOML; `None` where it is not there.
    pub one: Option<String>,
    /// Its value in the other.
    pub other: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = [&self.one, &self.other].map(|value| value.as_deref().unwrap_or("none"));
        write!(f, "{} = {one}, not {other}", self.setting)
    }
}

impl RunConfig {
    /// Every setting in which two runs differ, by name.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn differences(&self, other: &Self) -> Result<Vec<Difference>, TrainError> {
        differences("", self, other)
    }
}

/// Every setting in which two values differ, in the order of the names below `name`.
pub(crate) fn differences<T: Serialize>(
    name: &str,
    one: &T,
    other: &T,
) -> Result<Vec<Difference>, TrainError> {
    let (one, other) = (settings(name, one)?, settings(name, other)?);
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    Ok(names
        .into_iter()
        .filter(|&name| one.get(name) != other.get(name))
        .map(|name| Difference {
            setting: name.clone(),
            one: one.get(name).cloned(),
            other: other.get(name).cloned(),
        })
        .collect())
}

/// Name and value of every setting that is neither a table nor a list.
fn settings<T: Serialize>(name: &str, value: &T) -> Result<BTreeMap<String, String>, TrainError> {
    fn add(name: &str, value: &Value, all: &mut BTreeMap<String, String>) {
        let below = |key: &str| match name {
            "" => key.to_owned(),
            _ => format!("{name}.{key}"),
        };
        match value {
            Value::Table(table) => table
                .iter()
                .for_each(|(key, item)| add(&below(key), item, all)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| add(&below(&index.to_string()), item, all)),
            leaf => drop(all.insert(name.to_owned(), leaf.to_string())),
        }
    }
    let table = Table::try_from(value)
        .map_err(|error| TrainError::backend("writing the configuration", error))?;
    let mut all = BTreeMap::new();
    add(name, &Value::Table(table), &mut all);
    Ok(all)
}
