//! Last Item Search: the text of the last purchase is the query
