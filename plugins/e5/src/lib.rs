//! The retriever `e5`: items whose texts mean much the same as the query.

mod encoder;
