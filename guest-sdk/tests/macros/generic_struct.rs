use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row<T> {
    id: T,
}

fn main() {}
