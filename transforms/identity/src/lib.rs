//! Keeps every row as it is. Start your own transform from a copy.

use millrace_sdk::prelude::*;

/// The columns to read, as fields: `version: i64`, `note: Option<&'a str>`. Only these reach the
/// function; the others stay with the host, and go on with the row.
#[derive(Input)]
struct Row {}

/// Keeps every row as it is.
// A `bool` filters. To add or replace columns, answer a struct that derives `Output`; to do both, an
// `Option` of it; to refuse rows, a `Result<.., Reject>`.
#[transform]
fn identity(_row: Row) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use millrace_sdk::testing::{Test, json};

    use super::*;

    #[test]
    fn every_row_is_kept() {
        let rows = [json!({"note": "a"}), json!({"note": null})];
        let answer = Test::<identity>::new().rows(rows.clone()).run();
        assert_eq!(answer.rows(), rows);
    }
}
