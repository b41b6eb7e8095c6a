use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

#[derive(Input)]
struct Game {
    name: i64,
}

#[transform]
fn keep(row: Row, game: Game) -> bool {
    row.id == game.name
}

fn main() {}
