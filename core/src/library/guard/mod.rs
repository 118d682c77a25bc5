//! Components that cannot panic: every call catches panics and converts them into errors that name
//! the component and its file.

mod generator;
mod kinds;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::{AnyComponent, Code, Component, Error, Identity, InputFile, Result};

/// Runs `work`; a panic becomes an error of the component `label`.
pub(super) fn guarded<R>(
    label: impl FnOnce() -> String,
    work: impl FnOnce() -> Result<R>,
) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = format!(
            "panicked ({}); this is a bug in its code",
            message(panic.as_ref())
        );
        Err(Error::component(label(), message))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

/// A value whose use and drop are guarded.
struct Held<T> {
    label: String,
    /// `None` only while it is dropped.
    value: Option<T>,
}

impl<T> Held<T> {
    fn new(label: String, value: T) -> Self {
        let value = Some(value);
        Held { label, value }
    }

    fn call<'a, R>(&'a self, work: impl FnOnce(&'a T) -> Result<R>) -> Result<R> {
        let label = || self.label.clone();
        guarded(label, || match &self.value {
            Some(value) => work(value),
            None => Err(Error::Internal("a component was used after its end".into())),
        })
    }

    fn call_mut<R>(&mut self, work: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        let Held { label, value } = self;
        guarded(
            || label.clone(),
            || match value {
                Some(value) => work(value),
                None => Err(Error::Internal("a component was used after its end".into())),
            },
        )
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        let dropped = guarded(
            || self.label.clone(),
            || {
                drop(value);
                Ok(())
            },
        );
        if let Err(error) = dropped {
            tracing::error!("{error}");
        }
    }
}

/// A guarded component, with the properties that it returns by reference.
pub(super) struct Guard<T: ?Sized, F> {
    inner: Held<Arc<T>>,
    name: String,
    package: (String, String),
    file: InputFile,
    facts: F,
}

impl Guard<(), ()> {
    /// Guards a component of the library `file`.
    pub(super) fn of(
        label: String,
        file: InputFile,
        component: AnyComponent,
    ) -> Result<AnyComponent> {
        Ok(match component {
            AnyComponent::Dataset(it) => {
                AnyComponent::Dataset(Arc::new(guard(label, file, it, |_| ())?))
            }
            AnyComponent::Generator(it) => {
                AnyComponent::Generator(Arc::new(guard(label, file, it, |it| it.into())?))
            }
            AnyComponent::Retriever(it) => {
                let guard = guard(label, file, it, |it| it.accepts().to_vec());
                AnyComponent::Retriever(Arc::new(guard?))
            }
            AnyComponent::Metric(it) => {
                let guard = guard(label, file, it, |it| it.into());
                AnyComponent::Metric(Arc::new(guard?))
            }
        })
    }
}

fn guard<T: Component + ?Sized, F>(
    label: String,
    file: InputFile,
    component: Arc<T>,
    facts: impl FnOnce(&T) -> F,
) -> Result<Guard<T, F>> {
    let inner = Held::new(label, component);
    let (name, package, facts) = inner.call(|it| {
        let (package, version) = it.package();
        let package = (package.to_string(), version.to_string());
        Ok((it.name().to_string(), package, facts(it)))
    })?;
    Ok(Guard {
        inner,
        name,
        package,
        file,
        facts,
    })
}

impl<T: Component + ?Sized, F: Send + Sync> Component for Guard<T, F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn options(&self) -> Result<String> {
        self.inner.call(|it| it.options())
    }

    fn package(&self) -> (&str, &str) {
        (&self.package.0, &self.package.1)
    }

    fn code(&self) -> Result<Code> {
        let mut code = self.inner.call(|it| it.code())?;
        self.add_file(&mut code);
        Ok(code)
    }
}

impl<T: ?Sized, F> Guard<T, F> {
    /// The identity that `of` returns, with the library's file in the place of its crates.
    fn identity_by(&self, of: impl FnOnce(&T) -> Result<Identity>) -> Result<Identity> {
        let mut identity = self.inner.call(|it| of(it))?;
        self.add_file(&mut identity.code);
        Ok(identity)
    }

    /// Replaces the library's crates by its file.
    fn add_file(&self, code: &mut Code) {
        code.crates.clear();
        code.files.push(self.file.clone());
    }
}

impl<T: ?Sized, F> fmt::Debug for Guard<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.label)
    }
}
