use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::network::Network;
use crate::plan::Plan;
use crate::question::{Asked, Context, DatasetSummary, Machine, NetworkSummary};
use crate::questions::Findings;
use crate::runner::{Experiment, Runner, Timing, Watcher};
use crate::runs::{Group, Trained};
use crate::stats;

/// Version of `results.json`.
pub const SCHEMA: u32 = 1;

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
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
    /// The answer to "what do you observe?", made from the findings.
    pub answer: Vec<Sentence>,
    /// Where the time of this call went; parts that were known from an earlier one took none.
    pub time: Vec<Timing>,
}

/// Does the whole experiment. Runs and measurements that are there already are used again.
///
/// # Errors
/// A run or a file that fails; [`CompareError::Interrupted`] if the watcher asked to stop: the
/// next call resumes.
pub fn compare<'a>(
    experiment: &Experiment<'a>,
    watcher: Watcher<'a>,
) -> Result<Results, CompareError> {
    let plan = experiment.plan;
    plan.validate()?;
    let mut runner = Runner::open(experiment, watcher)?;
    let groups = Findings::groups(&mut runner)?;
    let evaluated = Findings::evaluated_images(plan, runner.test.len());
    runner.train(&groups, evaluated)?;
    let findings = Findings::measure(&mut runner)?;
    let (dataset, test) = (runner.dataset, &runner.test);
    let split = &runner.runs(&Group::full(plan)).mlp[0].record.dataset; // a plan has seeds
    let mut results = Results {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        plan: plan.clone(),
        dataset: DatasetSummary {
            name: dataset.name.clone(),
            fingerprint: dataset.fingerprint.clone(),
            classes: dataset.train.classes(),
            height: test.shape().height,
            width: test.shape().width,
            train_images: split.train_images,
            valid_images: split.valid_images,
            test_images: test.len(),
        },
        machine: Machine {
            backend: plan.backend.clone(),
            threads: plan.threads,
        },
        networks: runner
            .compared()
            .into_iter()
            .map(|(network, runs)| summary(network, runs[0])) // a plan has seeds
            .collect::<Result<_, _>>()?,
        findings,
        answer: Vec::new(),
        time: runner.time,
    };
    results.answer = answer(&results.findings.questions(), &results.context());
    Ok(results)
}

impl Results {
    /// What the questions' texts share.
    pub(crate) fn context(&self) -> Context<'_> {
        let questions = self.findings.questions();
        let accuracy_of = |network: &NetworkSummary| {
            let mut questions = questions.iter();
            questions.find_map(|question| question.found.test_accuracy(&network.recipe))
        };
        Context {
            plan: &self.plan,
            dataset: &self.dataset,
            networks: &self.networks,
            accuracies: self.networks.iter().map(accuracy_of).collect(),
        }
    }
}

fn summary(network: Network, run: &Trained) -> Result<NetworkSummary, CompareError> {
    let (_, config) = run.folder.describe()?;
    Ok(NetworkSummary {
        recipe: run.record.recipe.clone(),
        network,
        layers: config.model.to_string(),
        parameters: run.record.parameters,
        label_smoothing: config.training.label_smoothing,
        dropout: config.model.dropout(),
        config: toml::to_string(&config).map_err(CompareError::report)?,
    })
}

/// One sentence of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// The question that it answers, as in `Findings`: `accuracy`, `cost` …
    pub question: String,
    pub text: String,
    /// The test behind it, if it rests on one: for example `paired t-test, 5 seeds`.
    pub test: Option<String>,
    pub p: Option<f64>,
    /// The same, adjusted for the number of sentences that rest on a test (Holm 1979).
    pub p_adjusted: Option<f64>,
}

/// The answer to "what do you observe?", in sentences made from the measurements.
///
/// A sentence claims a difference only where the test behind it supports the claim at the 5 %
/// level after Holm's correction for all sentences that rest on a test; else it says that none
/// was found. Which of the networks it favours, the numbers decide.
pub(crate) fn answer(questions: &[Asked<'_>], context: &Context<'_>) -> Vec<Sentence> {
    let claims: Vec<_> = questions
        .iter()
        .flat_map(|asked| {
            let claims = asked.found.claims(context).into_iter();
            claims.map(|claim| (asked.id, claim))
        })
        .collect();
    let known: Vec<f64> = claims.iter().filter_map(|(_, claim)| claim.p).collect();
    let mut adjusted = stats::holm(&known).into_iter();
    claims
        .into_iter()
        .map(|(id, claim)| {
            let p_adjusted = claim.p.and_then(|_| adjusted.next());
            Sentence {
                question: id.to_owned(),
                text: (claim.write)(p_adjusted),
                test: claim.test,
                p: claim.p,
                p_adjusted,
            }
        })
        .collect()
}
