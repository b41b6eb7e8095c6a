use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    count: u64,
}

fn main() {}
