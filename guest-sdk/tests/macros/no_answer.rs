use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

#[transform]
fn look(row: Row) {
    let _ = row.id;
}

fn main() {}
