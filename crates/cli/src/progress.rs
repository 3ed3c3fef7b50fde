//! Progress on standard error: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};

use digits_report::text::count;
use digits_train::Event;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::percent;

/// Shows a training run: a bar for each epoch, and a line when it is finished.
pub struct TrainingProgress {
    quiet: bool,
    bar: Option<ProgressBar>,
    epochs: usize,
    batches: usize,
    images: usize,
}

impl TrainingProgress {
    /// With `quiet`, only notices are shown.
    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: None,
            epochs: 0,
            batches: 0,
            images: 0,
        }
    }

    /// Shows what has happened.
    pub fn show(&mut self, event: &Event) {
        match event {
            // Said even when asked to be quiet: it changes what the result means.
            Event::Notice(text) => eprintln!("note: {text}"),
            _ if self.quiet => {}
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
                    let steps = count(epochs * batches);
                    eprintln!("resuming after step {} of {steps}", count(*resumed_at));
                }
            }
            Event::Step { .. } if !stderr().is_terminal() => {}
            Event::Step {
                epoch,
                batch,
                loss,
                accuracy,
                images_per_second,
            } => {
                // Of the whole run, at the speed of this epoch.
                let done = (epoch - 1) as f64 + *batch as f64 / self.batches as f64;
                let images = self.images as f64 * (self.epochs as f64 - done);
                let left = duration(images / images_per_second.max(1e-9));
                let (batches, epochs) = (self.batches as u64, self.epochs);
                let bar = self.bar.get_or_insert_with(|| {
                    let template = "{prefix} {bar:24} {pos}/{len}  {msg}";
                    bar(batches, template).with_prefix(format!("epoch {epoch}/{epochs}"))
                });
                bar.set_message(format!(
                    "loss {loss:.4}  accuracy {}  {} images/s  {left} left",
                    percent(*accuracy),
                    count(images_per_second.round() as u64),
                ));
                bar.set_position(*batch as u64);
            }
            Event::Epoch { metrics, best } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                eprintln!(
                    "epoch {}/{}  loss {:.4}  accuracy {}  validation loss {:.4}  accuracy {}{}  {:.1} s",
                    metrics.epoch,
                    self.epochs,
                    metrics.train_loss,
                    percent(metrics.train_accuracy),
                    metrics.valid_loss,
                    percent(metrics.valid_accuracy),
                    if *best { " (best)" } else { "" },
                    metrics.seconds,
                );
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

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// 83.4 → `1:23`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Shows downloads and notices.
pub struct DataProgress {
    quiet: bool,
    bar: Option<(&'static str, ProgressBar)>,
}

impl DataProgress {
    /// With `quiet`, only notices are shown.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: None }
    }

    /// Shows what has happened.
    pub fn show(&mut self, event: digits_data::Event) {
        match event {
            // As for training.
            digits_data::Event::Notice(text) => eprintln!("note: {text}"),
            _ if self.quiet => {}
            digits_data::Event::Download { file, bytes, total } => {
                let current = self.bar.take().filter(|(current, _)| *current == file);
                let (_, bar) = self.bar.insert(current.unwrap_or_else(|| {
                    eprintln!("fetching {file}");
                    let template = "  {bar:24} {bytes}/{total_bytes}  {eta} left";
                    (file, bar(total.unwrap_or(0), template))
                }));
                bar.set_position(bytes);
                if Some(bytes) == total {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// Shows an experiment: one bar over the whole plan, and a line for each network.
pub struct ComparisonProgress {
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl ComparisonProgress {
    const STEPS: u64 = 1000;

    /// With `quiet`, only notices are shown.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: None }
    }

    /// Shows what has happened.
    pub fn show(&mut self, event: digits_compare::Event) {
        use digits_compare::Event;
        match event {
            // As for training.
            Event::Notice(text) => self.line(&format!("note: {text}")),
            _ if self.quiet => {}
            Event::Begin { missing, found } => {
                self.line(&format!(
                    "{missing} networks to train, {found} are there already"
                ));
                if stderr().is_terminal() {
                    self.bar = Some(bar(Self::STEPS, "{bar:24} {percent}%  {msg}"));
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
            Event::Measuring(what) => match &self.bar {
                Some(bar) => bar.set_prefix(what),
                None => self.line(&format!("measuring {what}")),
            },
            Event::Done { share, left } => {
                if let Some(bar) = &self.bar {
                    let left = left.map(|left| format!("{} left", duration(left)));
                    bar.set_message(format!("{}  {}", bar.prefix(), left.unwrap_or_default()));
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
