//! The runs in `artifacts/`.

use std::fs;
use std::path::{Path, PathBuf};

use digits_train::RunRecord;

use crate::args::artifacts;
use crate::error::CliError;

/// The first folder `artifacts/RECIPE-N` that does not exist. The name may come from a file that
/// somebody else wrote: it never leads out of `artifacts`.
pub fn fresh(recipe: &str) -> PathBuf {
    let odd = |c: char| !c.is_alphanumeric() && !"-_. ".contains(c);
    let recipe = recipe.replace(odd, "-");
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
    let entries = fs::read_dir(artifacts()).ok()?;
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| read_record(path).is_some_and(|record| wanted(&record)))
        .filter_map(|path| {
            let record = fs::metadata(path.join("run.json")).ok()?;
            Some((record.modified().ok()?, path))
        })
        .max()
        .map(|(_, path)| path)
}

/// The record of a run, if there is one that can be read; it is checked when the run is used.
fn read_record(path: &Path) -> Option<RunRecord> {
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
