use std::time::Instant;

use crate::error::CompareError;

/// What the experiment tells and asks while it works.
pub struct Watcher<'a> {
    /// Called with everything that happens.
    pub on_event: &'a mut dyn FnMut(Event),
    /// Asked between steps; `true` saves and ends.
    pub should_stop: &'a dyn Fn() -> bool,
}

/// What happens in an experiment.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Before the first work.
    Begin {
        /// Networks to train.
        missing: usize,
        /// Networks that are there already.
        found: usize,
    },
    /// A network's training begins, or goes on.
    Training {
        /// Its recipe, variant and seed.
        name: String,
        /// Which of the networks to train, from 1.
        number: usize,
        /// Networks to train.
        of: usize,
    },
    /// A network is trained.
    Trained {
        /// Its recipe, variant and seed.
        name: String,
        /// Its test accuracy, 0 to 1.
        accuracy: f64,
        /// Seconds that it took.
        seconds: f64,
    },
    /// A question is being measured.
    Measuring {
        /// The question.
        what: String,
    },
    /// Work has been done.
    Done {
        /// Share of the whole experiment, 0 to 1.
        share: f64,
        /// Seconds left, as far as can be told.
        left: Option<f64>,
    },
    /// Something that a person should be told.
    Notice(String),
}

/// Counts the work of the experiment and tells the watcher.
pub(crate) struct Progress<'w> {
    watcher: Watcher<'w>,
    started: Instant,
    total: f64,
    done: f64,
}

impl<'w> Progress<'w> {
    pub fn new(watcher: Watcher<'w>) -> Self {
        Self {
            watcher,
            started: Instant::now(),
            total: 1.0,
            done: 0.0,
        }
    }

    /// What asks whether to stop.
    pub fn should_stop(&self) -> &'w dyn Fn() -> bool {
        self.watcher.should_stop
    }

    pub fn begin(&mut self, total: f64, missing: usize, found: usize) {
        self.started = Instant::now();
        self.total = total.max(1.0);
        self.say(Event::Begin { missing, found });
    }

    pub fn say(&mut self, event: Event) {
        (self.watcher.on_event)(event);
    }

    /// Tells of `more` work beyond what is done, without counting it.
    pub fn show(&mut self, more: f64) {
        let done = self.done + more;
        let share = (done / self.total).clamp(0.0, 1.0);
        // The first moments say nothing about the speed.
        let elapsed = self.started.elapsed().as_secs_f64();
        let left = (elapsed > 2.0 && share > 0.0).then(|| elapsed * (1.0 - share) / share);
        self.say(Event::Done { share, left });
    }

    /// Counts work as done.
    ///
    /// # Errors
    /// [`CompareError::Interrupted`] if the watcher asks to stop.
    pub fn advance(&mut self, work: f64) -> Result<(), CompareError> {
        self.done += work;
        self.show(0.0);
        if (self.watcher.should_stop)() {
            return Err(CompareError::Interrupted);
        }
        Ok(())
    }
}
