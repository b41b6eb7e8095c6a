use millrace_sdk::prelude::*;

#[derive(Output)]
struct Nothing {}

fn main() {}
