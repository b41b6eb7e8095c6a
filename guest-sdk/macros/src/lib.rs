//! Macros
