//! From names to components.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::component::{AnyComponent, Kind, Options};
use crate::{Component, Dataset, Error, Fault, Metric, QueryGenerator, Result, Retriever};

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The crate, or the file, that it came in.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file that it was loaded from; none if it is compiled in.
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

/// A crate of components that is compiled in; [`plugin!`](crate::plugin) submits it.
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

/// What the registry knows of one component.
pub struct Entry {
    /// The component's kind.
    pub kind: Kind,
    /// The component's name, unique among its kind.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// The JSON Schema of its options.
    pub schema: Value,
    /// Where it comes from.
    pub origin: Origin,
    parse: Box<Parse>,
}

/// One option of a component, as its schema tells.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionDescription {
    /// The key; a dotted path for an option inside a table.
    pub name: String,
    /// The type, with its range or its values: `number ≥ 0`, `lucene | atire`.
    pub r#type: String,
    /// The default; `None` if the option must be given.
    pub default: Option<Value>,
    /// What it means.
    pub doc: String,
}

impl Entry {
    /// A component whose options `schema` describes and `parse` reads.
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
            summary: crate::schema::summary(&schema),
            schema,
            origin,
            parse: Box::new(parse),
        }
    }

    /// Makes the component from options that the schema allows.
    ///
    /// # Errors
    /// What serde says where it is stricter than the schema.
    pub fn parse(&self, options: Value) -> Result<AnyComponent, String> {
        (self.parse)(options)
    }

    /// The component's options, in the order in which they are declared; after a table, those
    /// inside it.
    pub fn options(&self) -> Vec<OptionDescription> {
        crate::schema::options(&self.schema)
    }
}

/// All components that can be named, of all kinds.
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
    /// If two of them have one name.
    pub fn compiled_in() -> Result<Self> {
        let mut plugins: Vec<&Plugin> = inventory::iter::<Plugin>().collect();
        plugins.sort_by_key(|plugin| plugin.name);
        let mut registry = Registry::new();
        for plugin in plugins {
            (plugin.register)(&mut registry)?;
        }
        Ok(registry)
    }

    /// The components that are compiled in, and those of all files that this process has loaded.
    ///
    /// # Errors
    /// If two of them have one name, or a file's components cannot be registered.
    pub fn known() -> Result<Self> {
        let mut registry = Registry::compiled_in()?;
        crate::loaded::register(&mut registry)?;
        Ok(registry)
    }

    /// Adds a data set.
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
        let schema = crate::schema::of::<C>();
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

    /// All components, kind by kind, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All components, kind by kind, by name, given away.
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
    /// A fault of the key `key` that suggests the nearest name and lists all.
    pub fn get(&self, kind: Kind, name: &str, key: &str) -> Result<&Entry, Fault> {
        self.entries.get(&(kind, name.to_string())).ok_or_else(|| {
            Fault::unknown(
                key,
                format!("there is no {kind} `{name}`"),
                name,
                self.names(kind),
            )
        })
    }
}

/// Declares the components of a crate: their kinds, names and types, each name written once.
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
///         QueryKind::Item
///     }
///     fn open<'a>(&'a self, _: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
///         Ok(Box::new(|histories: &[History<'_>]| {
///             Ok(vec![vec![Query::item(0, 0.0)]; histories.len()])
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
/// It makes the function `register`, which adds them to a [`Registry`], and submits it, so that
/// every binary that links the crate has them. A binary must name the crate (`use the_crate as
/// _;`), or the linker drops it.
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
