use millrace_sdk::prelude::*;

#[derive(Output)]
struct Out {
    id: i64,
    #[column("id")]
    key: i64,
}

fn main() {}
