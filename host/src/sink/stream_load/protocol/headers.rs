//! A load into request headers.

use std::fmt::Write as _;
use std::time::Duration;

use super::{DELETE_SIGN, OP_COLUMN, Shape};
use crate::sink::stream_load::config::{BodyFormat, Compression, PartialUpdateMode, System};

/// The range of `timeout` that both systems take, in seconds.
const TIMEOUTS: (u64, u64) = (1, 259_200);

/// Headers of one request.
pub(super) type Headers = Vec<(&'static str, String)>;

/// The headers of a load, but for those of transactions.
pub(super) fn of_load(system: System, shape: &Shape, label: &str, timeout: Duration) -> Headers {
    let mut headers = vec![
        ("label", label.to_owned()),
        // Otherwise values that do not fit become null without a word. Doris before 3.1 then also
        // refuses an update of some columns whose row is not in the table. That is as it should be:
        // the columns that the source left out would be null in the new row. See `refused_load`.
        ("strict_mode", "true".to_owned()),
        ("max_filter_ratio", "0".to_owned()),
        // The default is not the server's zone but one of the far east.
        ("timezone", "UTC".to_owned()),
        ("timeout", seconds(timeout)),
    ];
    match system {
        System::StarRocks => starrocks(&mut headers, shape),
        System::Doris => doris(&mut headers, shape),
    }
    headers
}

fn starrocks(headers: &mut Headers, shape: &Shape) {
    let mut add = |name: &'static str, value: &str| headers.push((name, value.to_owned()));
    match shape.format {
        BodyFormat::Json => {
            add("format", "json");
            add("strip_outer_array", "true");
            // One huge row may exceed 100 MB all the same.
            add("ignore_json_size", "true");
        }
        BodyFormat::Csv => {
            add("format", "csv");
            add("column_separator", "\\x01");
            add("row_delimiter", "\\x02");
        }
        // No configuration says so: StarRocks has no such bodies.
        BodyFormat::Arrow => add("format", "arrow"),
    }
    match shape.compression {
        Compression::None => {}
        Compression::Gzip => add("compression", "gzip"),
        Compression::Lz4 => add("compression", "lz4_frame"),
        Compression::Zstd => add("compression", "zstd"),
    }
    if let Some(mode) = shape.partial {
        add("partial_update", "true");
        add(
            "partial_update_mode",
            match mode {
                PartialUpdateMode::Row => "row",
                PartialUpdateMode::Column => "column",
            },
        );
    }
    if let Some(column) = &shape.sequence {
        add("merge_condition", column);
    }
    add("columns", &columns(&shape.columns));
}

fn doris(headers: &mut Headers, shape: &Shape) {
    let mut add = |name: &'static str, value: &str| headers.push((name, value.to_owned()));
    match shape.format {
        BodyFormat::Json => {
            add("format", "json");
            add("read_json_by_line", "true");
            add("strip_outer_array", "false");
        }
        BodyFormat::Csv => {
            add("format", "csv");
            add("column_separator", "\\x01");
            add("line_delimiter", "\\x02");
        }
        BodyFormat::Arrow => add("format", "arrow"),
    }
    match shape.compression {
        Compression::None => {}
        Compression::Gzip => add("compress_type", "gz"),
        Compression::Lz4 => add("compress_type", "lz4"),
        Compression::Zstd => add("compress_type", "zstd"),
    }
    if shape.flexible {
        // Each row says which columns it has; nearly every other header is refused beside this.
        add("unique_key_update_mode", "UPDATE_FLEXIBLE_COLUMNS");
        return;
    }
    // A table's property would otherwise turn it on, and drop our label.
    add("group_commit", "off_mode");
    if shape.partial.is_some() {
        add("partial_columns", "true");
    }
    if let Some(column) = &shape.sequence {
        add("function_column.sequence_col", column);
    }
    if shape.has_deletes {
        add("hidden_columns", DELETE_SIGN);
    }
    add("columns", &columns(&shape.columns));
}

/// Seconds as a header has them.
pub(super) fn seconds(time: Duration) -> String {
    time.as_secs().clamp(TIMEOUTS.0, TIMEOUTS.1).to_string()
}

/// Names in backticks, so that keywords are names too; the pseudo-columns bare.
fn columns(names: &[String]) -> String {
    let mut list = String::new();
    for name in names {
        if !list.is_empty() {
            list.push(',');
        }
        if name == OP_COLUMN || name == DELETE_SIGN {
            list.push_str(name);
        } else {
            list.push('`');
            list.push_str(&name.replace('`', "``"));
            list.push('`');
        }
    }
    list
}

/// A name as a segment of a path.
pub(in crate::sink::stream_load) fn segment(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(format: BodyFormat) -> Shape {
        Shape {
            format,
            compression: Compression::None,
            columns: vec!["id".to_owned(), "order".to_owned()],
            partial: None,
            has_deletes: false,
            flexible: false,
            sequence: None,
        }
    }

    fn lines(system: System, shape: &Shape) -> Vec<String> {
        let headers = of_load(system, shape, "mr_1", Duration::from_secs(600));
        headers.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    const ALWAYS: [&str; 5] = [
        "label: mr_1",
        "strict_mode: true",
        "max_filter_ratio: 0",
        "timezone: UTC",
        "timeout: 600",
    ];

    #[test]
    fn json_for_starrocks() {
        let mut shape = shape(BodyFormat::Json);
        shape.columns.push(OP_COLUMN.to_owned());
        shape.has_deletes = true;
        let found = lines(System::StarRocks, &shape);
        assert_eq!(found[..5], ALWAYS);
        assert_eq!(
            found[5..],
            [
                "format: json",
                "strip_outer_array: true",
                "ignore_json_size: true",
                "columns: `id`,`order`,__op"
            ]
        );
    }

    #[test]
    fn partial_rows_in_csv_for_starrocks() {
        let mut shape = shape(BodyFormat::Csv);
        shape.compression = Compression::Lz4;
        shape.partial = Some(PartialUpdateMode::Column);
        shape.sequence = Some("version".to_owned());
        assert_eq!(
            lines(System::StarRocks, &shape)[5..],
            [
                "format: csv",
                "column_separator: \\x01",
                "row_delimiter: \\x02",
                "compression: lz4_frame",
                "partial_update: true",
                "partial_update_mode: column",
                "merge_condition: version",
                "columns: `id`,`order`"
            ]
        );
    }

    #[test]
    fn json_for_doris() {
        let mut shape = shape(BodyFormat::Json);
        shape.columns.push(DELETE_SIGN.to_owned());
        shape.has_deletes = true;
        shape.partial = Some(PartialUpdateMode::Row);
        shape.sequence = Some("version".to_owned());
        let found = lines(System::Doris, &shape);
        assert_eq!(found[..5], ALWAYS);
        assert_eq!(
            found[5..],
            [
                "format: json",
                "read_json_by_line: true",
                "strip_outer_array: false",
                "group_commit: off_mode",
                "partial_columns: true",
                "function_column.sequence_col: version",
                "hidden_columns: __DORIS_DELETE_SIGN__",
                "columns: `id`,`order`,__DORIS_DELETE_SIGN__"
            ]
        );
    }

    #[test]
    fn flexible_rows_for_doris_have_no_columns() {
        let mut shape = shape(BodyFormat::Json);
        shape.flexible = true;
        shape.has_deletes = true;
        assert_eq!(
            lines(System::Doris, &shape)[5..],
            [
                "format: json",
                "read_json_by_line: true",
                "strip_outer_array: false",
                "unique_key_update_mode: UPDATE_FLEXIBLE_COLUMNS"
            ]
        );
    }

    #[test]
    fn arrow_for_doris_says_no_more_than_that() {
        let mut shape = shape(BodyFormat::Arrow);
        shape.partial = Some(PartialUpdateMode::Row);
        assert_eq!(
            lines(System::Doris, &shape)[5..],
            [
                "format: arrow",
                "group_commit: off_mode",
                "partial_columns: true",
                "columns: `id`,`order`"
            ]
        );
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(columns(&["a`b".to_owned()]), "`a``b`");
        assert_eq!(segment("ods_Wagers-1"), "ods_Wagers-1");
        assert_eq!(segment("a/b ü"), "a%2Fb%20%C3%BC");
        assert_eq!(seconds(Duration::ZERO), "1");
    }
}
