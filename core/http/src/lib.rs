//! HTTP for the command line and for plugins: the agent, repeated attempts, many requests in flight, addresses that a secret may
//! be sent to, and errors in words.

mod agent;
mod flight;
mod retry;
mod secret;

pub use agent::{agent, config, reason};
pub use flight::in_flight;
pub use retry::{Attempts, is_temporary, retry_after};
pub use secret::is_safe;
