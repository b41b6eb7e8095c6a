use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    rate: Option<Option<i64>>,
}

fn main() {}
