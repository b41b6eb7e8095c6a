//! Goldens: wrong configurations with their printed errors, and pipelines with their rows.

mod config;
mod pipelines;
