//! Files of experiment trackers: TensorBoard's events, and offline runs of Weights & Biases.
//!
//! Both are records of protocol buffers with checksums. Their programs read them without a server,
//! `tensorboard --logdir FOLDER` and `wandb sync FOLDER`.

mod message;
pub mod tensorboard;
pub mod wandb;
