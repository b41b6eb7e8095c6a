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
fn keep(row: Row, game: Game, #[before] before: Option<Row>) -> bool {
    before.is_none() && row.id == game.name
}

fn main() {}
