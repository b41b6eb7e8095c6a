use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    name: Option<String>,
}

fn main() {}
