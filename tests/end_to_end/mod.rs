//! The real program as a process: killed at random moments, stopped by signals, run again. And
//! whole graphs in this process: fan-out, unions, joins, tables that change, guests that misbehave.

mod cli;
mod columnar;
mod columns;
mod conveniences;
mod course;
mod fan_out;
mod files;
mod hostile;
mod joins;
mod kill;
mod outputs;
mod processes;
mod signals;
mod stateful;
mod status;
mod tables;
