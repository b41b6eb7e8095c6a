use millrace_sdk::prelude::*;

#[derive(Output)]
#[meta(operation)]
struct Out {
    id: i64,
}

fn main() {}
