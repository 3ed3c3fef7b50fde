//! Progress on standard error.

use std::io::{IsTerminal, stderr};

use digits_report::text::count;
use digits_train::{EpochMetrics, Event};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::percent;

/// Shows a training run on standard error: a bar on a terminal, plain lines elsewhere.
pub struct TrainingProgress {
    quiet: bool,
    bar: Option<ProgressBar>,
    epochs: usize,
    batches: usize,
    images: usize,
}

impl TrainingProgress {
    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: None,
            epochs: 0,
            batches: 0,
            images: 0,
        }
    }

    pub fn show(&mut self, event: &Event) {
        if let Event::Notice(text) = event {
            eprintln!("note: {text}"); // said even when asked to be quiet
        }
        if self.quiet {
            return;
        }
        match event {
            Event::Notice(_) => {}
            Event::Begin {
                parameters,
                train_images,
                valid_images,
                epochs,
                batches,
                resumed_at,
            } => {
                (self.epochs, self.batches, self.images) = (*epochs, *batches, *train_images);
                eprintln!(
                    "{} parameters, {} training and {} validation images, {epochs} epochs of {batches} steps",
                    count(*parameters),
                    count(*train_images),
                    count(*valid_images),
                );
                if *resumed_at > 0 {
                    eprintln!(
                        "going on after step {} of {}",
                        count(*resumed_at),
                        count(epochs * batches)
                    );
                }
            }
            Event::Step {
                epoch,
                batch,
                loss,
                accuracy,
                images_per_second,
            } => {
                if !stderr().is_terminal() {
                    return;
                }
                // Of the whole run, at the speed of this epoch.
                let done = (epoch - 1) as f64 + *batch as f64 / self.batches as f64;
                let images = self.images as f64 * (self.epochs as f64 - done);
                let left = duration(images / images_per_second.max(1e-9));
                let bar = self
                    .bar
                    .get_or_insert_with(|| bar(self.batches, *epoch, self.epochs));
                bar.set_message(format!(
                    "loss {loss:.4}  accuracy {}  {} images/s  {} left",
                    percent(*accuracy),
                    count(images_per_second.round() as u64),
                    left
                ));
                bar.set_position(*batch as u64);
            }
            Event::Epoch { metrics, best } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                eprintln!("{}", epoch_line(metrics, self.epochs, *best));
            }
        }
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}

fn bar(batches: usize, epoch: usize, epochs: usize) -> ProgressBar {
    let bar = ProgressBar::new(batches as u64);
    let template = format!("epoch {epoch}/{epochs} {{bar:24}} {{pos}}/{{len}}  {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// 83.4 → `1:23`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn epoch_line(metrics: &EpochMetrics, epochs: usize, best: bool) -> String {
    format!(
        "epoch {}/{epochs}  loss {:.4}  accuracy {}  validation loss {:.4}  accuracy {}{}  {:.1} s",
        metrics.epoch,
        metrics.train_loss,
        percent(metrics.train_accuracy),
        metrics.valid_loss,
        percent(metrics.valid_accuracy),
        if best { " (best)" } else { "" },
        metrics.seconds,
    )
}

/// Shows downloads and notices on standard error.
pub struct DataProgress {
    quiet: bool,
    bar: Option<(&'static str, ProgressBar)>,
}

impl DataProgress {
    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: None }
    }

    pub fn show(&mut self, event: digits_data::Event) {
        match event {
            // A notice is said even when asked to be quiet: it changes what the result means.
            digits_data::Event::Notice(text) => eprintln!("note: {text}"),
            digits_data::Event::Download { file, bytes, total } => {
                if self.quiet {
                    return;
                }
                if self
                    .bar
                    .as_ref()
                    .is_none_or(|(current, _)| *current != file)
                {
                    eprintln!("fetching {file}");
                    let bar = ProgressBar::new(total.unwrap_or(0));
                    if let Ok(style) =
                        ProgressStyle::with_template("  {bar:24} {bytes}/{total_bytes}  {eta} left")
                    {
                        bar.set_style(style.progress_chars("━╸─"));
                    }
                    self.bar = Some((file, bar));
                }
                if let Some((_, bar)) = &self.bar {
                    bar.set_position(bytes);
                    if Some(bytes) == total {
                        bar.finish_and_clear();
                    }
                }
            }
        }
    }
}

/// Shows an experiment on standard error: one bar over the whole plan on a terminal, and a line
/// for each network.
pub struct ComparisonProgress {
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl ComparisonProgress {
    const STEPS: u64 = 1000;

    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: None }
    }

    pub fn show(&mut self, event: digits_compare::Event) {
        use digits_compare::Event;
        match event {
            // As for the data: it changes what the result means.
            Event::Notice(text) => self.line(&format!("note: {text}")),
            _ if self.quiet => {}
            Event::Begin { missing, found } => {
                self.line(&format!(
                    "{missing} networks to train, {found} are there already"
                ));
                if stderr().is_terminal() {
                    let bar = ProgressBar::new(Self::STEPS);
                    if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent}%  {msg}") {
                        bar.set_style(style.progress_chars("━╸─"));
                    }
                    self.bar = Some(bar);
                }
            }
            Event::Training { name, number, of } => {
                if let Some(bar) = &self.bar {
                    bar.set_prefix(format!("{name} ({number} of {of})"));
                }
            }
            Event::Trained {
                name,
                accuracy,
                seconds,
            } => self.line(&format!("{name}: {} in {seconds:.1} s", percent(accuracy))),
            Event::Measuring { what } => match &self.bar {
                Some(bar) => bar.set_prefix(what),
                None => self.line(&format!("measuring {what}")),
            },
            Event::Done { share, left } => {
                if let Some(bar) = &self.bar {
                    let left = left
                        .map(|left| format!("{} left", duration(left)))
                        .unwrap_or_default();
                    bar.set_message(format!("{}  {left}", bar.prefix()));
                    bar.set_position((share * Self::STEPS as f64) as u64);
                }
            }
        }
    }

    /// A line of its own, above the bar where there is one.
    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for ComparisonProgress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
