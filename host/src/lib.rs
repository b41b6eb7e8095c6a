//! Millrace streams change records through WebAssembly transforms into tables, exactly once.
//!
//! The modules below are in the order in which they may use each other, each only those above it:
//! what flows, how it is read and kept, where it enters and leaves, what transforms it, how a graph
//! is described, run and supervised, and the commands.

pub mod telemetry;

pub mod record;

pub mod format;

pub mod checkpoint;

pub mod sink;
pub mod source;
pub mod table;

pub mod sandbox;

pub mod stage;

pub mod config;

pub mod pipeline;

pub mod supervisor;

pub mod cli;
