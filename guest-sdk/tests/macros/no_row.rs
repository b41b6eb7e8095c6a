use millrace_sdk::prelude::*;

#[transform]
fn nothing() -> bool {
    true
}

fn main() {}
