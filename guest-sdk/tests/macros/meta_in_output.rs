use millrace_sdk::prelude::*;

#[derive(Output)]
struct Out {
    #[meta(event_time)]
    at: Option<Timestamp>,
}

fn main() {}
