use millrace_sdk::prelude::*;

#[transform]
struct Keep;

fn main() {}
