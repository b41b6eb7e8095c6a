use millrace_sdk::prelude::*;

#[derive(Input)]
struct Row {
    #[meta(event_time)]
    at: Timestamp,
}

fn main() {}
