//! Goldens: wrong configurations with their printed errors, pipelines with their rows, and what
//! becomes of every kind of input.

mod config;
mod debezium;
mod pipelines;
mod semantics;
mod stateful;
mod types;
