use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    id: i64,
}

#[derive(Input)]
#[table("games")]
struct Game {
    name: i64,
}

#[transform]
fn keep(row: Row, game: Game, other: Game) -> bool {
    row.id == game.name + other.name
}

fn main() {}
