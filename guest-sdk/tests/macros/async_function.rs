use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

#[transform]
async fn keep(row: Row) -> bool {
    row.id > 0
}

fn main() {}
