//! Every suite in one executable, so that everything is linked once.

mod end_to_end;
mod golden;
mod sandbox;
mod stage;
mod tidy;
