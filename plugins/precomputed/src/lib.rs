//! Queries that another program generated, from GLoSS's JSON files
