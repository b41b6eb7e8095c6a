//! Which table models take which mode.

use super::table::{HIDDEN_SEQUENCE, Model, SEQUENCE, Table};
use crate::record::Schema;
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{Deletes, StreamLoadConfig, System};

/// How the table's model differs from what the sink's mode wants; empty: it does not.
pub(super) fn differences(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &Table,
) -> Vec<String> {
    match config.mode {
        WriteMode::Append => append(table).into_iter().collect(),
        WriteMode::Upsert => {
            let mut found = Vec::new();
            found.extend(upsert(config, schema, table));
            found.extend(key(config, table));
            found.extend(sequence(config, table));
            found
        }
    }
}

fn append(table: &Table) -> Option<String> {
    let why = match table.model {
        Model::Duplicate => return None,
        Model::Primary | Model::Unique { .. } => {
            "keeps one row of each key, so that appended rows \
             would replace each other"
        }
        Model::Aggregate => "makes one row of those with the same key",
    };
    Some(format!(
        "mode = \"append\" keeps every row, and a table with {} {why}; name a table with DUPLICATE \
         KEY, or say mode = \"upsert\" with that key",
        table.model.words()
    ))
}

fn upsert(config: &StreamLoadConfig, schema: &Schema, table: &Table) -> Option<String> {
    let is_soft = config.deletes == Deletes::Soft;
    match (config.system, table.model) {
        (System::StarRocks, Model::Primary)
        | (System::Doris, Model::Unique { merge_on_write: true }) => None,
        (System::Doris, Model::Unique { merge_on_write: false }) if !is_soft => None,
        (System::Doris, Model::Unique { .. }) => Some(
            "deletes = \"soft\" changes a few columns of a row, which a table with UNIQUE KEY \
             takes only with \"enable_unique_key_merge_on_write\" = \"true\"; make such a table, \
             or say deletes = \"hard\""
                .to_owned(),
        ),
        (System::StarRocks, Model::Unique { .. }) if schema.append_only && !is_soft => None,
        (System::StarRocks, Model::Unique { .. }) => Some(
            "a table with UNIQUE KEY takes neither deletes nor updates of a few columns by load, \
             and the input may have both; make it with PRIMARY KEY"
                .to_owned(),
        ),
        (system, model) => {
            let wanted = match system {
                System::StarRocks => "PRIMARY KEY",
                System::Doris => "UNIQUE KEY",
            };
            let does = match model {
                Model::Aggregate => "makes one row of those with the same key",
                _ => "keeps every row",
            };
            Some(format!(
                "mode = \"upsert\" wants a table with {wanted}, and one with {} {does}; make it \
                 with {wanted}, as `millrace ddl` prints it, or say mode = \"append\" for a table \
                 with DUPLICATE KEY",
                model.words()
            ))
        }
    }
}

/// The table must tell rows apart as the sink does.
fn key(config: &StreamLoadConfig, table: &Table) -> Option<String> {
    if !matches!(table.model, Model::Primary | Model::Unique { .. }) {
        return None;
    }
    let is_in_sink = |name: &String| config.key.iter().any(|key| key.eq_ignore_ascii_case(name));
    let equal = table.key.len() == config.key.len()
        && table.key.iter().all(is_in_sink)
        && config.key.iter().all(|name| table.has_in_key(name));
    (!equal).then(|| {
        let sinks: Vec<&str> = config.key.iter().map(AsRef::as_ref).collect();
        format!(
            "its {} is ({}), and the sink's key is ({}); they must have the same columns: set \
             `key`, or make the table with that key",
            table.model.words(),
            table.key.join(", "),
            sinks.join(", ")
        )
    })
}

fn sequence(config: &StreamLoadConfig, table: &Table) -> Option<String> {
    let wanted = config.sequence.as_deref();
    match (config.system, wanted, table.sequence.as_deref()) {
        (System::StarRocks, None, _) | (System::Doris, None, None) => None,
        (System::StarRocks, Some(wanted), _) => {
            let is_primary = table.model == Model::Primary;
            (!is_primary).then(|| {
                format!(
                    "sequence = \"{wanted}\" wants a table with PRIMARY KEY, which alone compares \
                     values; make such a table, or leave `sequence` out"
                )
            })
        }
        (System::Doris, Some(_), Some(HIDDEN_SEQUENCE)) => None,
        (System::Doris, Some(wanted), Some(has)) if has.eq_ignore_ascii_case(wanted) => None,
        // Loads carry the table's own sequence column anyway: what wins is what the table says.
        (System::Doris, None, Some(has)) if has != HIDDEN_SEQUENCE => None,
        (System::Doris, None, Some(_)) => Some(
            "each load into it must name a sequence column (\"function_column.sequence_type\"); \
             set `sequence`"
                .to_owned(),
        ),
        (System::Doris, Some(wanted), Some(has)) => Some(format!(
            "its sequence column is `{has}`, and the sink's is `{wanted}`; say the same"
        )),
        (System::Doris, Some(wanted), None) => Some(format!(
            "sequence = \"{wanted}\" wants a table with that sequence column, which only CREATE \
             TABLE can give: make it with \"{SEQUENCE}\" = \"{wanted}\", as `millrace ddl` prints \
             it, or leave `sequence` out"
        )),
    }
}
