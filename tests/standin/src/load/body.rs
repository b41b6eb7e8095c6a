//! The bytes of a body: how many are allowed, and all of them.

use std::io::Read;

use crate::settings::Limits;
use crate::world::System;

use super::json::JsonShape;
use super::reply::Refusal;
use super::spec::{Format, LoadSpec};

/// A body that did not come as a whole.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection ended or stalled: there is nobody to answer.
    Lost,
    /// The body is too long.
    TooLong(Refusal),
}

/// Refuses a body by the length that the client announces. `before` are the bytes of JSON that the
/// transaction has already.
pub(crate) fn check_declared_size(
    limits: &Limits,
    spec: &LoadSpec,
    length: Option<u64>,
    before: u64,
) -> Result<(), Refusal> {
    let Some(length) = length else { return Ok(()) };
    if length > limits.body_max_bytes {
        return Err(too_long(length, limits.body_max_bytes));
    }
    let max = limits.json_max_bytes;
    let length = length.saturating_add(before);
    if !spec.is_json() || length <= max {
        return Ok(());
    }
    match (spec.system, &spec.format) {
        (System::StarRocks, _) if !spec.ignore_json_size => Err(Refusal::new(
            "INTERNAL_ERROR",
            format!(
                "The size of this batch exceed the max size [{max}]  of json type data  data [ \
                 {length} ]. Set ignore_json_size to skip the check, although it may lead enormous \
                 memory consuming."
            ),
        )),
        (System::Doris, Format::Json(JsonShape { by_line: false, .. }, _)) => Err(Refusal::new(
            "INTERNAL_ERROR",
            format!(
                "json body size {length} exceed BE's conf `streaming_load_json_max_mb` {max}. \
                 increase it if you are sure this load is reasonable"
            ),
        )),
        _ => Ok(()),
    }
}

/// All bytes of a body.
pub(crate) fn read(limits: &Limits, body: &mut dyn Read) -> Result<Vec<u8>, BodyError> {
    let max = limits.body_max_bytes;
    let mut bytes = Vec::new();
    match body.take(max.saturating_add(1)).read_to_end(&mut bytes) {
        Err(_) => Err(BodyError::Lost),
        Ok(_) if bytes.len() as u64 > max => {
            Err(BodyError::TooLong(too_long(bytes.len() as u64, max)))
        }
        Ok(_) => Ok(bytes),
    }
}

fn too_long(length: u64, max: u64) -> Refusal {
    Refusal::new("INTERNAL_ERROR", format!("body exceed max size: {max}, data: {length}"))
}

#[cfg(test)]
mod tests {
    use crate::http::Headers;
    use crate::world::Version;

    use super::*;

    fn refused(system: System, headers: &[(&str, &str)], length: Option<u64>, before: u64) -> bool {
        let headers: Headers = headers.iter().copied().collect();
        let spec = LoadSpec::parse(system, Version::default_of(system), &headers).unwrap();
        let limits = Limits { json_max_bytes: 100, body_max_bytes: 1000, ..Limits::of(system) };
        check_declared_size(&limits, &spec, length, before).is_err()
    }

    #[test]
    fn json_has_a_limit_of_its_own() {
        let json = ("format", "json");
        assert!(refused(System::StarRocks, &[json], Some(101), 0));
        assert!(refused(System::StarRocks, &[json], Some(60), 60));
        assert!(!refused(System::StarRocks, &[json], Some(100), 0));
        assert!(!refused(System::StarRocks, &[json], None, 500));
        assert!(!refused(System::StarRocks, &[json, ("ignore_json_size", "true")], Some(101), 0));
        assert!(!refused(System::StarRocks, &[], Some(101), 0));
        assert!(refused(System::StarRocks, &[], Some(1001), 0));
        assert!(!refused(System::Doris, &[json, ("read_json_by_line", "true")], Some(101), 0));
        assert!(refused(System::Doris, &[json, ("strip_outer_array", "true")], Some(101), 0));
    }

    #[test]
    fn a_body_without_length_is_bounded_too() {
        let limits = Limits { body_max_bytes: 3, ..Limits::default() };
        assert_eq!(read(&limits, &mut b"abc".as_slice()).unwrap(), b"abc");
        assert!(matches!(read(&limits, &mut b"abcd".as_slice()), Err(BodyError::TooLong(_))));
    }
}
