//! BM25 over a tantivy index
