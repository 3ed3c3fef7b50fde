//! Progress on standard error: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};

use digits_report::text::count;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// Steps of the bar of a comparison.
const STEPS: u64 = 1000;

/// Shows how far some work is.
pub struct Progress {
    quiet: bool,
    bar: Option<ProgressBar>,
    /// Of a training run: epochs, batches and images of each.
    run: (usize, usize, usize),
}

impl Progress {
    /// With `quiet`, only notices are shown: they change what the result means.
    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: None,
            run: (0, 0, 0),
        }
    }

    /// A training run: a bar for each epoch, and a line when it is finished.
    pub fn training(&mut self, event: &digits_train::Event) {
        use digits_train::Event;
        match event {
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
                self.run = (*epochs, *batches, *train_images);
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
                let (epochs, batches, images) = self.run;
                let done = (epoch - 1) as f64 + *batch as f64 / batches as f64;
                let images = images as f64 * (epochs as f64 - done);
                let left = duration(images / images_per_second.max(1e-9));
                let bar = self.bar.get_or_insert_with(|| {
                    bar(batches as u64, "{prefix} {bar:24} {pos}/{len}  {msg}")
                        .with_finish(ProgressFinish::Abandon)
                        .with_prefix(format!("epoch {epoch}/{epochs}"))
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
                    self.run.0,
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

    /// Data that are opened: a bar for each download.
    pub fn data(&mut self, event: digits_data::Event) {
        match event {
            digits_data::Event::Notice(text) => eprintln!("note: {text}"),
            _ if self.quiet => {}
            digits_data::Event::Download { file, bytes, total } => {
                let current = self.bar.take().filter(|bar| bar.prefix() == file);
                let bar = self.bar.insert(current.unwrap_or_else(|| {
                    eprintln!("fetching {file}");
                    let template = "  {bar:24} {bytes}/{total_bytes}  {eta} left";
                    bar(total.unwrap_or(0), template).with_prefix(file)
                }));
                bar.set_position(bytes);
                if Some(bytes) == total {
                    bar.finish_and_clear();
                }
            }
        }
    }

    /// An experiment: one bar over the whole plan, and a line for each network.
    pub fn comparison(&mut self, event: digits_compare::Event) {
        use digits_compare::Event;
        match (event, &self.bar) {
            (Event::Notice(text), _) => self.line(&format!("note: {text}")),
            _ if self.quiet => {}
            (Event::Begin { missing, found }, _) => {
                eprintln!("{missing} networks to train, {found} are there already");
                if stderr().is_terminal() {
                    self.bar = Some(bar(STEPS, "{bar:24} {percent}%  {msg}"));
                }
            }
            (Event::Training { name, number, of }, Some(bar)) => {
                bar.set_prefix(format!("{name} ({number} of {of})"));
            }
            (
                Event::Trained {
                    name,
                    accuracy,
                    seconds,
                },
                _,
            ) => self.line(&format!("{name}: {} in {seconds:.1} s", percent(accuracy))),
            (Event::Measuring(what), Some(bar)) => bar.set_prefix(what),
            (Event::Measuring(what), None) => eprintln!("measuring {what}"),
            (Event::Done { share, left }, Some(bar)) => {
                let left = left.map(|left| format!("{} left", duration(left)));
                bar.set_message(format!("{}  {}", bar.prefix(), left.unwrap_or_default()));
                bar.set_position((share * STEPS as f64) as u64);
            }
            (Event::Training { .. } | Event::Done { .. }, None) => {}
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

/// A bar that goes away when it is dropped, unless it is told otherwise.
fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("━╸─")),
        Err(_) => bar,
    }
}

/// 0.99345 → `99.35 %`.
pub fn percent(fraction: f64) -> String {
    digits_report::text::percent(fraction, 2)
}

/// 83.4 → `1:23`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
