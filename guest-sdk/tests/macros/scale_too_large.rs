use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    rate: Decimal<20>,
}

fn main() {}
