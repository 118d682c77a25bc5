//! The dense retriever.

use std::ops::Range;
use std::path::{Path, PathBuf};

use gloss_core::{
    Catalogue, Context, Diagnostic, Error, Hit, Identity, Index, IndexStatistic, QueryKind,
    Request, Result, Retriever, rank,
};
use gloss_dense::{
    Exact, Matrix, Queries, RECALL_DEPTH, hash_catalogue, recall, sample, text_vectors,
};
use gloss_encoder::{Embed, Model, Role, Similarity, encode};
use serde_json::{Value, json};

use crate::collection::{Collection, Layout, Loaded};
use crate::config::{Milvus, OF_THE_WAY};
use crate::load::fill;
use crate::proto::{FLOAT_VECTOR, Field, FieldData, FieldSchema, Floats, Vectors, pairs};
use crate::search::{Asked, Search};

/// Changes with the layout of a collection.
const FORMAT: u32 = 1;
/// The folder in which vectors are written where there is no cache.
const SCRATCH: &str = "vectors";
/// The field of the vectors.
const FIELD: &str = "vector";
/// Vectors are scaled to length 1 where their cosine counts, so that the inner product is it.
const METRIC: &str = "IP";
/// Items that are encoded at once, and whose vectors are one artefact of the cache.
const BLOCK: usize = 1 << 20;

impl Retriever for Milvus {
    fn check(&self) -> Vec<Diagnostic> {
        self.server.check()
    }

    fn accepts(&self) -> &[QueryKind] {
        &[QueryKind::Text, QueryKind::Vector]
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        self.encoder.inputs()
    }

    fn identity(&self) -> Result<Identity> {
        let identity = self.encoder.resolve(Identity::of(self)?)?;
        let clear = |identity: Identity, option: &&str| identity.with_option(option, Value::Null);
        OF_THE_WAY.iter().try_fold(identity, clear)
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        let model = Model::open(&self.encoder)?;
        let collection = self.collection(catalogue, &model, context)?;
        let was_there = collection.ensure(&self.layout(&model))?;
        let queries = self.sample(catalogue, &model, context)?;
        let mut expected = vec![Vec::new(); queries.len()];
        let items = catalogue.len();
        fill(&collection, &self.server, was_there, items, |load| {
            for start in (0..items).step_by(BLOCK) {
                let block = start..items.min(start + BLOCK);
                let vectors = self.vectors(catalogue, &block, &model, folder, context)?;
                if load.round == 0 {
                    offer(&mut expected, &vectors, start, &queries);
                }
                let rows =
                    |rows: Range<usize>| Ok(field(&vectors, rows.start - start..rows.end - start));
                load.write(block, rows)?;
            }
            Ok(())
        })?;
        let recall = self.recall(&collection, &queries, &expected, items)?;
        collection.finish(folder, Some(recall))
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let model = Model::open(&self.encoder)?;
        let collection = self.collection(catalogue, &model, context)?;
        collection.verify()?;
        Ok(Box::new(Dense {
            options: self,
            model,
            items: catalogue.len(),
            loaded: Loaded::read(folder)?,
            collection,
        }))
    }
}

impl Milvus {
    fn collection(
        &self,
        catalogue: &Catalogue,
        model: &Model,
        context: &Context,
    ) -> Result<Collection> {
        let identity = json!({
            "format": FORMAT,
            "catalogue": hash_catalogue(catalogue),
            "items": catalogue.len(),
            "encoder": model.identity(),
            "similarity": model.similarity(),
            "index_type": self.index_type,
            "index_params": self.index_params,
        });
        Collection::new(&self.server, identity, catalogue.len(), context)
    }

    fn layout(&self, model: &Model) -> Layout {
        let vector = FieldSchema {
            name: FIELD.to_string(),
            data_type: FLOAT_VECTOR,
            type_params: pairs([("dim", model.dimensions().to_string())]),
            ..FieldSchema::default()
        };
        Layout {
            fields: vec![vector],
            functions: Vec::new(),
            field: FIELD,
            metric_type: METRIC,
            index_type: self.index_type.clone(),
            index_params: self.index_params.clone(),
        }
    }

    /// The vectors of the items of a block.
    fn vectors(
        &self,
        catalogue: &Catalogue,
        block: &Range<usize>,
        model: &Model,
        folder: &Path,
        context: &Context,
    ) -> Result<Matrix> {
        let items = &catalogue.items()[block.clone()];
        let texts = items.iter().map(|item| item.text.as_str());
        let mut vectors = text_vectors(texts, model, &folder.join(SCRATCH), context)?;
        if model.similarity() == Similarity::Cosine {
            vectors.normalize();
        }
        Ok(vectors)
    }

    /// The vectors of the queries that measure the recall: the texts of some items.
    fn sample(&self, catalogue: &Catalogue, model: &Model, context: &Context) -> Result<Matrix> {
        let items = catalogue.items();
        let positions = sample(items.len(), self.sample);
        let texts: Vec<&str> = positions
            .iter()
            .map(|at| items[*at].text.as_str())
            .collect();
        let vectors = encode(model, &texts, Role::Query, context)?;
        let mut vectors = Matrix::new(vectors, model.dimensions());
        if model.similarity() == Similarity::Cosine {
            vectors.normalize();
        }
        Ok(vectors)
    }

    /// The recall of the server's search.
    fn recall(
        &self,
        collection: &Collection,
        queries: &Matrix,
        expected: &[Vec<Hit>],
        items: usize,
    ) -> Result<f64> {
        let depths = vec![RECALL_DEPTH; queries.len()];
        let found = self.search(collection, queries, &depths, items)?;
        let recall = recall(expected, &found);
        if recall >= self.minimum_recall {
            return Ok(recall);
        }
        Err(Error::Usage(format!(
            "the server finds {recall:.3} of the {RECALL_DEPTH} best items of {} queries, less than \
             `minimum_recall` ({}): search more of the index `{}` by `search_params`, or take another \
             `index_type`",
            queries.len(),
            self.minimum_recall,
            self.index_type,
        )))
    }

    fn search(
        &self,
        collection: &Collection,
        queries: &Matrix,
        depths: &[usize],
        items: usize,
    ) -> Result<Vec<Vec<Hit>>> {
        let search = Search {
            collection,
            server: &self.server,
            field: FIELD,
            metric_type: METRIC,
            params: &self.search_params,
            is_exact: self.index_type == "FLAT",
            items,
        };
        let asked = Asked::Vectors(queries.values(), queries.dimensions(), self.rescore);
        search.run(&asked, depths)
    }
}

/// Takes the items of a block, from position `start` on, into the best of each query.
fn offer(best: &mut [Vec<Hit>], vectors: &Matrix, start: usize, queries: &Matrix) {
    let found = Exact::new(vectors.clone()).search(queries, &vec![RECALL_DEPTH; best.len()]);
    for (best, hits) in best.iter_mut().zip(found) {
        best.extend(hits.into_iter().map(|hit| Hit {
            item: hit.item + start as u32,
            score: hit.score,
        }));
        rank(best, RECALL_DEPTH);
    }
}

/// The field of the vectors at `rows`.
fn field(vectors: &Matrix, rows: Range<usize>) -> FieldData {
    let width = vectors.dimensions();
    let data = vectors.values()[rows.start * width..rows.end * width].to_vec();
    FieldData {
        r#type: FLOAT_VECTOR,
        field_name: FIELD.to_string(),
        field: Some(Field::Vectors(Vectors {
            dim: width as i64,
            floats: Some(Floats { data }),
        })),
    }
}

/// A collection, open.
struct Dense<'a> {
    options: &'a Milvus,
    model: Model,
    collection: Collection,
    items: usize,
    loaded: Loaded,
}

impl Index for Dense<'_> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let (collection, similarity) = (&self.collection, self.model.similarity());
        let queries = Queries::of(requests, &self.model, similarity, &collection.context)?;
        let (vectors, depths) = (&queries.vectors, &queries.depths);
        let found = self
            .options
            .search(collection, vectors, depths, self.items)?;
        queries.answers(requests, &found)
    }

    fn statistics(&self) -> Vec<IndexStatistic> {
        let mut statistics = self.model.statistics();
        statistics.extend(self.loaded.statistics(&self.options.index_type));
        statistics
    }
}
