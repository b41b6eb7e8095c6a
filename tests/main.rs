//! Every suite in one executable, so that everything is linked once.

mod end_to_end;
mod golden;
mod loading;
mod sandbox;
mod stage;
mod tidy;
