use millrace_sdk::prelude::*;

struct Money(i64);

#[derive(Output)]
struct Out {
    amount: Money,
}

fn main() {}
