//! HTTP for the command line and for plugins: the agent, repeated attempts, addresses that a secret may
//! be sent to, and errors in words.

mod agent;
mod retry;
mod secret;

pub use agent::{agent, config, reason};
pub use retry::{Attempts, is_temporary, retry_after};
pub use secret::is_safe;
