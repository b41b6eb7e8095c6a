//! The real program as a process: killed at random moments, stopped by signals, run again.

mod kill;
