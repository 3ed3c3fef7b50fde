//! One run: loop, evaluation, checkpoints, resume, prediction.
