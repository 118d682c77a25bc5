//! Components that break the law that they are told to, and no other that matters here.

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

/// Declares a component of which `breaks` says which law it breaks.
macro_rules! faulty {
    () => {
        /// A component that breaks a law.
        #[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Faulty {
            /// Which law it breaks, in a word.
            breaks: String,
        }

        impl Faulty {
            fn breaks(&self, law: &str) -> bool {
                self.breaks == law
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
