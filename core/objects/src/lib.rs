//! Files in object stores: `s3://bucket/path` and `gs://bucket/path`, with the credentials and settings
//! of the environment, as the command lines of these stores read them (`AWS_ACCESS_KEY_ID`,
//! `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS` and so on).
//!
//! - `address`: a URL, and the place of its mirror.
//! - `store`: calls to the stores, with their errors in words.
//! - `mirror`: objects brought to this machine, each with a record by which it is recognised later.
//! - `upload`: folders taken to a store.

mod address;
mod mirror;
mod store;
mod upload;

pub use address::is_url;
pub use store::Objects;

// Only its features are used.
use reqwest as _;
