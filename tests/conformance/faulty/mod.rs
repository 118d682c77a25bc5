//! Components with a configurable fault, each of which violates one invariant.

mod dataset;
mod generator;
mod metric;
mod options;
mod retriever;

gloss_core::plugin! {
    dataset "faulty" => dataset::Faulty,
    generator "faulty" => generator::Faulty,
    retriever "faulty" => retriever::Faulty,
    metric "faulty" => metric::Faulty,
    metric "untidy" => options::Untidy,
}

/// Declares a component whose option `breaks` names the invariant that it fails.
macro_rules! faulty {
    () => {
        /// A component that fails an invariant.
        #[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Faulty {
            /// The invariant that it fails, in a word.
            breaks: String,
        }

        impl Faulty {
            fn breaks(&self, invariant: &str) -> bool {
                self.breaks == invariant
            }
        }
    };
}
use faulty;

/// Other digits at every call.
fn now() -> f32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().subsec_nanos() as f32
}
