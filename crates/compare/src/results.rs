use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Version of `results.json`.
pub const SCHEMA: u32 = 1;

/// One of the two networks compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The feed-forward network.
    Mlp,
    /// The convolutional network.
    Cnn,
}

impl Network {
    /// Both, the feed-forward network first.
    pub const BOTH: [Self; 2] = [Self::Mlp, Self::Cnn];

    /// `MLP` or `CNN`.
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
    /// Of the feed-forward network.
    pub mlp: T,
    /// Of the convolutional network.
    pub cnn: T,
}

impl<T> Pair<T> {
    /// The measurement of one network.
    pub fn of(&self, network: Network) -> &T {
        match network {
            Network::Mlp => &self.mlp,
            Network::Cnn => &self.cnn,
        }
    }

    /// What `measure` says of each network.
    ///
    /// # Errors
    /// The first error of `measure`.
    pub fn measure<E>(mut measure: impl FnMut(Network) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            mlp: measure(Network::Mlp)?,
            cnn: measure(Network::Cnn)?,
        })
    }

    /// Both measurements, changed alike.
    pub fn map<U>(&self, change: impl Fn(&T) -> U) -> Pair<U> {
        Pair {
            mlp: change(&self.mlp),
            cnn: change(&self.cnn),
        }
    }
}

/// The same measurement with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// One value a seed, in the order of the plan's seeds.
    pub values: Vec<f64>,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation, n − 1 in the denominator; none for a single value.
    pub std: Option<f64>,
    /// 95 % confidence interval of the mean (Student's t); none for a single value.
    pub interval: Option<[f64; 2]>,
}

/// The paired difference of a measurement, seed by seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// One difference a seed.
    pub values: Vec<f64>,
    /// Arithmetic mean.
    pub mean: f64,
    /// 95 % confidence interval of the mean (Student's t); none for a single value.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p-value of the paired t-test; none for a single value.
    pub p: Option<f64>,
}

/// McNemar's exact test on the test images: two networks of the same seed, image by image
/// (McNemar 1947; Dietterich 1998).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Seed of both networks.
    pub seed: u64,
    /// Images that both classify rightly.
    pub both_right: usize,
    /// Images that only the feed-forward network classifies rightly.
    pub only_mlp_right: usize,
    /// Images that only the convolutional network classifies rightly.
    pub only_cnn_right: usize,
    /// Images that both classify wrongly.
    pub both_wrong: usize,
    /// Two-sided exact binomial p-value of the two discordant counts.
    pub p: f64,
}

/// Everything that the experiment found out: `results.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of this format.
    pub schema: u32,
    /// Version of the program.
    pub version: String,
    /// What was done.
    pub plan: Plan,
    /// The data.
    pub dataset: DatasetSummary,
    /// Where it was computed.
    pub machine: Machine,
    /// The four recipes compared, as they were trained.
    pub networks: Vec<NetworkSummary>,
    /// Question 1.
    pub accuracy: Accuracy,
    /// Question 2.
    pub cost: Cost,
    /// Question 3.
    pub tolerance: Tolerance,
    /// Question 4.
    pub corruptions: Corruptions,
    /// Question 5.
    pub permutation: Permutation,
    /// Question 6.
    pub samples: SampleEfficiency,
    /// Question 7.
    pub calibration: Calibration,
    /// Question 8.
    pub mistakes: Mistakes,
    /// Question 9.
    pub features: Features,
    /// The answer to "what do you observe?", made from the parts above.
    pub answer: Vec<Sentence>,
    /// Where the time of this call went; parts that were known from an earlier one took none.
    pub time: Vec<Spent>,
}

/// One sentence of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// The question that it answers, as in [`Results`]: `accuracy`, `cost` …
    pub question: String,
    /// The sentence.
    pub text: String,
    /// The test behind it, if it rests on one: for example `paired t-test, 5 seeds`.
    pub test: Option<String>,
    /// p-value of that test.
    pub p: Option<f64>,
    /// The same, adjusted for the number of sentences that rest on a test (Holm 1979).
    pub p_adjusted: Option<f64>,
}

/// The data of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Name, for example `mnist`.
    pub name: String,
    /// SHA-256 over the contents.
    pub fingerprint: String,
    /// Number of classes.
    pub classes: usize,
    /// Height of an image in pixels.
    pub height: usize,
    /// Width of an image in pixels.
    pub width: usize,
    /// Training images of the full-size runs, those held out for validation excluded.
    pub train_images: usize,
    /// Images held out for validation.
    pub valid_images: usize,
    /// Images in the test split.
    pub test_images: usize,
}

/// Where the experiment was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of the backend.
    pub backend: String,
    /// Worker threads.
    pub threads: usize,
}

/// One of the recipes compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkSummary {
    /// Name of the recipe, for example `cnn-small`.
    pub recipe: String,
    /// Which of the two kinds it is.
    pub network: Network,
    /// The layers, for example `784-512-10`.
    pub layers: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// The whole configuration of one run (TOML).
    pub config: String,
    /// Label smoothing in training.
    pub label_smoothing: f64,
    /// Dropout of the hidden dense layers in training.
    pub dropout: f64,
}

/// Question 1: how often each is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The networks as they are.
    pub full: Contest,
    /// Two networks of about the same number of parameters.
    pub matched: Contest,
}

/// Two recipes against each other on the test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// Names of the recipes.
    pub recipe: Pair<String>,
    /// Trainable parameters.
    pub parameters: Pair<usize>,
    /// The seeds, in the order of all values below.
    pub seeds: Vec<u64>,
    /// Test accuracy, 0 to 1.
    pub accuracy: Pair<Sample>,
    /// CNN − MLP.
    pub difference: Difference,
    /// One test a seed.
    pub mcnemar: Vec<McNemar>,
}

/// Question 2: what each costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// One entry for each recipe, in the order of [`Results::networks`].
    pub networks: Vec<NetworkCost>,
}

/// What one network costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkCost {
    /// Name of the recipe.
    pub recipe: String,
    /// Which of the two kinds it is.
    pub network: Network,
    /// Trainable parameters.
    pub parameters: usize,
    /// Multiply-adds to classify one image.
    pub multiply_adds: u64,
    /// Seconds of training in one epoch, median over all epochs of all seeds.
    pub seconds_per_epoch: f64,
    /// Images classified in a second, median of several passes over the test split.
    pub inference_images_per_second: f64,
    /// Bytes of `model.bpk`.
    pub bytes: u64,
    /// How soon the validation accuracy reaches 97, 98 and 99 %.
    pub reaches: Vec<Reaches>,
}

/// How soon a validation accuracy is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reaches {
    /// Validation accuracy, 0 to 1.
    pub accuracy: f64,
    /// Seeds that reach it.
    pub seeds: usize,
    /// Seeds in all.
    pub of: usize,
    /// Median epoch in which it is reached, over the seeds that reach it.
    pub epoch: Option<f64>,
    /// Median seconds of training until the end of that epoch.
    pub seconds: Option<f64>,
}

/// Question 3: what shift, rotation and scale do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Seeds of the networks trained without augmentation.
    pub seeds: Vec<u64>,
    /// Seeds of the networks trained with it.
    pub augmented_seeds: Vec<u64>,
    /// Bound of the random shift in the augmented training, in pixels.
    pub augmentation_shift: f64,
    /// Shift, rotation, scale.
    pub axes: Vec<Axis>,
}

/// What a perturbation of the test images does, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The perturbation.
    pub kind: AxisKind,
    /// Its amounts, ascending, with the one that changes nothing among them.
    pub amounts: Vec<f64>,
    /// Test accuracy at each amount, networks trained without augmentation.
    pub plain: Pair<Vec<Sample>>,
    /// Test accuracy at each amount, networks trained with shift augmentation.
    pub augmented: Pair<Vec<Sample>>,
    /// CNN − MLP of the mean accuracy over all amounts that change something.
    pub plain_difference: Difference,
    /// The same with augmentation.
    pub augmented_difference: Difference,
    /// Mean accuracy over all amounts that change something, augmented − plain, by seed.
    pub gain: Pair<Difference>,
    /// For shifts: the accuracy of the networks trained without augmentation in each direction
    /// (right, left, down, up), mean over the seeds.
    pub directions: Vec<Direction>,
}

/// A perturbation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxisKind {
    /// Shift in pixels, mean over four directions.
    Shift,
    /// Rotation in degrees, clockwise.
    Rotation,
    /// Size of the digit, 1 for unchanged.
    Scale,
}

/// Accuracy against shift in one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// `right`, `left`, `down`, `up`.
    pub name: String,
    /// Accuracy at each amount.
    pub accuracy: Pair<Vec<f64>>,
}

/// Question 4: what damaged images do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corruptions {
    /// Seeds of the networks.
    pub seeds: Vec<u64>,
    /// Accuracy on the test images as they are.
    pub clean: Pair<Sample>,
    /// Each corruption.
    pub kinds: Vec<CorruptionResult>,
    /// Mean accuracy over all corruptions and severities.
    pub mean: Pair<Sample>,
    /// CNN − MLP of that mean.
    pub difference: Difference,
}

/// What one corruption does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorruptionResult {
    /// Its name, for example `shot noise`.
    pub name: String,
    /// Its severities, ascending.
    pub severities: Vec<Severity>,
    /// Mean accuracy over the severities.
    pub mean: Pair<Sample>,
    /// CNN − MLP of that mean.
    pub difference: Difference,
    /// One test image at each severity (PNG, base64).
    pub examples: Vec<String>,
}

/// One severity of a corruption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Severity {
    /// 1 for the mildest.
    pub level: usize,
    /// What it does, for example `σ = 0.5 pixels`.
    pub setting: String,
    /// Test accuracy.
    pub accuracy: Pair<Sample>,
}

/// Question 5: the same fixed permutation of the pixels of all images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permutation {
    /// Seeds of the networks.
    pub seeds: Vec<u64>,
    /// Seed of the permutation.
    pub permutation: u64,
    /// Test accuracy of networks trained on images as they are.
    pub natural: Pair<Sample>,
    /// Test accuracy of networks trained on permuted images, on permuted images.
    pub permuted: Pair<Sample>,
    /// Permuted − natural.
    pub change: Pair<Difference>,
    /// CNN's change − MLP's change.
    pub interaction: Difference,
    /// A test digit as it is and permuted (PNG, base64).
    pub example: [String; 2],
}

/// Question 6: how many images each needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleEfficiency {
    /// Seeds of the networks.
    pub seeds: Vec<u64>,
    /// From few images to all.
    pub sizes: Vec<SampleSize>,
}

/// Both networks trained on some of the images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleSize {
    /// Training images of each class; none for all there are.
    pub per_class: Option<usize>,
    /// Training images in all.
    pub images: usize,
    /// Test accuracy.
    pub accuracy: Pair<Sample>,
    /// CNN − MLP.
    pub difference: Difference,
}

/// Question 7: whether the probabilities mean what they say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Seeds of the networks.
    pub seeds: Vec<u64>,
    /// Each network.
    pub networks: Pair<CalibrationOf>,
    /// CNN − MLP of the expected calibration error as trained.
    pub before_difference: Difference,
    /// CNN − MLP of the expected calibration error after temperature scaling.
    pub after_difference: Difference,
    /// After − before temperature scaling.
    pub improvement: Pair<Difference>,
}

/// The calibration of one network, as trained and after temperature scaling fitted on the
/// validation images (Guo et al. 2017).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationOf {
    /// The temperature; above 1 the network was too sure, below 1 too hesitant.
    pub temperature: Sample,
    /// Expected calibration error as trained, 0 to 1.
    pub error_before: Sample,
    /// Expected calibration error after scaling.
    pub error_after: Sample,
    /// Mean cross-entropy in nats as trained.
    pub loss_before: Sample,
    /// Mean cross-entropy in nats after scaling.
    pub loss_after: Sample,
    /// Reliability diagram as trained, all seeds together.
    pub diagram_before: Vec<Bin>,
    /// Reliability diagram after scaling, all seeds together.
    pub diagram_after: Vec<Bin>,
}

/// The answers whose probability lies in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end, excluded (included for the first).
    pub low: f64,
    /// Upper end, included.
    pub high: f64,
    /// Answers.
    pub count: usize,
    /// Their mean probability; 0 without answers.
    pub confidence: f64,
    /// The fraction of them that are right; 0 without answers.
    pub accuracy: f64,
}

/// Question 8: what each gets wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistakes {
    /// Seed of the two networks looked at.
    pub seed: u64,
    /// Counts on the test split; row = true class, column = predicted class.
    pub confusion: Pair<Vec<Vec<usize>>>,
    /// Images that only the feed-forward network misses.
    pub only_mlp: Gallery,
    /// Images that only the convolutional network misses.
    pub only_cnn: Gallery,
    /// Images that both miss.
    pub both: Gallery,
}

/// Some test images out of a larger number, the most confident mistakes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub images: Vec<Mistake>,
}

/// One test image and what the networks make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Number in the test split, from 0.
    pub index: u32,
    /// Its true class.
    pub label: u8,
    /// The answers.
    pub answer: Pair<Answer>,
    /// The image (PNG, base64; ink dark on white).
    pub png: String,
}

/// The answer of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The class.
    pub label: u8,
    /// Its probability, 0 to 1.
    pub probability: f64,
}

/// Question 9: what the networks look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Seed of the networks shown.
    pub seed: u64,
    /// The filters of the exercise sheet: vertical, horizontal, Laplacian.
    pub sheet: Vec<NamedKernel>,
    /// The filters of the CNN's first layer.
    pub filters: Vec<LearnedFilter>,
    /// What [`LearnedFilter::share`] would be on average for a filter of random numbers.
    pub chance: Option<f64>,
    /// Mean share over the filters, by seed, less [`Features::chance`], with a t-test.
    pub share_over_chance: Option<Difference>,
    /// First-layer weights of the feed-forward network's units of largest norm.
    pub units: Vec<Unit>,
    /// One test digit on its way through the CNN.
    pub digit: DigitMaps,
}

/// A small matrix with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedKernel {
    /// The name.
    pub name: String,
    /// The rows.
    pub rows: Vec<Vec<f64>>,
}

/// A filter of the CNN's first layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedFilter {
    /// The rows.
    pub rows: Vec<Vec<f64>>,
    /// How much of its squared norm lies in the span of the sheet's three filters, laid on its
    /// middle, 0 to 1; none for a filter smaller than 3×3.
    pub share: Option<f64>,
    /// The sheet's filter that it resembles most, and the cosine of the angle between them.
    pub nearest: Option<(String, f64)>,
}

/// The incoming weights of one unit, laid out like the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Number of the unit, from 0.
    pub index: usize,
    /// Euclidean norm of the weights.
    pub norm: f64,
    /// The rows.
    pub rows: Vec<Vec<f64>>,
}

/// A digit and the CNN's feature maps of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DigitMaps {
    /// Number in the test split, from 0.
    pub index: u32,
    /// Its true class.
    pub label: u8,
    /// The image (PNG, base64; ink dark on white).
    pub png: String,
    /// For each block, for each channel: the map's rows.
    pub blocks: Vec<Vec<Vec<Vec<f64>>>>,
}

/// Where time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// For example `training cnn` or `corruptions`.
    pub part: String,
    /// Seconds.
    pub seconds: f64,
}
