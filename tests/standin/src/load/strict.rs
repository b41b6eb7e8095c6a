//! What a careful client declares and the official ones do not; looked at on request only.

use crate::http::Headers;
use crate::world::{System, World};

/// Reports what the headers of a load leave to the servers' defaults.
pub(crate) fn declarations(world: &World, headers: &Headers, label: &str) {
    if !world.settings.get().strict_client {
        return;
    }
    let report = |what: &str| world.breaches.report(format!("load {label}: {what}"));
    let is_true = |name: &str| headers.get(name).is_some_and(|v| v.eq_ignore_ascii_case("true"));
    if !is_true("strict_mode") {
        report("strict_mode is not true: values that cannot be converted become null");
    }
    let ratio = headers.get("max_filter_ratio").and_then(|value| value.parse::<f64>().ok());
    if ratio != Some(0.0) {
        report("max_filter_ratio is not 0: refused rows are lost");
    }
    let shape_is_declared = || match world.system {
        System::StarRocks => headers.filled("strip_outer_array").is_some(),
        System::Doris => {
            ["strip_outer_array", "read_json_by_line"].iter().any(|name| is_true(name))
        }
    };
    match headers.filled("format") {
        None => report("the format of the body is not declared"),
        Some(format) if format.eq_ignore_ascii_case("json") && !shape_is_declared() => {
            report("the shape of the JSON body is not declared");
        }
        Some(_) => {}
    }
    let group = headers.get("group_commit").unwrap_or_default();
    // A flexible update is never committed with others, and takes no such header.
    let mode = headers.get("unique_key_update_mode").unwrap_or_default();
    let is_alone = group.eq_ignore_ascii_case("off_mode")
        || mode.eq_ignore_ascii_case("UPDATE_FLEXIBLE_COLUMNS");
    if world.system == System::Doris && !is_alone {
        report("group_commit is not off_mode: a table's property can discard the label");
    }
}
