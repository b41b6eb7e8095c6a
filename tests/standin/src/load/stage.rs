//! A load against its table: what can be told from the headers, then the rows.

use crate::catalog::{LoadRules, Staged, TableDef};
use crate::world::{System, World};

use super::codec;
use super::count;
use super::reply::{Counts, Refusal};
use super::rows::{self, DELETE_SIGN};
use super::spec::{Format, LoadSpec};

/// The rows of one load, checked and not visible yet.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The rows.
    pub staged: Staged,
    /// How many there are of each kind.
    pub counts: Counts,
    /// What was refused, each row with its text and the reason.
    pub bad: Vec<(String, String)>,
}

/// What the headers make of the table's rules, or why the load cannot be planned.
pub(crate) fn plan(world: &World, table: &TableDef, spec: &LoadSpec) -> Result<LoadRules, Refusal> {
    let failed = |message: String| Refusal::of_frontend(spec.system, "ANALYSIS_ERROR", message);
    let columns = spec.columns.as_ref().map(|columns| {
        let targets =
            columns.targets().filter(|name| table.column(name).is_some() || !columns.is_used(name));
        let deletes = |name: &&str| {
            let condition = spec.delete.as_ref();
            condition.is_some_and(|condition| condition.column().eq_ignore_ascii_case(name))
        };
        // The condition of a MERGE gives every row its sign.
        let sign = spec.delete.as_ref().map(|_| DELETE_SIGN);
        targets
            .filter(|name| table.column(name).is_some() || !deletes(name))
            .chain(sign)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let hidden = |name: &str| match spec.system {
        System::StarRocks => name == "__op",
        System::Doris => name.starts_with("__DORIS_"),
    };
    let mut named = columns.iter().flatten();
    if let Some(name) = named.find(|name| table.column(name).is_none() && !hidden(name)) {
        return Err(failed(format!("Unknown column '{name}' in '{}'", table.name)));
    }
    if let Some(name) = &spec.merge_condition
        && table.column(name).is_none()
    {
        return Err(failed(format!("Merge condition column {name} does not exist. ")));
    }
    if spec.two_phase && world.settings.get().cloud && table.merges_on_write() {
        let message = "stream load 2pc is unsupported for mow table";
        return Err(Refusal::new("NOT_IMPLEMENTED_ERROR", message));
    }
    let rules = LoadRules {
        strict: spec.strict,
        partial: spec.partial,
        columns,
        merge_condition: spec.merge_condition.clone(),
        sequence_column: spec.sequence_column.clone(),
        timezone: spec.timezone.clone(),
        new_key_append: spec.new_key_append,
        delete_all: spec.delete_all,
    };
    // The table's model refuses some loads whatever their rows are.
    match world.catalog.convert(table, Vec::new(), &rules).refused {
        Some(message) => Err(failed(message)),
        None => Ok(rules),
    }
}

/// The rows of a body as the table will have them. An error fails the whole load.
pub(crate) fn stage(
    world: &World,
    table: &TableDef,
    spec: &LoadSpec,
    rules: &LoadRules,
    bytes: Vec<u8>,
) -> Result<Batch, Refusal> {
    let (format, code) = match spec.format {
        Format::Arrow => ("arrow", "INTERNAL_ERROR"),
        Format::Csv(_) => ("csv", "DATA_QUALITY_ERROR"),
        Format::Json(..) => ("json", "DATA_QUALITY_ERROR"),
    };
    world.stats.count_format(format);
    let failed = |message: String| Refusal::new(code, message);
    let received = bytes.len() as u64;
    let limit = world.settings.get().body_max_bytes;
    let bytes = codec::unpack(spec.codec, bytes, limit)
        .map_err(|message| Refusal::new("INTERNAL_ERROR", message))?;
    if world.settings.get().count_only {
        let total = count::rows(spec, &bytes);
        let counts = Counts { total, loaded: total, bytes: received, ..Counts::default() };
        return Ok(Batch { counts, ..Batch::default() });
    }
    let rows::Rows { rows, mut bad } = rows::rows(spec, table, &bytes).map_err(failed)?;
    let total = (rows.len() + bad.len()) as u64;
    let converted = world.catalog.convert(table, rows, rules);
    if let Some(message) = converted.refused {
        return Err(Refusal::of_frontend(spec.system, "ANALYSIS_ERROR", message));
    }
    bad.extend(converted.filtered);
    let filtered = bad.len() as u64;
    let unselected = converted.unselected;
    let loaded = total.saturating_sub(filtered).saturating_sub(unselected);
    let counts = Counts { total, loaded, filtered, unselected, bytes: received };
    Ok(Batch { staged: converted.staged, counts, bad })
}
