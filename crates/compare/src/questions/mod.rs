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
use crate::question::{Asked, Question};
use crate::runner::Runner;
use crate::runs::Group;

macro_rules! questions {
    ($($(#[$doc:meta])* $field:ident: $question:ty = $title:literal, $asks:literal;)+) => {
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
                [$(<$question>::evaluated_images(plan)),+]
                    .map(|(times, images)| times * if images == 0 { test_images } else { images })
                    .iter()
                    .sum()
            }

            /// Asks every question.
            pub(crate) fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError> {
                Ok(Self { $($field: <$question>::measure(runner)?,)+ })
            }

            /// Every question with what was found.
            pub(crate) fn questions(&self) -> Vec<Asked<'_>> {
                vec![$(Asked {
                    id: stringify!($field),
                    title: $title,
                    question: $asks,
                    found: &self.$field,
                }),+]
            }
        }
    };
}

questions! {
    /// How often each is right.
    accuracy: accuracy::Accuracy =
        "Accuracy",
        "How often is each network right on the test images?";
    /// What each costs.
    cost: cost::Cost =
        "Cost",
        "What does each network cost in memory and time?";
    /// What shift, rotation and scale do.
    tolerance: tolerance::Tolerance =
        "Shift, rotation, scale",
        "Which network is more tolerant of digits that are moved, turned or resized, and what does shift augmentation in training change?";
    /// What damaged images do.
    corruptions: corruptions::Corruptions =
        "Damaged images",
        "How do the networks, trained on clean images, cope with damaged ones?";
    /// The same fixed permutation of the pixels of all images.
    permutation: permutation::Permutation =
        "Permuted pixels",
        "What happens if one fixed permutation shuffles the pixels of all training and test images?";
    /// How many images each needs.
    samples: samples::SampleEfficiency =
        "Sample efficiency",
        "How many training images does each network need?";
    /// Whether the probabilities mean what they say.
    calibration: calibration::Calibration =
        "Calibration",
        "When a network says 90 %, is it right nine times out of ten?";
    /// What each gets wrong.
    mistakes: mistakes::Mistakes =
        "What they get wrong",
        "Which classes are confused, and do both networks fail on the same images?";
    /// What the networks look at.
    features: features::Features =
        "What they look at",
        "Do the learned filters resemble the three filters of the exercise sheet?";
}
