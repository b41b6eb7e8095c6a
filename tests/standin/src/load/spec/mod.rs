//! What a load's headers ask for, checked.

mod doris;
mod starrocks;
mod values;

use crate::catalog::Partial;
use crate::http::Headers;
use crate::world::{System, Version};

use super::codec::Codec;
use super::columns::Columns;
use super::condition::Condition;
use super::csv::CsvStyle;
use super::json::JsonShape;
use super::jsonpath::Path;
use super::reply::Refusal;

/// The format of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Rows of separated fields.
    Csv(CsvStyle),
    /// JSON of this shape; lines end with these bytes.
    Json(JsonShape, Vec<u8>),
    /// Doris: a stream of Arrow's IPC.
    Arrow,
}

/// What Doris is asked to do with several loads at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupCommit {
    /// Each load is committed by itself.
    Off,
    /// The reply comes when the group is committed.
    Sync,
    /// The reply comes when the rows are in a log.
    Async,
}

/// One load's headers, checked.
#[derive(Clone, Debug)]
pub(crate) struct LoadSpec {
    /// The system whose rules hold.
    pub system: System,
    /// The label, if the client gives one.
    pub label: Option<String>,
    /// The format of the body.
    pub format: Format,
    /// How the body is packed.
    pub codec: Codec,
    /// The `columns` header.
    pub columns: Option<Columns>,
    /// The `jsonpaths` header.
    pub jsonpaths: Option<Vec<Path>>,
    /// The `json_root` header.
    pub json_root: Option<Path>,
    /// The `strict_mode` header.
    pub strict: bool,
    /// The `max_filter_ratio` header.
    pub max_filter_ratio: f64,
    /// The `timeout` header, in seconds.
    pub timeout_s: Option<u64>,
    /// The `timezone` header, or the system's default.
    pub timezone: String,
    /// Whether rows are updates of some columns.
    pub partial: Option<Partial>,
    /// StarRocks: the `merge_condition` header.
    pub merge_condition: Option<String>,
    /// StarRocks: no limit for the size of JSON.
    pub ignore_json_size: bool,
    /// Doris: the `hidden_columns` header.
    pub hidden: Vec<String>,
    /// Doris: `merge_type: DELETE`.
    pub delete_all: bool,
    /// Doris: the `delete` header of `merge_type: MERGE`.
    pub delete: Option<Condition>,
    /// Doris: the `function_column.sequence_col` header.
    pub sequence_column: Option<String>,
    /// Doris: whether a partial update may insert.
    pub new_key_append: bool,
    /// Doris: the load stops at pre-committed.
    pub two_phase: bool,
    /// Doris: the `group_commit` header, if there is one and nothing switches it off.
    pub group_commit: Option<GroupCommit>,
}

impl LoadSpec {
    /// What the headers ask for, or why they are refused.
    pub(crate) fn parse(
        system: System,
        version: Version,
        headers: &Headers,
    ) -> Result<Self, Refusal> {
        let parsed = match system {
            System::StarRocks => starrocks::parse(headers),
            System::Doris => doris::parse(version, headers),
        };
        parsed.map_err(|message| Refusal::new("INVALID_ARGUMENT", message))
    }

    /// Whether the body is JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.format, Format::Json(..))
    }

    /// Whether the body is not packed.
    pub(crate) fn codec_is_plain(&self) -> bool {
        self.codec == Codec::Plain
    }

    /// The parameters that every load of one transaction must repeat, by name.
    pub(crate) fn parameters(headers: &Headers) -> Vec<(String, String)> {
        /// Headers that say nothing about the rows.
        const OTHERS: [&str; 14] = [
            "accept",
            "accept-encoding",
            "authorization",
            "connection",
            "content-length",
            "content-type",
            "db",
            "expect",
            "host",
            "label",
            "table",
            "transfer-encoding",
            "user-agent",
            "transaction_type",
        ];
        let mut parameters: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
            .collect();
        parameters.sort_unstable();
        parameters
    }
}

/// The headers without those that only one of the systems has.
fn common(system: System, headers: &Headers, format: Format) -> Result<LoadSpec, String> {
    let text = |name: &str| headers.filled(name).map(str::to_owned);
    if headers.filled("where").is_some() {
        return Err("the stand-in does not evaluate `where`".to_owned());
    }
    let default_zone = match system {
        System::StarRocks => "Asia/Shanghai",
        System::Doris => "+08:00",
    };
    let zone = text("timezone").or_else(|| match system {
        System::Doris => text("time_zone"),
        System::StarRocks => None,
    });
    Ok(LoadSpec {
        system,
        label: text("label"),
        format,
        codec: Codec::Plain,
        columns: headers.filled("columns").map(Columns::parse).transpose()?,
        jsonpaths: headers.filled("jsonpaths").map(Path::parse_all).transpose()?,
        json_root: headers.filled("json_root").map(Path::parse).transpose()?,
        strict: values::boolean(headers, "strict_mode")?.unwrap_or(false),
        max_filter_ratio: values::ratio(headers)?,
        timeout_s: values::timeout(headers, "timeout")?,
        timezone: values::zone(zone.unwrap_or_else(|| default_zone.to_owned()))?,
        partial: None,
        merge_condition: None,
        ignore_json_size: false,
        hidden: Vec::new(),
        delete_all: false,
        delete: None,
        sequence_column: None,
        new_key_append: true,
        two_phase: false,
        group_commit: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(system: System, headers: &[(&str, &str)]) -> Result<LoadSpec, String> {
        let headers = headers.iter().copied().collect();
        let version = Version::default_of(system);
        LoadSpec::parse(system, version, &headers).map_err(|refusal| refusal.message)
    }

    #[test]
    fn starrocks_headers_are_read() {
        let spec = parse(
            System::StarRocks,
            &[
                ("format", "JSON"),
                ("strip_outer_array", "true"),
                ("compression", "lz4_frame"),
                ("partial_update", "true"),
                ("partial_update_mode", "column"),
                ("columns", "k,v"),
                ("max_filter_ratio", "0.5"),
            ],
        );
        let spec = spec.unwrap();
        assert_eq!((spec.codec, spec.partial), (Codec::Lz4Frame, Some(Partial::Column)));
        assert!(spec.is_json() && spec.max_filter_ratio == 0.5 && !spec.strict);
        assert_eq!(spec.timezone, "Asia/Shanghai");
    }

    #[test]
    fn doris_headers_are_read() {
        let spec = parse(
            System::Doris,
            &[
                ("format", "csv"),
                ("column_separator", "\\x01"),
                ("hidden_columns", "__DORIS_DELETE_SIGN__"),
                ("columns", "`k`,`v`,__DORIS_DELETE_SIGN__"),
                ("two_phase_commit", "true"),
                ("compress_type", "gz"),
                ("Content-Encoding", "gzip"),
            ],
        );
        let spec = spec.unwrap();
        assert!(spec.two_phase && spec.codec == Codec::Gzip);
        let style = CsvStyle { separator: vec![1], ..CsvStyle::default() };
        assert_eq!(spec.format, Format::Csv(style));
    }

    #[test]
    fn arrow_is_of_doris_from_2_1_on() {
        let headers = [("format", "Arrow"), ("columns", "`k`")].into_iter().collect();
        let parse = |version| LoadSpec::parse(System::Doris, version, &headers);
        let spec = parse(Version::new(2, 1, 0)).unwrap();
        assert_eq!((spec.format, spec.codec), (Format::Arrow, Codec::Plain));
        let refused = parse(Version::new(2, 0, 15)).unwrap_err();
        assert_eq!(refused.message, "unknown data format, format=arrow");
    }

    #[test]
    fn names_of_a_transaction_and_the_case_of_words_change_no_plain_load() {
        let named = [("db", "d"), ("table", "t"), ("partial_update", "TRUE"), ("columns", "k")];
        let spec = parse(System::StarRocks, &named).unwrap();
        assert_eq!(spec.partial, Some(Partial::Row));
        let spec = parse(System::Doris, &[("two_phase_commit", "TRUE")]).unwrap();
        assert!(!spec.two_phase, "only the word in small letters waits for a commit");
    }

    #[test]
    fn values_that_no_server_takes_are_refused() {
        let wrong = [
            (System::StarRocks, vec![("format", "xml")]),
            (System::StarRocks, vec![("strict_mode", "yes")]),
            (System::StarRocks, vec![("max_filter_ratio", "2")]),
            (System::StarRocks, vec![("timeout", "0")]),
            (System::StarRocks, vec![("timezone", "nowhere")]),
            (System::StarRocks, vec![("compression", "gzip"), ("content-encoding", "gzip")]),
            (System::StarRocks, vec![("format", "gzip"), ("compression", "gzip")]),
            (System::Doris, vec![("group_commit", "maybe")]),
            (System::Doris, vec![("merge_type", "MERGE")]),
            (System::Doris, vec![("delete", "a=1")]),
            (System::Doris, vec![("enclose", "ab")]),
            (System::Doris, vec![("unique_key_update_mode", "UPDATE_FLEXIBLE_COLUMNS")]),
            (System::Doris, vec![("label", "a"), ("group_commit", "sync_mode")]),
            (System::Doris, vec![("format", "arrow"), ("compress_type", "gz")]),
            (System::StarRocks, vec![("format", "arrow")]),
        ];
        for (system, headers) in wrong {
            assert!(parse(system, &headers).is_err(), "{headers:?}");
        }
    }

    #[test]
    fn group_commit_is_switched_off_by_what_it_cannot_do() {
        let mode = |headers: &[(&str, &str)]| parse(System::Doris, headers).unwrap().group_commit;
        let sync = ("group_commit", "sync_mode");
        assert_eq!(mode(&[]), None);
        assert_eq!(mode(&[sync]), Some(GroupCommit::Sync));
        assert_eq!(mode(&[sync, ("two_phase_commit", "true")]), Some(GroupCommit::Off));
        assert_eq!(mode(&[sync, ("partial_columns", "true")]), Some(GroupCommit::Off));
        let chunked = [sync, ("label", "l"), ("transfer-encoding", "chunked")];
        let spec = parse(System::Doris, &chunked).unwrap();
        assert_eq!((spec.label, spec.group_commit), (None, Some(GroupCommit::Sync)));
    }

    #[test]
    fn a_transaction_compares_what_speaks_of_rows() {
        let of = |pairs: &[(&str, &str)]| LoadSpec::parameters(&pairs.iter().copied().collect());
        let one = of(&[("Format", "json"), ("Host", "a"), ("Content-Length", "1")]);
        assert_eq!(one, of(&[("host", "b"), ("format", "json")]));
        assert_ne!(one, of(&[("format", "csv")]));
    }
}
