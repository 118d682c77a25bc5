//! The floor: popular and random items
