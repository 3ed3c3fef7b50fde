//! The questions: one file each, one entry each in the list below. What is trained, measured,
//! saved, answered and reported follows from the list, in its order.

mod accuracy;
mod calibration;
mod corruptions;
mod cost;
mod features;
mod mistakes;
mod permutation;
mod samples;
mod tolerance;

use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::plan::Plan;
use crate::question::{Asked, Question};
use crate::runner::Runner;
use crate::runs::Group;

macro_rules! questions {
    ($($field:ident: $question:ty = $title:literal, $asks:literal;)+) => {
        /// What was found, question by question: fields of `results.json`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Findings {
            $(pub $field: $question,)+
        }

        impl Findings {
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
    accuracy: accuracy::Accuracy =
        "Accuracy",
        "How often is each network right on the test images?";
    cost: cost::Cost =
        "Cost",
        "What does each network cost in memory and time?";
    tolerance: tolerance::Tolerance =
        "Shift, rotation, scale",
        "Which network is more tolerant of digits that are moved, turned or resized, and what does shift augmentation in training change?";
    corruptions: corruptions::Corruptions =
        "Damaged images",
        "How do the networks, trained on clean images, cope with damaged ones?";
    permutation: permutation::Permutation =
        "Permuted pixels",
        "What happens if one fixed permutation shuffles the pixels of all training and test images?";
    samples: samples::SampleEfficiency =
        "Sample efficiency",
        "How many training images does each network need?";
    calibration: calibration::Calibration =
        "Calibration",
        "When a network says 90 %, is it right nine times out of ten?";
    mistakes: mistakes::Mistakes =
        "What they get wrong",
        "Which classes are confused, and do both networks fail on the same images?";
    features: features::Features =
        "What they look at",
        "Do the learned filters resemble the three filters of the exercise sheet?";
}
