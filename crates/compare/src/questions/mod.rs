//! The questions: one file each, one entry each in the list below. What is trained, measured,
//! saved, answered and reported follows from the list, in its order.

pub mod accuracy;
pub mod calibration;
pub mod corruptions;
pub mod cost;
pub mod features;
pub mod mistakes;
pub mod permutation;
pub mod samples;
pub mod tolerance;

use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::plan::Plan;
use crate::question::Question;
use crate::runner::Runner;
use crate::runs::Group;

macro_rules! questions {
    ($($(#[$doc:meta])* $field:ident: $question:ty,)+) => {
        /// What was found, question by question: fields of `results.json`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Findings {
            $($(#[$doc])* pub $field: $question,)+
        }

        impl Findings {
            /// The runs that the questions rest on.
            pub(crate) fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError> {
                let mut groups = Vec::new();
                $(groups.extend(<$question>::groups(runner)?);)+
                Ok(groups)
            }

            /// Images that will be shown to a network of each kind.
            pub(crate) fn evaluated_images(plan: &Plan, test_images: usize) -> usize {
                [$(<$question>::evaluated_images(plan, test_images)),+].iter().sum()
            }

            /// Asks every question.
            pub(crate) fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
                Ok(Self { $($field: <$question>::measure(runner)?,)+ })
            }

            /// Every question with what was found.
            pub(crate) fn questions(&self) -> Vec<&dyn Question> {
                vec![$(&self.$field),+]
            }
        }
    };
}

questions! {
    /// How often each is right.
    accuracy: accuracy::Accuracy,
    /// What each costs.
    cost: cost::Cost,
    /// What shift, rotation and scale do.
    tolerance: tolerance::Tolerance,
    /// What damaged images do.
    corruptions: corruptions::Corruptions,
    /// The same fixed permutation of the pixels of all images.
    permutation: permutation::Permutation,
    /// How many images each needs.
    samples: samples::SampleEfficiency,
    /// Whether the probabilities mean what they say.
    calibration: calibration::Calibration,
    /// What each gets wrong.
    mistakes: mistakes::Mistakes,
    /// What the networks look at.
    features: features::Features,
}
