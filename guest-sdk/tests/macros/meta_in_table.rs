use millrace_sdk::prelude::*;

#[derive(Input)]
#[table("games")]
struct Game {
    #[meta(operation)]
    operation: Operation,
}

fn main() {}
