use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    #[colum("type")]
    kind: i64,
}

fn main() {}
