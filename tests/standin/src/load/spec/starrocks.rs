//! The headers of StarRocks.

use crate::catalog::Partial;
use crate::http::Headers;
use crate::world::System;

use super::super::codec::Codec;
use super::super::json::JsonShape;
use super::{Format, LoadSpec, common, values};

const CODECS: [(&str, Codec); 6] = [
    ("GZIP", Codec::Gzip),
    ("DEFLATE", Codec::Deflate),
    ("LZ4_FRAME", Codec::Lz4Frame),
    ("ZSTD", Codec::Zstd),
    ("BZIP2", Codec::Unsupported),
    ("NONE", Codec::Plain),
];
/// The formats that are CSV in a codec.
const PACKED: [(&str, Codec); 5] = [
    ("GZIP", Codec::Gzip),
    ("DEFLATE", Codec::Deflate),
    ("LZ4", Codec::Lz4Frame),
    ("ZSTD", Codec::Zstd),
    ("BZIP2", Codec::Unsupported),
];

/// Reads the headers of a load.
pub(super) fn parse(headers: &Headers) -> Result<LoadSpec, String> {
    let strip_outer_array = values::boolean(headers, "strip_outer_array")?.unwrap_or(false);
    let shape = JsonShape { system: System::StarRocks, strip_outer_array, by_line: false };
    let name = headers.filled("format").unwrap_or("CSV");
    let packed = PACKED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let format = if name.eq_ignore_ascii_case("JSON") {
        Format::Json(shape, b"\n".to_vec())
    } else if name.eq_ignore_ascii_case("CSV") || packed.is_some() {
        let mut style = values::csv(headers, "row_delimiter", "skip_header")?;
        style.trim_space = values::boolean(headers, "trim_space")?.unwrap_or(false);
        Format::Csv(style)
    } else {
        return Err(format!("unknown data format, format={name}"));
    };
    let mut spec = common(System::StarRocks, headers, format)?;
    spec.codec = codec(headers, packed.map(|(_, codec)| *codec))?;
    if spec.codec == Codec::Deflate && spec.is_json() {
        return Err("compression deflate is for CSV only".to_owned());
    }
    if headers.filled("partitions").is_some() && headers.filled("temporary_partitions").is_some() {
        let both = "Can not specify both partitions and temporary partitions";
        return Err(both.to_owned());
    }
    spec.ignore_json_size = values::boolean(headers, "ignore_json_size")?.unwrap_or(false);
    spec.merge_condition = headers.filled("merge_condition").map(str::to_owned);
    spec.partial = partial(headers)?;
    if spec.partial.is_some() && spec.columns.is_none() && !spec.is_json() {
        return Err("partial update needs the columns header".to_owned());
    }
    Ok(spec)
}

fn codec(headers: &Headers, packed: Option<Codec>) -> Result<Codec, String> {
    match (packed, headers.filled("compression"), headers.filled("content-encoding")) {
        (_, Some(_), Some(_)) => {
            Err("Only one of the compression and Content-Encoding headers can be set".to_owned())
        }
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            Err("the compression is given twice, in format and in a header".to_owned())
        }
        (Some(codec), None, None) => Ok(codec),
        (None, Some(name), None) | (None, None, Some(name)) => values::codec(&CODECS, name),
        (None, None, None) => Ok(Codec::Plain),
    }
}

/// Modes are case-sensitive, and an unknown one is the default.
fn partial(headers: &Headers) -> Result<Option<Partial>, String> {
    let on = values::boolean(headers, "partial_update")?.unwrap_or(false);
    Ok(match (on, headers.get("partial_update_mode")) {
        (false, _) => None,
        (true, Some("column")) => Some(Partial::Column),
        (true, _) => Some(Partial::Row),
    })
}
