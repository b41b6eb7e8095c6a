use millrace_sdk::prelude::*;

struct Row {
    id: i64,
}

#[transform]
fn keep(row: Row) -> bool {
    row.id > 0
}

fn main() {}
