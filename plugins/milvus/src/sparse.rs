//! BM25 by the server.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use gloss_core::{
    Catalogue, Context, Diagnostic, Error, Hit, Identity, Index, IndexStatistic, QueryContent,
    Request, Result, Retriever,
};
use gloss_dense::hash_catalogue;
use serde_json::{Map, Value, json};

use crate::collection::{Collection, Layout, Loaded};
use crate::config::{MilvusBm25, OF_THE_WAY};
use crate::load::fill;
use crate::proto::{
    BM25, Field, FieldData, FieldSchema, FunctionSchema, SPARSE_FLOAT_VECTOR, Scalars, Strings,
    VAR_CHAR, pairs,
};
use crate::search::{Asked, Search};

/// Changes with the layout of a collection.
const FORMAT: u32 = 1;
/// The field of the texts, and that of the terms which the server makes of them.
const TEXT: &str = "text";
const TERMS: &str = "terms";
const METRIC: &str = "BM25";
const INDEX: &str = "SPARSE_INVERTED_INDEX";
/// The most bytes of a text that a server takes.
const MOST_BYTES: usize = 65_535;

impl Retriever for MilvusBm25 {
    fn check(&self) -> Vec<Diagnostic> {
        self.server.check()
    }

    fn identity(&self) -> Result<Identity> {
        let clear = |identity: Identity, option: &&str| identity.with_option(option, Value::Null);
        OF_THE_WAY.iter().try_fold(Identity::of(self)?, clear)
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        let items = catalogue.items();
        if let Some(long) = items.iter().find(|item| item.text.len() > MOST_BYTES) {
            return Err(Error::Usage(format!(
                "the text of item `{}` has {} bytes, and a server takes at most {MOST_BYTES}",
                long.id,
                long.text.len()
            )));
        }
        let collection = self.collection(catalogue, context)?;
        let was_there = collection.ensure(&self.layout())?;
        let rows = |rows: Range<usize>| {
            let texts = items[rows].iter().map(|item| item.text.clone());
            Ok(field(texts.collect()))
        };
        fill(&collection, &self.server, was_there, items.len(), |load| {
            load.write(0..items.len(), rows)
        })?;
        collection.finish(folder, None)
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let collection = self.collection(catalogue, context)?;
        collection.verify()?;
        Ok(Box::new(Sparse {
            options: self,
            items: catalogue.len(),
            loaded: Loaded::read(folder)?,
            collection,
        }))
    }
}

impl MilvusBm25 {
    fn collection(&self, catalogue: &Catalogue, context: &Context) -> Result<Collection> {
        let identity = json!({
            "format": FORMAT,
            "catalogue": hash_catalogue(catalogue),
            "items": catalogue.len(),
            "k1": self.k1,
            "b": self.b,
            "analyzer": self.analyzer,
        });
        Collection::new(&self.server, identity, catalogue.len(), context)
    }

    fn layout(&self) -> Layout {
        let mut params = vec![
            ("max_length", MOST_BYTES.to_string()),
            ("enable_analyzer", "true".to_string()),
        ];
        if !self.analyzer.is_empty() {
            let analyzer = Value::Object(self.analyzer.clone()).to_string();
            params.push(("analyzer_params", analyzer));
        }
        let text = FieldSchema {
            name: TEXT.to_string(),
            data_type: VAR_CHAR,
            type_params: pairs(params),
            ..FieldSchema::default()
        };
        let terms = FieldSchema {
            name: TERMS.to_string(),
            data_type: SPARSE_FLOAT_VECTOR,
            is_function_output: true,
            ..FieldSchema::default()
        };
        let function = FunctionSchema {
            name: "bm25".to_string(),
            r#type: BM25,
            input_field_names: vec![TEXT.to_string()],
            output_field_names: vec![TERMS.to_string()],
        };
        let parameters = [("bm25_k1", self.k1), ("bm25_b", self.b)];
        let parameters = parameters.map(|(name, value)| (name.to_string(), json!(value)));
        Layout {
            fields: vec![text, terms],
            functions: vec![function],
            field: TERMS,
            metric_type: METRIC,
            index_type: INDEX.to_string(),
            index_params: parameters.into_iter().collect(),
        }
    }
}

/// The field of some texts.
fn field(texts: Vec<String>) -> FieldData {
    FieldData {
        r#type: VAR_CHAR,
        field_name: TEXT.to_string(),
        field: Some(Field::Scalars(Scalars {
            longs: None,
            strings: Some(Strings { data: texts }),
        })),
    }
}

/// A collection, open.
struct Sparse<'a> {
    options: &'a MilvusBm25,
    collection: Collection,
    items: usize,
    loaded: Loaded,
}

impl Index for Sparse<'_> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let texts = requests.iter().map(|request| match request.query {
            QueryContent::Text(text) => Ok(text.as_str()),
            _ => Err(Error::Internal(
                "milvus-bm25 got a query that is no text".into(),
            )),
        });
        let (mut different, mut depths) = (Vec::new(), Vec::new());
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut asked = Vec::with_capacity(requests.len());
        for (text, request) in texts
            .collect::<Result<Vec<&str>>>()?
            .into_iter()
            .zip(requests)
        {
            let at = *known.entry(text).or_insert_with(|| {
                different.push(text);
                depths.push(0);
                depths.len() - 1
            });
            depths[at] = request.k.max(depths[at]);
            asked.push(at);
        }
        let search = Search {
            collection: &self.collection,
            server: &self.options.server,
            field: TERMS,
            metric_type: METRIC,
            params: &Map::new(),
            // Items without a term of the query are not found.
            is_exact: false,
            items: self.items,
        };
        let found = search.run(&Asked::Texts(&different), &depths)?;
        let answers = requests.iter().zip(asked);
        Ok(answers
            .map(|(request, at)| found[at].iter().take(request.k).copied().collect())
            .collect())
    }

    fn statistics(&self) -> Vec<IndexStatistic> {
        self.loaded.statistics(INDEX)
    }
}
