//! A collection of the server, which carries everything that it was made from.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::thread;
use std::time::Duration;

use gloss_core::{Context, Error, IndexStatistic, Result};
use gloss_dense::{difference, hash_bytes};
use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::{Client, Failure};
use crate::config::Server;
use crate::proto::*;

/// The field of the primary key: the position of an item in the catalogue.
pub(crate) const ID: &str = "id";
/// The property that holds the identity of a collection.
const PROPERTY: &str = "gloss";
/// Codes of a collection that is not there: since 2.3, and before.
const NOT_FOUND: [i32; 2] = [100, 4];
/// Codes of an index that is not there.
const NO_INDEX: [i32; 2] = [700, 11];
/// Codes of a collection that is not in the server's memory, as after a restart.
const NOT_LOADED: [i32; 2] = [101, 103];
/// The time between two looks at the progress of the server.
const LOOK: Duration = Duration::from_millis(200);

/// The file of an index in the cache.
const FILE: &str = "collection.json";

/// A load that was finished, as the index in the cache states it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Loaded {
    collection: String,
    recall: Option<f64>,
}

impl Loaded {
    /// Reads it from the folder of an index.
    ///
    /// # Errors
    /// If the folder does not hold it.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = fs::read(&path).map_err(Error::io("read", &path))?;
        serde_json::from_slice(&text).map_err(|error| Error::Stale {
            path: path.clone(),
            message: format!(
                "does not name a collection: {error}; delete its folder and run again"
            ),
        })
    }

    /// Statistics that a reader of the results needs.
    pub(crate) fn statistics(&self, index_type: &str) -> Vec<IndexStatistic> {
        let mut statistics = vec![
            IndexStatistic::new("collection", self.collection.as_str()),
            IndexStatistic::new("index type", index_type),
        ];
        let recall = self
            .recall
            .map(|recall| IndexStatistic::new("recall@10 against exact search", recall));
        statistics.extend(recall);
        statistics
    }
}

/// The layout of a collection.
pub(crate) struct Layout {
    /// The fields besides the primary key.
    pub(crate) fields: Vec<FieldSchema>,
    pub(crate) functions: Vec<FunctionSchema>,
    /// The field that is searched.
    pub(crate) field: &'static str,
    pub(crate) metric_type: &'static str,
    pub(crate) index_type: String,
    pub(crate) index_params: Map<String, Value>,
}

/// A collection by its name, and what it must have been made from.
pub(crate) struct Collection {
    pub(crate) client: Client,
    pub(crate) name: String,
    database: String,
    identity: Value,
    items: usize,
    pub(crate) context: Context,
}

impl Collection {
    /// The collection of so many `items` that is made from `identity`.
    pub(crate) fn new(
        server: &Server,
        identity: Value,
        items: usize,
        context: &Context,
    ) -> Result<Self> {
        let hash = u128::from_be_bytes(hash_bytes(identity.to_string().as_bytes()));
        let name = server.collection.clone();
        Ok(Collection {
            client: Client::new(server)?,
            name: name.unwrap_or_else(|| format!("gloss_{hash:032x}")),
            database: server.database.clone().unwrap_or_default(),
            identity,
            items,
            context: context.clone(),
        })
    }

    /// Makes the collection, unless it is there already. Returns `true` if it was there.
    ///
    /// # Errors
    /// If it is there and was made from something else.
    pub(crate) fn ensure(&self, layout: &Layout) -> Result<bool> {
        let was_there = self.is_there()?;
        if !was_there {
            self.create(layout)?;
        }
        self.create_index(layout)?;
        self.load()?;
        Ok(was_there)
    }

    /// Verifies that the collection is there, complete and in the server's memory.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn verify(&self) -> Result<()> {
        if !self.is_there()? {
            return Err(self.stale("is not on the server any more"));
        }
        self.load()?;
        self.verify_count()
    }

    /// Verifies that no item is missing.
    ///
    /// # Errors
    /// If one is.
    pub(crate) fn verify_count(&self) -> Result<()> {
        match self.count(None)? {
            count if count == self.items => Ok(()),
            count => Err(self.stale(&format!("holds {count} items of {}", self.items))),
        }
    }

    /// Writes what the load found out into the folder of the index.
    pub(crate) fn finish(&self, folder: &Path, recall: Option<f64>) -> Result<()> {
        let path = folder.join(FILE);
        let loaded = Loaded {
            collection: self.name.clone(),
            recall,
        };
        let text = serde_json::to_vec(&loaded);
        let text = text.map_err(|error| Error::Internal(error.to_string()))?;
        fs::write(&path, text).map_err(Error::io("write", &path))
    }

    fn stale(&self, what: &str) -> Error {
        Error::Usage(format!(
            "the collection `{}` {what}; remove the index from the cache (`gloss cache prune --stage \
             index`) and run again, which loads what is missing",
            self.name
        ))
    }

    /// Returns `true` if the collection is there.
    fn is_there(&self) -> Result<bool> {
        let answer = self.client.call::<DescribeCollectionResponse>(
            "DescribeCollection",
            &self.named(),
            &|| self.context.check(),
        );
        let described = match answer {
            Ok(described) => described,
            Err(Failure::Refused { code, .. }) if NOT_FOUND.contains(&code) => return Ok(false),
            Err(failure) => return Err(self.client.error("DescribeCollection", failure)),
        };
        let property = described
            .properties
            .iter()
            .find(|pair| pair.key == PROPERTY);
        let found = property.and_then(|pair| serde_json::from_str::<Value>(&pair.value).ok());
        let reason = match found {
            Some(found) if found == self.identity => return Ok(true),
            Some(found) => difference(&self.identity, &found),
            None => "it was not made by gloss".to_string(),
        };
        Err(Error::Usage(format!(
            "the collection `{}` is not the one that is needed here: {reason}; give `collection` another \
             name, or drop it",
            self.name
        )))
    }

    fn create(&self, layout: &Layout) -> Result<()> {
        let id = FieldSchema {
            name: ID.to_string(),
            is_primary_key: true,
            data_type: INT64,
            ..FieldSchema::default()
        };
        let schema = CollectionSchema {
            name: self.name.clone(),
            fields: [id].into_iter().chain(layout.fields.clone()).collect(),
            functions: layout.functions.clone(),
        };
        let request = CreateCollectionRequest {
            db_name: self.database.clone(),
            collection_name: self.name.clone(),
            schema: schema.encode_to_vec(),
            consistency_level: BOUNDED,
            properties: pairs([(PROPERTY, self.identity.to_string())]),
        };
        let check = || self.context.check();
        match self
            .client
            .call::<Status>("CreateCollection", &request, &check)
        {
            Ok(_) => Ok(()),
            // An attempt whose answer was lost may have made it.
            Err(Failure::Refused { .. }) if self.is_there()? => Ok(()),
            Err(failure) => Err(self.client.error("CreateCollection", failure)),
        }
    }

    fn create_index(&self, layout: &Layout) -> Result<()> {
        let described =
            self.client
                .call::<DescribeIndexResponse>("DescribeIndex", &self.named(), &|| {
                    self.context.check()
                });
        match described {
            Ok(found) if !found.index_descriptions.is_empty() => return Ok(()),
            Err(Failure::Refused { code, .. }) if !NO_INDEX.contains(&code) => {}
            Err(failure @ Failure::Other(_)) => {
                return Err(self.client.error("DescribeIndex", failure));
            }
            _ => {}
        }
        let params = Value::Object(layout.index_params.clone()).to_string();
        let request = CreateIndexRequest {
            db_name: self.database.clone(),
            collection_name: self.name.clone(),
            field_name: layout.field.to_string(),
            extra_params: pairs([
                ("index_type", layout.index_type.clone()),
                ("metric_type", layout.metric_type.to_string()),
                ("params", params),
            ]),
        };
        self.client
            .get::<Status>("CreateIndex", &request, &self.context)
            .map(drop)
    }

    /// Has the server hold the collection in memory, and waits for it.
    pub(crate) fn load(&self) -> Result<()> {
        let named = self.named();
        self.client
            .get::<Status>("LoadCollection", &named, &self.context)?;
        let request = GetLoadStateRequest {
            collection_name: self.name.clone(),
            db_name: self.database.clone(),
        };
        self.wait(|| {
            let answer: GetLoadStateResponse =
                self.client.get("GetLoadState", &request, &self.context)?;
            Ok(answer.state == LOADED)
        })
    }

    /// Writes everything to the server's disk, and waits until it is indexed.
    pub(crate) fn flush(&self) -> Result<()> {
        let request = FlushRequest {
            db_name: self.database.clone(),
            collection_names: vec![self.name.clone()],
        };
        self.client
            .get::<StatusResponse>("Flush", &request, &self.context)?;
        let named = self.named();
        self.wait(|| {
            let answer: DescribeIndexResponse =
                self.client.get("DescribeIndex", &named, &self.context)?;
            let mut indexes = answer.index_descriptions.iter();
            Ok(indexes.all(|index| index.pending_index_rows <= 0))
        })
    }

    fn wait(&self, is_done: impl Fn() -> Result<bool>) -> Result<()> {
        while !is_done()? {
            self.context.check()?;
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The number of items, of all or of those at some positions.
    pub(crate) fn count(&self, range: Option<Range<usize>>) -> Result<usize> {
        let expr = range.map(|range| format!("{ID} >= {} && {ID} < {}", range.start, range.end));
        let request = QueryRequest {
            db_name: self.database.clone(),
            collection_name: self.name.clone(),
            expr: expr.unwrap_or_default(),
            output_fields: vec!["count(*)".to_string()],
            consistency_level: STRONG,
        };
        let answer: QueryResults = self.loaded("Query", &request, &|| self.context.check())?;
        let field = answer.fields_data.into_iter().find_map(|data| data.field);
        let count = match field {
            Some(Field::Scalars(Scalars {
                longs: Some(longs), ..
            })) => longs.data.first().copied(),
            _ => None,
        };
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| Error::Network("the server counts no items".to_string()))
    }

    /// Writes items, in the place of those that have their positions.
    pub(crate) fn upsert(
        &self,
        positions: Range<usize>,
        field: FieldData,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let ids = FieldData {
            r#type: INT64,
            field_name: ID.to_string(),
            field: Some(Field::Scalars(Scalars {
                longs: Some(Longs {
                    data: positions.clone().map(|at| at as i64).collect(),
                }),
                strings: None,
            })),
        };
        let request = UpsertRequest {
            db_name: self.database.clone(),
            collection_name: self.name.clone(),
            fields_data: vec![ids, field],
            num_rows: positions.len() as u32,
        };
        self.loaded::<StatusResponse>("Upsert", &request, check)
            .map(drop)
    }

    /// Searches; the request's names are filled in here.
    pub(crate) fn search(
        &self,
        mut request: SearchRequest,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<SearchResultData> {
        request.db_name = self.database.clone();
        request.collection_name = self.name.clone();
        let answer: SearchResults = self.loaded("Search", &request, check)?;
        Ok(answer.results.unwrap_or_default())
    }

    /// A call to a collection that a server which was started again may have to load first.
    fn loaded<A: Answer + 'static>(
        &self,
        method: &str,
        request: &(impl Message + Clone + 'static),
        check: &dyn Fn() -> Result<()>,
    ) -> Result<A> {
        match self.client.call(method, request, check) {
            Err(Failure::Refused { code, .. }) if NOT_LOADED.contains(&code) => {
                self.load()?;
                let answer = self.client.call(method, request, check);
                answer.map_err(|failure| self.client.error(method, failure))
            }
            answer => answer.map_err(|failure| self.client.error(method, failure)),
        }
    }

    fn named(&self) -> NamedRequest {
        NamedRequest {
            db_name: self.database.clone(),
            collection_name: self.name.clone(),
        }
    }
}
