use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::{
    Catalogue, Context, Data, Dataset, Diagnostic, Download, Hit, Index, IndexStatistic, QueryKind,
    Request, Retriever, Segment,
};

/// The names of the methods in the blocks of a source that begin with `head`.
fn methods(source: &str, head: &str) -> BTreeSet<String> {
    let begin = source.find(head).unwrap_or_else(|| panic!("no `{head}`"));
    let block = source[begin..].split("\n}\n").next().unwrap();
    let lines = block
        .lines()
        .filter_map(|line| line.strip_prefix("    fn "));
    lines
        .map(|line| line.split(['(', '<']).next().unwrap().to_string())
        .collect()
}

#[test]
fn every_method_of_every_trait_is_forwarded() {
    let source = |name: &str| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        std::fs::read_to_string(sources.join(name)).unwrap()
    };
    let traits = [
        (
            "component.rs",
            "trait Component:",
            "mod.rs",
            " Component for",
        ),
        ("dataset.rs", "trait Dataset:", "kinds.rs", " Dataset for"),
        (
            "retriever.rs",
            "trait Retriever:",
            "kinds.rs",
            " Retriever for",
        ),
        ("retriever.rs", "trait Index:", "kinds.rs", " Index for"),
        ("metric.rs", "trait Metric:", "kinds.rs", " Metric for"),
        (
            "generator.rs",
            "trait QueryGenerator:",
            "generator.rs",
            " QueryGenerator for",
        ),
        (
            "generator.rs",
            "trait Generator {",
            "generator.rs",
            " Generator for",
        ),
        (
            "generator.rs",
            "trait Trainer {",
            "generator.rs",
            " Trainer for",
        ),
    ];
    for (definition, head, forwarding, implementation) in traits {
        let declared = methods(&source(definition), head);
        let forwarding = source(&format!("library/guard/{forwarding}"));
        assert!(!declared.is_empty(), "{head}");
        assert_eq!(methods(&forwarding, implementation), declared, "{head}");
    }
}

/// A component all of whose methods return something else than the defaults do.
#[derive(Debug)]
struct Mine;

impl Component for Mine {
    fn name(&self) -> &str {
        "mine"
    }

    fn options(&self) -> Result<String> {
        Ok("{}".into())
    }

    fn package(&self) -> (&str, &str) {
        ("crate-of-mine", "1.2.3")
    }

    fn code(&self) -> Result<Code> {
        Ok(Code::of_crate("crate-of-mine", Some("0123")))
    }
}

impl Dataset for Mine {
    fn check(&self) -> Vec<Diagnostic> {
        vec![Diagnostic::new("key", "wrong")]
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(vec!["input".into()])
    }

    fn sources(&self) -> Vec<Download> {
        vec![Download {
            url: "https://example.org".into(),
            path: "input".into(),
        }]
    }

    fn segments(&self) -> Vec<Segment> {
        Segment::cold_regular_power(10)
    }

    fn load(&self, _: &Context) -> Result<Data> {
        Err(Error::Usage("not today".into()))
    }
}

impl Retriever for Mine {
    fn check(&self) -> Vec<Diagnostic> {
        vec![Diagnostic::new("key", "wrong")]
    }

    fn accepts(&self) -> &[QueryKind] {
        &[QueryKind::Items, QueryKind::Text]
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        Ok(vec!["encoder".into()])
    }

    fn identity(&self) -> Result<Identity> {
        Identity::of(self)?.with_option("device", "cpu".into())
    }

    fn build(&self, _: &Catalogue, _: &Path, _: &Context) -> Result<()> {
        panic!("on purpose")
    }

    fn open<'a>(&'a self, _: &'a Catalogue, _: &Path, _: &Context) -> Result<Box<dyn Index + 'a>> {
        Ok(Box::new(Mine))
    }
}

impl Index for Mine {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        Ok(vec![Vec::new(); requests.len()])
    }

    fn statistics(&self) -> Vec<IndexStatistic> {
        vec![IndexStatistic::new("recall", 0.5)]
    }
}

fn guarded_component(component: AnyComponent) -> AnyComponent {
    let file = InputFile {
        path: "libmine.so".into(),
        bytes: 1,
        blake3: "ff".into(),
    };
    Guard::of("mine of libmine.so".into(), file, component).unwrap()
}

#[test]
fn a_guarded_dataset_returns_what_the_dataset_does() {
    let guarded = guarded_component(AnyComponent::Dataset(Arc::new(Mine)));
    let AnyComponent::Dataset(guarded) = guarded else {
        panic!("another kind")
    };
    assert_eq!(guarded.check(), Dataset::check(&Mine));
    assert_eq!(guarded.inputs().unwrap(), [PathBuf::from("input")]);
    assert_eq!(guarded.sources(), Mine.sources());
    assert_eq!(guarded.segments(), Mine.segments());
    let error = guarded.load(&Context::default()).unwrap_err();
    assert_eq!(error.to_string(), "not today");
    assert_eq!(guarded.name(), "mine");
    assert_eq!(guarded.package(), ("crate-of-mine", "1.2.3"));
}

#[test]
fn a_guarded_retriever_returns_what_the_retriever_does_with_the_file_as_its_code() {
    let guarded = guarded_component(AnyComponent::Retriever(Arc::new(Mine)));
    let AnyComponent::Retriever(guarded) = guarded else {
        panic!("another kind")
    };
    assert_eq!(guarded.check(), Retriever::check(&Mine));
    assert_eq!(guarded.accepts(), Mine.accepts());
    assert_eq!(guarded.inputs().unwrap(), [PathBuf::from("encoder")]);
    let identity = guarded.identity().unwrap();
    assert_eq!(identity.options, r#"{"device":"cpu"}"#);
    assert!(identity.code.crates.is_empty());
    assert_eq!(identity.code.files[0].path, PathBuf::from("libmine.so"));
    let (catalogue, context) = (Catalogue::default(), Context::default());
    let index = guarded.open(&catalogue, Path::new(""), &context).unwrap();
    assert_eq!(index.statistics(), Index::statistics(&Mine));
    let built = guarded.build(&catalogue, Path::new(""), &context);
    let told = built.unwrap_err().to_string();
    assert!(
        told.contains("mine of libmine.so") && told.contains("on purpose"),
        "{told}"
    );
}
