use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

#[transform]
fn keep(row: Row, #[before] before: Row) -> bool {
    row.id == before.id
}

fn main() {}
