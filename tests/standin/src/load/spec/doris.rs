//! The headers of Doris.

use crate::catalog::Partial;
use crate::http::Headers;
use crate::world::{System, Version};

use super::super::codec::Codec;
use super::super::condition::Condition;
use super::super::json::JsonShape;
use super::{Format, GroupCommit, LoadSpec, common, values};

const CODECS: [(&str, Codec); 8] = [
    ("gz", Codec::Gzip),
    ("gzip", Codec::Gzip),
    ("deflate", Codec::Deflate),
    ("lz4", Codec::Lz4Frame),
    ("lz4_frame", Codec::Lz4Frame),
    ("bz2", Codec::Unsupported),
    ("lzo", Codec::Unsupported),
    ("lzop", Codec::Unsupported),
];
/// What a flexible partial update excludes.
const NOT_FLEXIBLE: [&str; 9] = [
    "columns",
    "jsonpaths",
    "hidden_columns",
    "merge_type",
    "delete",
    "where",
    "fuzzy_parse",
    "function_column.sequence_col",
    "memtable_on_sink_node",
];

/// Reads the headers of a load.
pub(super) fn parse(version: Version, headers: &Headers) -> Result<LoadSpec, String> {
    let mut spec = common(System::Doris, headers, format(version, headers)?)?;
    if let Some(name) = headers.filled("compress_type") {
        spec.codec = values::codec(&CODECS, name)?;
        if spec.format == Format::Arrow {
            return Err(format!("the stand-in reads no Arrow with compress_type {name}"));
        }
    }
    // Exactly so: any other value is a load that commits by itself.
    spec.two_phase = headers.get("two_phase_commit") == Some("true");
    let sequence = headers.filled("function_column.sequence_col");
    spec.sequence_column = sequence.map(|name| name.trim_matches('`').to_owned());
    let hidden = headers.filled("hidden_columns").unwrap_or_default().split(',');
    let hidden = hidden.map(|name| name.trim().trim_matches('`').to_owned());
    spec.hidden = hidden.filter(|name| !name.is_empty()).collect();
    if spec.columns.is_some() {
        spec.hidden.clear();
    }
    merge_type(&mut spec, headers)?;
    spec.partial = partial(version, &spec, headers)?;
    spec.new_key_append = match headers.filled("partial_update_new_key_behavior") {
        None => true,
        Some(value) if value.eq_ignore_ascii_case("APPEND") => true,
        Some(value) if value.eq_ignore_ascii_case("ERROR") => false,
        Some(value) => {
            return Err(format!(
                "Invalid partial_update_new_key_behavior {value}, must be one of 'APPEND', 'ERROR'"
            ));
        }
    };
    group_commit(&mut spec, headers)?;
    Ok(spec)
}

fn format(version: Version, headers: &Headers) -> Result<Format, String> {
    let name = headers.filled("format").unwrap_or("csv").to_ascii_lowercase();
    let titles = match name.as_str() {
        "json" => {
            let array = values::boolean(headers, "strip_outer_array")?;
            let by_line = values::boolean(headers, "read_json_by_line")?;
            let shape = JsonShape {
                system: System::Doris,
                strip_outer_array: array.unwrap_or(false),
                // Where nothing is said, lines are read.
                by_line: by_line.unwrap_or(array.is_none()),
            };
            let delimiter = values::separator_of(headers, "line_delimiter", b"\n")?;
            return Ok(Format::Json(shape, delimiter));
        }
        "csv" => 0,
        "csv_with_names" => 1,
        "csv_with_names_and_types" => 2,
        "arrow" if version.at_least(2, 1, 0) => return Ok(Format::Arrow),
        "parquet" | "orc" => {
            return Err(format!("the stand-in does not read {name}"));
        }
        _ => return Err(format!("unknown data format, format={name}")),
    };
    let mut style = values::csv(headers, "line_delimiter", "skip_lines")?;
    style.skip = style.skip.max(titles);
    style.trim_double_quotes = values::boolean(headers, "trim_double_quotes")?.unwrap_or(false);
    style.empty_as_null = values::boolean(headers, "empty_field_as_null")?.unwrap_or(false);
    Ok(Format::Csv(style))
}

fn merge_type(spec: &mut LoadSpec, headers: &Headers) -> Result<(), String> {
    let merge_type = headers.filled("merge_type").unwrap_or("APPEND").to_ascii_uppercase();
    let delete = headers.filled("delete");
    match (merge_type.as_str(), delete) {
        ("APPEND", None) => {}
        ("DELETE", None) => spec.delete_all = true,
        ("MERGE", Some(condition)) => spec.delete = Some(Condition::parse(condition)?),
        ("MERGE", None) => {
            return Err("Excepted DELETE ON clause when merge type is MERGE.".to_owned());
        }
        ("APPEND" | "DELETE", Some(_)) => {
            return Err("not support DELETE ON clause when merge type is not MERGE.".to_owned());
        }
        _ => return Err(format!("Invalid merge type {merge_type}")),
    }
    if merge_type != "APPEND" && !spec.hidden.is_empty() {
        return Err("Not support specify hidden_columns with merge_type.".to_owned());
    }
    Ok(())
}

fn partial(
    version: Version,
    spec: &LoadSpec,
    headers: &Headers,
) -> Result<Option<Partial>, String> {
    let fixed = values::boolean(headers, "partial_columns")?.unwrap_or(false);
    let mode = headers.filled("unique_key_update_mode").map(str::to_ascii_uppercase);
    match mode.as_deref() {
        None => Ok(fixed.then_some(Partial::Fixed)),
        Some("UPSERT") => Ok(None),
        Some("UPDATE_FIXED_COLUMNS") => Ok(Some(Partial::Fixed)),
        Some("UPDATE_FLEXIBLE_COLUMNS") if version.at_least(3, 1, 0) => {
            if !spec.is_json() {
                return Err("flexible partial update only support json format as input file \
                            currently"
                    .to_owned());
            }
            let excluded = NOT_FLEXIBLE.iter().find(|name| headers.filled(name).is_some());
            match excluded {
                Some(name) => {
                    Err(format!("Don't support flexible partial update when '{name}' is specified"))
                }
                None => Ok(Some(Partial::Flexible)),
            }
        }
        Some(mode) => Err(format!(
            "Invalid unique_key_update_mode {mode}, must be one of 'UPSERT', \
             'UPDATE_FIXED_COLUMNS' or 'UPDATE_FLEXIBLE_COLUMNS'"
        )),
    }
}

fn group_commit(spec: &mut LoadSpec, headers: &Headers) -> Result<(), String> {
    let mode = match headers.filled("group_commit") {
        None => None,
        Some(value) if value.eq_ignore_ascii_case("off_mode") => Some(GroupCommit::Off),
        Some(value) if value.eq_ignore_ascii_case("sync_mode") => Some(GroupCommit::Sync),
        Some(value) if value.eq_ignore_ascii_case("async_mode") => Some(GroupCommit::Async),
        Some(_) => {
            return Err("group_commit can only be [async_mode, sync_mode, off_mode]".to_owned());
        }
    };
    let on = matches!(mode, Some(GroupCommit::Sync | GroupCommit::Async));
    if on && spec.partial == Some(Partial::Flexible) {
        return Err("Don't support flexible partial update when 'group_commit' is specified".into());
    }
    let impossible =
        spec.two_phase || spec.partial.is_some() || headers.filled("partitions").is_some();
    spec.group_commit = if impossible { Some(GroupCommit::Off) } else { mode };
    if impossible || !on {
        return Ok(());
    }
    if headers.get("transfer-encoding").is_some() {
        spec.label = None;
    }
    if spec.label.is_some() {
        return Err("label and group_commit can't be set at the same time".to_owned());
    }
    Ok(())
}
