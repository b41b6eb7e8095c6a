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

#[derive(Input)]
#[table("games")]
struct Other {
    rank: i64,
}

#[transform]
fn keep(row: Row, game: Game, other: Other) -> bool {
    row.id == game.name + other.rank
}

fn main() {}
