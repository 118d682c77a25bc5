//! Ranking metrics, and metrics beyond accuracy
