use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    #[column(id)]
    key: i64,
}

fn main() {}
