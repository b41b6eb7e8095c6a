//! Values that the table's columns may not hold, though their types fit.

use super::Findings;
use crate::record::Schema;
use crate::sink::stream_load::config::StreamLoadConfig;
use crate::sink::stream_load::target::mapping::{Mapped, Origin};
use crate::sink::stream_load::target::narrow::holds_less;

/// Names the columns that hold less than the input's types, and what becomes of the rows.
pub(super) fn values(
    findings: &mut Findings,
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &str,
    mapped: &[Mapped],
) {
    let system = config.system;
    let less = |column: &&Mapped| holds_less(system, column.field, column.key, &column.target);
    let mut found = Vec::new();
    for column in mapped {
        let Origin::Input(index) = column.origin else { continue };
        let (name, target) = (&column.name, column.target.sql(system));
        if less(&column) {
            found.push(format!("`{name}` is {target} for {}", column.field));
        }
        let may_lack = schema.fields.get(index).is_some_and(|field| field.nullable);
        if column.required && !column.key && may_lack {
            found.push(format!("`{name}` takes no null"));
        }
    }
    if !found.is_empty() {
        findings.warning(
            format!("table `{table}` may not take every value: {}", found.join(", ")),
            "rows whose values do not fit are dead letters, or halt a pipeline that keeps none; \
             `millrace ddl` prints types that take every value",
        );
    }
    let times = mapped.iter().filter(|column| column.origin == Origin::SyncedAt);
    for column in times.filter(less) {
        let target = column.target.sql(system);
        findings.warning(
            format!("`{}` is {target}: the time of a load is cut to that", column.name),
            "make it DATETIME(6)",
        );
    }
}
