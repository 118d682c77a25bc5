//! The registry: from names to components.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::{
    Component, Dataset, Diagnostic, Error, Kind, Metric, OptionDescription, Options,
    QueryGenerator, Result, Retriever,
};

/// A configured component of any kind.
#[derive(Clone)]
pub enum AnyComponent {
    /// A dataset.
    Dataset(Arc<dyn Dataset>),
    /// A query generator.
    Generator(Arc<dyn QueryGenerator>),
    /// A retriever.
    Retriever(Arc<dyn Retriever>),
    /// A metric.
    Metric(Arc<dyn Metric>),
}

impl AnyComponent {
    /// The component, whatever its kind.
    pub fn component(&self) -> &dyn Component {
        match self {
            AnyComponent::Dataset(dataset) => dataset.as_ref(),
            AnyComponent::Generator(generator) => generator.as_ref(),
            AnyComponent::Retriever(retriever) => retriever.as_ref(),
            AnyComponent::Metric(metric) => metric.as_ref(),
        }
    }

    /// The diagnostics of the component's own check of its options.
    pub fn check(&self) -> Vec<Diagnostic> {
        match self {
            AnyComponent::Dataset(dataset) => dataset.check(),
            AnyComponent::Generator(generator) => generator.check(),
            AnyComponent::Retriever(retriever) => retriever.check(),
            AnyComponent::Metric(metric) => metric.check(),
        }
    }
}

/// The origin of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The crate or the plugin that provides it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file that it was loaded from; `None` if it is compiled in.
    pub file: Option<PathBuf>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        match &self.file {
            Some(file) => write!(f, " ({})", file.display()),
            None => Ok(()),
        }
    }
}

/// A compiled-in crate of components; [`plugin!`](crate::plugin) submits it.
pub struct Plugin {
    /// The crate's name.
    pub name: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// Registers its components.
    pub register: fn(&mut Registry) -> Result<()>,
}
inventory::collect!(Plugin);

type Parse = dyn Fn(Value) -> Result<AnyComponent, String> + Send + Sync;

/// A registered component.
pub struct Entry {
    /// The component's kind.
    pub kind: Kind,
    /// The name, unique within the kind.
    pub name: String,
    /// A description in one sentence.
    pub summary: String,
    /// The JSON Schema of its options.
    pub schema: Value,
    /// The origin.
    pub origin: Origin,
    parse: Box<Parse>,
}

impl Entry {
    /// A component whose options are described by `schema` and read by `parse`.
    pub fn new(
        kind: Kind,
        name: impl Into<String>,
        schema: Value,
        origin: Origin,
        parse: impl Fn(Value) -> Result<AnyComponent, String> + Send + Sync + 'static,
    ) -> Self {
        Entry {
            kind,
            name: name.into(),
            summary: crate::summary(&schema),
            schema,
            origin,
            parse: Box::new(parse),
        }
    }

    /// Makes the component from options that the schema allows.
    ///
    /// # Errors
    /// The message of serde where it is stricter than the schema.
    pub fn parse(&self, options: Value) -> Result<AnyComponent, String> {
        (self.parse)(options)
    }

    /// The component's options in the order of their declaration; a table is followed by its own
    /// options.
    pub fn options(&self) -> Vec<OptionDescription> {
        crate::schema::options(&self.schema)
    }
}

/// Components of all kinds, by name.
#[derive(Default)]
pub struct Registry {
    entries: BTreeMap<(Kind, String), Entry>,
}

impl Registry {
    /// No components.
    pub fn new() -> Self {
        Registry::default()
    }

    /// The components of all plugin crates that are compiled in.
    ///
    /// # Errors
    /// If two of them have the same name.
    pub fn compiled_in() -> Result<Self> {
        let mut plugins: Vec<&Plugin> = inventory::iter::<Plugin>().collect();
        plugins.sort_by_key(|plugin| plugin.name);
        let mut registry = Registry::new();
        for plugin in plugins {
            (plugin.register)(&mut registry)?;
        }
        Ok(registry)
    }

    /// Adds a dataset.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn dataset<C: Dataset + Options + 'static>(
        &mut self,
        name: &str,
        origin: &Origin,
    ) -> Result<()> {
        self.add::<C>(Kind::Dataset, name, origin, |c| {
            AnyComponent::Dataset(Arc::new(c))
        })
    }

    /// Adds a query generator.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn generator<C: QueryGenerator + Options + 'static>(
        &mut self,
        name: &str,
        origin: &Origin,
    ) -> Result<()> {
        self.add::<C>(Kind::Generator, name, origin, |c| {
            AnyComponent::Generator(Arc::new(c))
        })
    }

    /// Adds a retriever.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn retriever<C: Retriever + Options + 'static>(
        &mut self,
        name: &str,
        origin: &Origin,
    ) -> Result<()> {
        self.add::<C>(Kind::Retriever, name, origin, |c| {
            AnyComponent::Retriever(Arc::new(c))
        })
    }

    /// Adds a metric.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn metric<C: Metric + Options + 'static>(
        &mut self,
        name: &str,
        origin: &Origin,
    ) -> Result<()> {
        self.add::<C>(Kind::Metric, name, origin, |c| {
            AnyComponent::Metric(Arc::new(c))
        })
    }

    fn add<C: Component + Options + 'static>(
        &mut self,
        kind: Kind,
        name: &str,
        origin: &Origin,
        wrap: fn(C) -> AnyComponent,
    ) -> Result<()> {
        let schema = crate::schema_of::<C>();
        let parse = move |value| {
            serde_json::from_value::<C>(value)
                .map(wrap)
                .map_err(|error| error.to_string())
        };
        self.insert(Entry::new(kind, name, schema, origin.clone(), parse))
    }

    /// Adds a component.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn insert(&mut self, entry: Entry) -> Result<()> {
        let key = (entry.kind, entry.name.clone());
        if let Some(first) = self.entries.get(&key) {
            return Err(Error::Usage(format!(
                "two components are named {} `{}`: one in {}, one in {}; rename one of them",
                entry.kind, entry.name, first.origin, entry.origin,
            )));
        }
        self.entries.insert(key, entry);
        Ok(())
    }

    /// All components, by kind and name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All components, by kind and name.
    pub fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_values()
    }

    /// The names of all components of a kind, sorted.
    pub fn names(&self, kind: Kind) -> Vec<&str> {
        self.entries()
            .filter(|entry| entry.kind == kind)
            .map(|entry| entry.name.as_str())
            .collect()
    }

    /// The component `name` of `kind`.
    ///
    /// # Errors
    /// A diagnostic of the key `key` that suggests the nearest name and lists all names.
    pub fn get(&self, kind: Kind, name: &str, key: &str) -> Result<&Entry, Diagnostic> {
        self.entries.get(&(kind, name.to_string())).ok_or_else(|| {
            Diagnostic::unknown(
                key,
                format!("there is no {kind} `{name}`"),
                name,
                self.names(kind),
            )
        })
    }
}

/// Declares the components of a crate: kind, name and type of each.
///
/// ```
/// # use gloss_core::*;
/// /// Everybody gets the first item of the catalogue.
/// #[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct First {}
///
/// impl QueryGenerator for First {
///     fn produces(&self) -> QueryKind {
///         QueryKind::Items
///     }
///     fn open<'a>(&'a self, _: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
///         Ok(Box::new(|histories: &[History<'_>]| {
///             Ok(vec![vec![Query::items(vec![(0, 0.0)])]; histories.len()])
///         }))
///     }
/// }
///
/// plugin! {
///     generator "first" => First,
/// }
/// # assert!(Registry::compiled_in().unwrap().get(Kind::Generator, "first", "").is_ok());
/// ```
///
/// It defines the function `register`, which adds them to a [`Registry`], and submits it, so that
/// every binary that links the crate has them. A binary must name the crate (`use the_crate as
/// _;`), or the linker drops it. The fingerprint of the crate's code comes from
/// `gloss_fingerprint::emit()` in its build script; without it the hash of the whole program takes
/// its place in cache keys.
#[macro_export]
macro_rules! plugin {
    ($($kind:ident $name:literal => $type:ty),+ $(,)?) => {
        const _: () = {
            use $crate::typetag;
            $(
                #[typetag::serialize(name = $name)]
                impl $crate::Tagged for $type {}

                impl $crate::Component for $type {
                    fn name(&self) -> &str {
                        $crate::Tagged::typetag_name(self)
                    }

                    fn options(&self) -> $crate::Result<::std::string::String> {
                        $crate::options_text(self)
                    }

                    fn package(&self) -> (&str, &str) {
                        (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                    }

                    fn code(&self) -> $crate::Result<$crate::Code> {
                        let fingerprint = option_env!("GLOSS_FINGERPRINT");
                        Ok($crate::Code::of_crate(env!("CARGO_PKG_NAME"), fingerprint))
                    }
                }
            )+
        };

        /// Registers this crate's components.
        ///
        /// # Errors
        /// If a name is taken.
        #[allow(unreachable_pub, reason = "a crate may keep the module to itself")]
        pub fn register(registry: &mut $crate::Registry) -> $crate::Result<()> {
            let origin = $crate::Origin {
                name: env!("CARGO_PKG_NAME").to_string(),
                version: env!("CARGO_PKG_VERSION").to_string(),
                file: None,
            };
            $(registry.$kind::<$type>($name, &origin)?;)+
            Ok(())
        }

        $crate::inventory::submit! {
            $crate::Plugin {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                register,
            }
        }
    };
}
