use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

#[transform]
fn id(row: Row) -> i64 {
    row.id
}

fn main() {}
