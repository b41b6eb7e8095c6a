//! What of a target can be filled by Arrow bodies, and by compressed ones.
//!
//! Doris reads a column's bytes as those of the table's type, and a time in a zone that no header
//! changes. A type that it reads otherwise than JSON, in whatever version, is refused.
//!
//! *Not here*: how columns get those types (`encode`).

use super::column_type::ColumnType;
use super::version::Version;
use crate::sink::stream_load::config::{BodyFormat, Compression, StreamLoadConfig};
use crate::sink::stream_load::error::StreamLoadError;

/// Digits of the longest decimal that is 128 bits.
const MOST_DIGITS: u8 = 38;

/// Whether the version takes bodies of the format, and compressed, that the settings say.
///
/// # Errors
/// If it is too old.
pub(in crate::sink::stream_load) fn check_format(
    config: &StreamLoadConfig,
    version: &Version,
) -> Result<(), StreamLoadError> {
    // It would read none of the rows, and each would be refused.
    if config.compression != Compression::None && !version.takes_compressed_bodies(config.system) {
        return Err(StreamLoadError::Unsupported {
            what: "a compressed body of JSON, which one of CSV may become,".to_owned(),
            version: format!("{} {version}", config.system.name()),
            remedy: "use StarRocks 3.2.7 or later, or leave `compression` out".to_owned(),
        });
    }
    if config.format != BodyFormat::Arrow || version.takes_arrow(config.system) {
        return Ok(());
    }
    Err(StreamLoadError::Unsupported {
        what: "a body of format = \"arrow\"".to_owned(),
        version: format!("{} {version}", config.system.name()),
        remedy: "use Apache Doris 2.1 or later, or say format = \"json\"".to_owned(),
    })
}

/// Whether a column of the table gets from Arrow what it gets from JSON; if not, why.
pub(super) fn takes(target: &ColumnType) -> Result<(), &'static str> {
    match target {
        ColumnType::DateTime { .. } => {
            Err("Doris reads the times of format = \"arrow\" in a time zone of its own; \
             say format = \"json\" or \"csv\"")
        }
        ColumnType::Json | ColumnType::VarBinary | ColumnType::Other(_) => Err(
            "not every Doris reads such a column from format = \"arrow\"; say format = \"json\"",
        ),
        ColumnType::Decimal { precision, .. } if *precision > MOST_DIGITS => {
            Err("format = \"arrow\" has no decimals of more than 38 digits; say format = \"json\"")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::stream_load::config::System;
    use crate::sink::stream_load::target::mapping::map;
    use crate::sink::stream_load::target::tests::{config, schema, table};

    #[test]
    fn only_types_that_arrive_as_they_were_are_taken() {
        for taken in [
            "boolean",
            "tinyint(4)",
            "smallint",
            "int",
            "bigint",
            "largeint",
            "float",
            "double",
            "decimal(38,9)",
            "char(3)",
            "varchar(9)",
            "string",
            "date",
        ] {
            let Ok(target) = taken.parse::<ColumnType>();
            assert_eq!(takes(&target), Ok(()), "{taken}");
        }
        for refused in ["datetime", "datetime(6)", "json", "variant", "varbinary", "decimal(76,2)"]
        {
            let Ok(target) = refused.parse::<ColumnType>();
            assert!(takes(&target).is_err_and(|why| why.contains("; say format")), "{refused}");
        }
    }

    #[test]
    fn an_older_doris_is_told_what_to_do() {
        let mut config = config(System::Doris);
        let old = Version::read("Doris version doris-2.0.15-rc01");
        assert!(check_format(&config, &old).is_ok());
        config.format = BodyFormat::Arrow;
        let error = check_format(&config, &old).unwrap_err().to_string();
        assert!(error.contains("2.0.15") && error.contains("2.1 or later"), "{error}");
        assert!(check_format(&config, &Version::read("doris-2.1.0")).is_ok());
    }

    #[test]
    fn an_older_starrocks_gets_no_compressed_bodies() {
        let mut config = config(System::StarRocks);
        let (old, new) = (Version::read("3.1.17-abc"), Version::read("3.2.7"));
        assert!(check_format(&config, &old).is_ok());
        config.compression = Compression::Lz4;
        let error = check_format(&config, &old).unwrap_err().to_string();
        assert!(error.contains("3.1.17") && error.contains("leave `compression` out"), "{error}");
        assert!(check_format(&config, &new).is_ok());
    }

    #[test]
    fn a_table_with_times_is_no_table_for_arrow() {
        let statement = "CREATE TABLE `ods_wagers` (\n  `wager_id` varchar(64) NOT NULL,\n  \
                         `end_time` datetime(6) NULL\n) ENGINE=OLAP\nUNIQUE KEY(`wager_id`)\n\
                         DISTRIBUTED BY HASH(`wager_id`) BUCKETS 1\nPROPERTIES \
                         (\"enable_unique_key_merge_on_write\" = \"true\")";
        let table = table(System::Doris, statement, &["wager_id", "end_time"]);
        let schema = schema(&[("wager_id", "text"), ("end_time", "timestamp")]);
        let mut config = config(System::Doris);
        assert!(map(&config, &schema, &table).is_ok());
        config.format = BodyFormat::Arrow;
        let Err(StreamLoadError::Unfit { differences, .. }) = map(&config, &schema, &table) else {
            panic!("DATETIME was taken");
        };
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(differences[0].starts_with("column `end_time` is DATETIME(6): Doris reads"));
    }
}
