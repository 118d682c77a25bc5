//! Data sets from JSON lines, CSV and Parquet files
