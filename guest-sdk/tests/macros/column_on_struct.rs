use millrace_sdk::prelude::*;

#[derive(Input)]
#[column("id")]
struct Row {
    id: i64,
}

fn main() {}
