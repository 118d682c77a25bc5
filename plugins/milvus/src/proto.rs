//! The messages of Milvus's protocol (package `milvus.proto`, version 2.5), as far as they are used.
//! Fields that are not listed are not sent, and skipped where they are received.

use prost::{Message, Oneof};

/// `DataType`.
pub(crate) const INT64: i32 = 5;
pub(crate) const VAR_CHAR: i32 = 21;
pub(crate) const FLOAT_VECTOR: i32 = 101;
pub(crate) const SPARSE_FLOAT_VECTOR: i32 = 104;
/// `FunctionType`.
pub(crate) const BM25: i32 = 1;
/// `DslType`: a boolean expression.
pub(crate) const BOOL_EXPR: i32 = 1;
/// `ConsistencyLevel`.
pub(crate) const STRONG: i32 = 0;
pub(crate) const BOUNDED: i32 = 2;
/// `LoadState`.
pub(crate) const LOADED: i32 = 3;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    /// Servers before 2.3 give this code alone.
    #[prost(int32, tag = "1")]
    pub(crate) legacy_code: i32,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
    #[prost(bool, tag = "4")]
    pub(crate) retriable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FieldSchema {
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(bool, tag = "3")]
    pub(crate) is_primary_key: bool,
    #[prost(int32, tag = "5")]
    pub(crate) data_type: i32,
    #[prost(message, repeated, tag = "6")]
    pub(crate) type_params: Vec<KeyValue>,
    #[prost(bool, tag = "16")]
    pub(crate) is_function_output: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FunctionSchema {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int32, tag = "4")]
    pub(crate) r#type: i32,
    #[prost(string, repeated, tag = "5")]
    pub(crate) input_field_names: Vec<String>,
    #[prost(string, repeated, tag = "7")]
    pub(crate) output_field_names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CollectionSchema {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) fields: Vec<FieldSchema>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) functions: Vec<FunctionSchema>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateCollectionRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, tag = "3")]
    pub(crate) collection_name: String,
    /// A [`CollectionSchema`], encoded.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) schema: Vec<u8>,
    #[prost(int32, tag = "6")]
    pub(crate) consistency_level: i32,
    #[prost(message, repeated, tag = "7")]
    pub(crate) properties: Vec<KeyValue>,
}

/// `DescribeCollectionRequest`, `LoadCollectionRequest` and others that a name is enough for.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NamedRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, tag = "3")]
    pub(crate) collection_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DescribeCollectionResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) properties: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateIndexRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, tag = "3")]
    pub(crate) collection_name: String,
    #[prost(string, tag = "4")]
    pub(crate) field_name: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) extra_params: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct IndexDescription {
    #[prost(int64, tag = "9")]
    pub(crate) pending_index_rows: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DescribeIndexResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) index_descriptions: Vec<IndexDescription>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetLoadStateRequest {
    #[prost(string, tag = "2")]
    pub(crate) collection_name: String,
    #[prost(string, tag = "4")]
    pub(crate) db_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetLoadStateResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(int32, tag = "2")]
    pub(crate) state: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FlushRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) collection_names: Vec<String>,
}

/// `FlushResponse`, `MutationResult` and others of which the status counts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Longs {
    #[prost(int64, repeated, tag = "1")]
    pub(crate) data: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Floats {
    #[prost(float, repeated, tag = "1")]
    pub(crate) data: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Strings {
    #[prost(string, repeated, tag = "1")]
    pub(crate) data: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Scalars {
    #[prost(message, optional, tag = "3")]
    pub(crate) longs: Option<Longs>,
    #[prost(message, optional, tag = "6")]
    pub(crate) strings: Option<Strings>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Vectors {
    #[prost(int64, tag = "1")]
    pub(crate) dim: i64,
    #[prost(message, optional, tag = "2")]
    pub(crate) floats: Option<Floats>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Field {
    #[prost(message, tag = "3")]
    Scalars(Scalars),
    #[prost(message, tag = "4")]
    Vectors(Vectors),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FieldData {
    #[prost(int32, tag = "1")]
    pub(crate) r#type: i32,
    #[prost(string, tag = "2")]
    pub(crate) field_name: String,
    #[prost(oneof = "Field", tags = "3, 4")]
    pub(crate) field: Option<Field>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UpsertRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, tag = "3")]
    pub(crate) collection_name: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) fields_data: Vec<FieldData>,
    #[prost(uint32, tag = "7")]
    pub(crate) num_rows: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, tag = "3")]
    pub(crate) collection_name: String,
    #[prost(string, tag = "4")]
    pub(crate) expr: String,
    #[prost(string, repeated, tag = "5")]
    pub(crate) output_fields: Vec<String>,
    #[prost(int32, tag = "11")]
    pub(crate) consistency_level: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryResults {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) fields_data: Vec<FieldData>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Placeholder {
    #[prost(string, tag = "1")]
    pub(crate) tag: String,
    /// `PlaceholderType`, whose numbers are those of `DataType`.
    #[prost(int32, tag = "2")]
    pub(crate) r#type: i32,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) values: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PlaceholderGroup {
    #[prost(message, repeated, tag = "1")]
    pub(crate) placeholders: Vec<Placeholder>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SearchRequest {
    #[prost(string, tag = "2")]
    pub(crate) db_name: String,
    #[prost(string, tag = "3")]
    pub(crate) collection_name: String,
    /// A [`PlaceholderGroup`], encoded.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) placeholder_group: Vec<u8>,
    #[prost(int32, tag = "7")]
    pub(crate) dsl_type: i32,
    #[prost(string, repeated, tag = "8")]
    pub(crate) output_fields: Vec<String>,
    #[prost(message, repeated, tag = "9")]
    pub(crate) search_params: Vec<KeyValue>,
    #[prost(int64, tag = "12")]
    pub(crate) nq: i64,
    #[prost(int32, tag = "14")]
    pub(crate) consistency_level: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ids {
    #[prost(message, optional, tag = "1")]
    pub(crate) longs: Option<Longs>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SearchResultData {
    #[prost(message, repeated, tag = "3")]
    pub(crate) fields_data: Vec<FieldData>,
    #[prost(float, repeated, tag = "4")]
    pub(crate) scores: Vec<f32>,
    #[prost(message, optional, tag = "5")]
    pub(crate) ids: Option<Ids>,
    /// The number of hits of each query.
    #[prost(int64, repeated, tag = "6")]
    pub(crate) topks: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SearchResults {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub(crate) results: Option<SearchResultData>,
}

/// An answer with a status, if the server gave one.
pub(crate) trait Answer: Message + Default {
    fn status(&self) -> Option<&Status>;
}

impl Answer for Status {
    fn status(&self) -> Option<&Status> {
        Some(self)
    }
}

macro_rules! answers {
    ($($name:ident),*) => {
        $(impl Answer for $name {
            fn status(&self) -> Option<&Status> {
                self.status.as_ref()
            }
        })*
    };
}

answers!(
    DescribeCollectionResponse,
    DescribeIndexResponse,
    GetLoadStateResponse,
    QueryResults,
    SearchResults,
    StatusResponse
);

/// Pairs of texts.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Vec<KeyValue> {
    let pair = |(key, value): (&str, String)| KeyValue {
        key: key.to_string(),
        value,
    };
    pairs.into_iter().map(pair).collect()
}
