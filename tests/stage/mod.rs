//! Stages over batches made by hand, with real guests: what becomes of each operation, of rows that
//! are dead, refused or left out, of before images and of values that did not come.

mod chains;
mod cuts;
mod emitted;
mod images;
mod joins;
mod model;
mod operations;
mod rejects;
mod selections;
mod support;
