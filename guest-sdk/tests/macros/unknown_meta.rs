use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    #[meta(offset)]
    offset: i64,
}

fn main() {}
