use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

struct Params<'a> {
    name: &'a str,
}

#[transform]
fn keep(row: Row, params: &Params<'_>) -> bool {
    row.id > 0 && !params.name.is_empty()
}

fn main() {}
