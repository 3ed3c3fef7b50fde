//! Bytes to batches: MNIST, any IDX folder, drawn digits, augmentation and image preparation.
