//! Whose messages are read.

use super::*;

/// An insert of a row in a table of PostgreSQL's.
fn insert(id: i64, schema: &str, table: &str) -> String {
    format!(
        r#"{{"op":"c","after":{{"id":{id},"t":"a"}},"source":{{"db":"app","schema":"{schema}","table":"{table}"}}}}"#
    )
}

fn reasons(changes: &DecodedChanges) -> Vec<&str> {
    changes.rejects.iter().map(|reject| reject.reason.as_str()).collect()
}

#[test]
fn messages_of_other_tables_are_passed_over() {
    let lines = [
        insert(1, "public", "users"),
        insert(2, "public", "orders"),
        insert(3, "archive", "orders"),
        insert(4, "public", "my.orders"),
        r#"{"op":"t","source":{"db":"app","schema":"public","table":"users"}}"#.to_owned(),
        r#"{"op":"c","after":{"no":1},"source":{"db":"app","schema":"public","table":"users"}}"#
            .to_owned(),
    ]
    .join("\n");
    for (table, expected) in [
        ("orders", &["insert 2 a", "insert 3 a"][..]),
        ("public.orders", &["insert 2 a"][..]),
        ("app.orders", &["insert 2 a", "insert 3 a"][..]),
        ("app.public.orders", &["insert 2 a"][..]),
        ("public.my.orders", &["insert 4 a"][..]),
        ("rders", &[][..]),
        ("other.orders", &[][..]),
    ] {
        let changes = decode_of(table, &lines);
        assert_eq!(rows(&changes), expected, "{table}");
        assert!(changes.rejects.is_empty(), "{table}: {:?}", reasons(&changes));
    }
}

#[test]
fn unwrapped_rows_are_of_the_table_that_they_name() {
    let lines = concat!(
        r#"{"id":1,"t":"a","__table":"users","__schema":"public"}"#,
        "\n",
        r#"{"id":2,"t":"a","__table":"\u006frders","__schema":"public"}"#,
        "\n",
        r#"{"id":3,"t":"a","__table":"orders","__db":"app"}"#,
    );
    assert_eq!(rows(&decode_of("orders", lines)), ["update 2 a", "update 3 a"]);
    assert_eq!(rows(&decode_of("public.orders", lines)), ["update 2 a"]);
    let changes = decode_of("public.orders", r#"{"id":1,"t":"a","__table":"orders"}"#);
    assert!(reasons(&changes)[0].contains("does not tell the schema or database of `orders`"));
    let changes = decode_of("orders", r#"{"id":1,"t":"a"}"#);
    assert!(reasons(&changes)[0].contains("`add.fields`"), "{:?}", reasons(&changes));
}

#[test]
fn a_truncate_is_one_of_a_table_that_was_named() {
    let truncate = r#"{"op":"t","source":{"schema":"public","table":"orders"},"before":null}"#;
    assert_eq!(rows(&decode_of("orders", truncate)), ["truncate - null"]);
    let changes = decode(truncate);
    assert_eq!(changes.rows, 0);
    assert_eq!(
        reasons(&changes),
        [
            "found a truncate of `public.orders`, which takes all rows away, and nobody has said which \
          table is meant: set `table` on the source to the one that it reads"
        ]
    );
    assert!(one(r#"{"id":1,"__op":"t"}"#).contains("set `table`"));
}

#[test]
fn rows_of_a_second_table_are_refused_and_told() {
    let lines = [
        insert(1, "public", "orders"),
        insert(2, "public", "users"),
        insert(3, "public", "orders"),
        insert(4, "archive", "orders"),
        // It does not say.
        r#"{"id":5,"t":"a"}"#.to_owned(),
    ];
    let changes = decode(&lines.join("\n"));
    assert_eq!(rows(&changes), ["insert 1 a", "insert 3 a", "update 5 a"]);
    assert_eq!(
        reasons(&changes)[0],
        "found a row of `app.public.users` among rows of `app.public.orders`, and nobody has said that \
         both are meant: set `table = \"app.public.orders\"` on the source, and read \
         `app.public.users` by a source of its own; or name both, `table = [\"app.public.orders\", \
         \"app.public.users\"]`, where they have the same columns"
    );
    assert!(reasons(&changes)[1].contains("`app.archive.orders`"));
    // Also where the first table's rows were in an earlier batch.
    let mut decoder = decoder();
    let _ = decoder.decode_chunk(lines[0].as_bytes(), ALL);
    let _ = decoder.finish();
    let _ = decoder.decode_chunk(lines[1].as_bytes(), ALL);
    assert_eq!(decoder.finish().rejects.len(), 1);
}

#[test]
fn several_tables_are_one_stream_without_truncates() {
    let lines = [
        insert(1, "public", "users"),
        insert(2, "public", "orders"),
        insert(3, "archive", "orders"),
        r#"{"id":4,"t":"a","__table":"orders"}"#.to_owned(),
        insert(5, "public", "games"),
        r#"{"op":"t","source":{"db":"app","schema":"public","table":"users"}}"#.to_owned(),
    ];
    let tables = ["users", "public.orders"].map(str::to_owned).to_vec();
    let changes = decode_by(decoder().of_tables(tables), &lines.join("\n"));
    assert_eq!(rows(&changes), ["insert 1 a", "insert 2 a"]);
    let reasons = reasons(&changes);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("does not tell the schema or database of `orders`"));
    assert!(reasons[1].starts_with("found a truncate of `app.public.users`"), "{}", reasons[1]);
}
