//! The second stage: the catalogue becomes an index.

use serde_json::json;

use super::Prepared;
use crate::store::{Artefact, Input, Remains, Store, identity, read_inputs};
use crate::{Context, Index, Result, Retriever};

/// An index, open.
pub struct Indexed<'a> {
    /// The index.
    pub index: Box<dyn Index + 'a>,
    /// The files that it was made from, besides the catalogue.
    pub inputs: Vec<Input>,
    /// Its folder.
    pub artefact: Artefact,
}

/// Builds an index of the catalogue, or finds the one that was built before, and opens it.
///
/// # Errors
/// If the retriever cannot build or open it.
pub fn index<'a>(
    retriever: &'a dyn Retriever,
    prepared: &'a Prepared,
    store: &Store,
    context: &Context,
) -> Result<Indexed<'a>> {
    let inputs = read_inputs(retriever.inputs()?, context)?;
    let made_from = json!({
        "retriever": identity(retriever)?,
        "inputs": Input::identity(&inputs),
        "catalogue": prepared.catalogue_hash,
    });
    let catalogue = &prepared.data.catalogue;
    let artefact = store.obtain("index", made_from, Remains::Remove, context, |folder| {
        retriever.build(catalogue, folder, context)
    })?;
    let index = retriever.open(catalogue, &artefact.folder, context)?;
    Ok(Indexed {
        index,
        inputs,
        artefact,
    })
}
