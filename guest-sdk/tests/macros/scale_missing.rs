use millrace_sdk::prelude::*;

#[derive(Output)]
struct Out {
    rate: Option<Decimal>,
}

fn main() {}
