use crate::check::{Check, Group, NotChecked};
use crate::filter::{Evidence, Grid, Learned, NamedFilter};
use crate::mutants::Mutant;
use crate::worked::{Values, Worked};

/// What to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// Both parts.
    #[default]
    All,
    /// 4-1.
    Backprop,
    /// 4-2.
    Filters,
}

/// How [`crate::verify`] works.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to check.
    pub part: Part,
    /// The numbers of the worked derivation.
    pub values: Values,
    /// Whether to try the mutants as well.
    pub mutants: bool,
    /// Random cases of each property. Default 1,000.
    pub cases: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            part: Part::All,
            values: Values::default(),
            mutants: false,
            cases: 1000,
        }
    }
}

/// Everything that was found. [`crate::render`] makes it text, Markdown, HTML or JSON.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The checks, in groups.
    pub groups: Vec<Group>,
    /// What could not be checked here.
    pub not_checked: Vec<NotChecked>,
    pub(crate) backprop: Option<Backprop>,
    pub(crate) filters: Option<Filters>,
    /// The mutants, if asked for.
    pub mutants: Option<Vec<Mutant>>,
    /// How long it took.
    pub seconds: f64,
}

/// What part 4-1 shows beside its checks.
#[derive(Debug, Clone)]
pub(crate) struct Backprop {
    pub(crate) worked: Worked,
    /// The gradient of the worked network, engine by engine.
    pub(crate) engines: Vec<(String, Vec<f64>)>,
    /// Steps of central differences on the worked network, each with its error.
    pub(crate) sweep: Vec<(f64, f64)>,
    pub(crate) training: Vec<Training>,
}

/// The 2-2-2 network trained by the hand rules and by Burn: the loss by hand, and the largest
/// difference of any parameter, after every step.
#[derive(Debug, Clone)]
pub(crate) struct Training {
    pub(crate) device: String,
    pub(crate) losses: Vec<f64>,
    pub(crate) differences: Vec<f64>,
}

/// What part 4-2 shows beside its checks.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    pub(crate) image: Grid<i64>,
    /// The filters, each with its result on the image.
    pub(crate) results: Vec<(NamedFilter, Grid<i64>)>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) learned: Vec<Learned>,
}

impl Report {
    /// Whether every check passed, and every mutant that was tried was caught.
    pub fn passed(&self) -> bool {
        !self.groups.is_empty()
            && self.groups.iter().all(Group::passed)
            && self.mutants.iter().flatten().all(|mutant| mutant.caught)
    }

    /// Every check of every group.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.groups.iter().flat_map(|group| &group.checks)
    }
}
