//! The runs in `artifacts/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use digits_train::{RunFolder, RunRecord};

use crate::args::artifacts;
use crate::error::CliError;

/// The first folder `artifacts/RECIPE-N` that does not exist. The name may come from a file that
/// somebody else wrote: it never leads out of `artifacts`.
pub fn fresh(recipe: &str) -> PathBuf {
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_. ".contains(c) {
            c
        } else {
            '-'
        }
    };
    let recipe: String = recipe.chars().map(plain).collect();
    (1_u32..)
        .map(|number| artifacts().join(format!("{recipe}-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| artifacts().join(&recipe))
}

/// The run in `artifacts/` that was written last, of those that `wanted` accepts.
///
/// # Errors
/// No such run; `what` says what was looked for, `advice` what to do.
pub fn newest(
    what: &str,
    advice: &str,
    wanted: impl Fn(&RunRecord) -> bool,
) -> Result<PathBuf, CliError> {
    find_newest(wanted).ok_or_else(|| {
        CliError::failed(format!(
            "there is no {what} in {}. {advice}",
            artifacts().display()
        ))
    })
}

/// The run in `artifacts/` that was written last, of those that `wanted` accepts, if any.
pub fn find_newest(wanted: impl Fn(&RunRecord) -> bool) -> Option<PathBuf> {
    let mut found: Vec<(SystemTime, PathBuf)> = fs::read_dir(artifacts())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| read_record(path).is_some_and(|record| wanted(&record)))
        .filter_map(|path| {
            Some((
                fs::metadata(path.join("run.json")).ok()?.modified().ok()?,
                path,
            ))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

/// The record of a run, if there is one that can be read; it is checked when the run is used.
fn read_record(path: &Path) -> Option<RunRecord> {
    RunFolder::new(path).exists().then_some(())?;
    serde_json::from_slice(&fs::read(path.join("run.json")).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_recipe_leads_out_of_the_artifacts() {
        assert_eq!(
            fresh("no-such-recipe"),
            artifacts().join("no-such-recipe-1")
        );
        for recipe in ["../../etc/x", "/etc/x", "..", "a\\..\\b", "", "\u{1b}[31m"] {
            let path = fresh(recipe);
            assert_eq!(path.parent(), Some(artifacts().as_path()), "{recipe:?}");
            assert!(!path.display().to_string().contains('\u{1b}'));
        }
    }
}
