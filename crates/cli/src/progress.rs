use std::io::{IsTerminal, stderr};

use digits_train::{EpochMetrics, Event};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{percent, thousands};

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
        if self.quiet {
            return;
        }
        match event {
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
                    thousands(*parameters as f64),
                    thousands(*train_images as f64),
                    thousands(*valid_images as f64),
                );
                if *resumed_at > 0 {
                    eprintln!(
                        "going on after step {} of {}",
                        thousands(*resumed_at as f64),
                        thousands((epochs * batches) as f64)
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
                    thousands(*images_per_second),
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
