use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row(i64);

fn main() {}
