//! A row function that reads a column of every type and answers each as another column.

use millrace_sdk::prelude::*;

/// A column of every type, each of which may be null.
#[derive(Input)]
struct Every<'a> {
    flag: Option<bool>,
    small: Option<i16>,
    medium: Option<i32>,
    large: Option<i64>,
    single: Option<f32>,
    double: Option<f64>,
    money: Option<Decimal<2>>,
    exact: Option<Decimal128<10>>,
    label: Option<&'a str>,
    bytes: Option<&'a [u8]>,
    day: Option<Date>,
    clock: Option<Time>,
    seconds: Option<Timestamp>,
    millis: Option<Timestamp>,
    micros: Option<Timestamp>,
    nanos: Option<Timestamp>,
    iso: Option<Timestamp>,
    id: Option<Uuid>,
    document: Option<Json<'a>>,
}

/// The same again.
#[derive(Output)]
struct Again<'a> {
    flag_too: Option<bool>,
    small_too: Option<i16>,
    medium_too: Option<i32>,
    large_too: Option<i64>,
    single_too: Option<f32>,
    double_too: Option<f64>,
    money_too: Option<Decimal<2>>,
    exact_too: Option<Decimal128<10>>,
    label_too: Option<&'a str>,
    bytes_too: Option<&'a [u8]>,
    day_too: Option<Date>,
    clock_too: Option<Time>,
    seconds_too: Option<Timestamp>,
    millis_too: Option<Timestamp>,
    micros_too: Option<Timestamp>,
    nanos_too: Option<Timestamp>,
    iso_too: Option<Timestamp>,
    id_too: Option<Uuid>,
    document_too: Option<Json<'a>>,
}

/// Answers what it reads.
#[transform]
fn types_guest(row: Every<'_>) -> Again<'_> {
    Again {
        flag_too: row.flag,
        small_too: row.small,
        medium_too: row.medium,
        large_too: row.large,
        single_too: row.single,
        double_too: row.double,
        money_too: row.money,
        exact_too: row.exact,
        label_too: row.label,
        bytes_too: row.bytes,
        day_too: row.day,
        clock_too: row.clock,
        seconds_too: row.seconds,
        millis_too: row.millis,
        micros_too: row.micros,
        nanos_too: row.nanos,
        iso_too: row.iso,
        id_too: row.id,
        document_too: row.document,
    }
}
