//! Single header values.

use crate::http::Headers;

use super::super::codec::Codec;
use super::super::csv::{CsvStyle, separator};

/// `true` or `false`, in any case.
pub(super) fn boolean(headers: &Headers, name: &str) -> Result<Option<bool>, String> {
    match headers.filled(name) {
        None => Ok(None),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(format!("Invalid {} format. Must be bool type", name.replace('_', " "))),
    }
}

/// A number of seconds that a load may last.
pub(super) fn timeout(headers: &Headers, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = headers.filled(name) else { return Ok(None) };
    match value.parse() {
        Ok(seconds @ 1..=259_200) => Ok(Some(seconds)),
        Ok(_) => Err("Invalid timeout: it should be in [1, 259200]".to_owned()),
        Err(_) => Err(format!("Invalid timeout format, {value}")),
    }
}

/// The `max_filter_ratio` header.
pub(super) fn ratio(headers: &Headers) -> Result<f64, String> {
    let Some(value) = headers.filled("max_filter_ratio") else { return Ok(0.0) };
    match value.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(format!("Invalid max_filter_ratio, {value}: it should be in [0, 1]")),
    }
}

/// A zone by offset or by name.
pub(super) fn zone(zone: String) -> Result<String, String> {
    let by_offset = zone
        .strip_prefix(['+', '-'])
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(hours, minutes)| {
            let below = |text: &str, limit: u32| text.parse::<u32>().is_ok_and(|n| n < limit);
            below(hours, 15) && minutes.len() == 2 && below(minutes, 60)
        });
    let letters = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c))
    };
    let by_name = zone
        .split_once('/')
        .is_some_and(|(area, place)| letters(area) && place.split('/').all(letters));
    let short = ["UTC", "GMT", "CST", "PRC", "EST", "MST", "HST", "Z"];
    if by_offset || by_name || short.iter().any(|known| known.eq_ignore_ascii_case(&zone)) {
        Ok(zone)
    } else {
        Err(format!("Unknown or incorrect time zone: '{zone}'"))
    }
}

/// The bytes of a separator's header.
pub(super) fn separator_of(
    headers: &Headers,
    name: &str,
    default: &[u8],
) -> Result<Vec<u8>, String> {
    headers.filled(name).map_or_else(|| Ok(default.to_vec()), separator)
}

/// One byte.
pub(super) fn byte(headers: &Headers, name: &str) -> Result<Option<u8>, String> {
    match headers.filled(name).map(separator).transpose()?.as_deref() {
        None => Ok(None),
        Some([byte]) => Ok(Some(*byte)),
        Some(_) => Err(format!("{name} must be single-char")),
    }
}

/// The headers of CSV that both systems have.
pub(super) fn csv(headers: &Headers, delimiter: &str, skip: &str) -> Result<CsvStyle, String> {
    let skip = match headers.filled(skip) {
        None => 0,
        Some(value) => {
            value.parse().map_err(|_| format!("Invalid csv load skip line format: {value}"))?
        }
    };
    Ok(CsvStyle {
        separator: separator_of(headers, "column_separator", b"\t")?,
        delimiter: separator_of(headers, delimiter, b"\n")?,
        enclose: byte(headers, "enclose")?,
        escape: byte(headers, "escape")?,
        skip,
        ..CsvStyle::default()
    })
}

/// The codec of this name, where the system has one.
pub(super) fn codec(known: &[(&str, Codec)], value: &str) -> Result<Codec, String> {
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    found.map(|(_, codec)| *codec).ok_or_else(|| format!("unknown compression type: {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_offsets_or_names() {
        for right in ["UTC", "+00:00", "-03:30", "Asia/Shanghai", "America/Argentina/Buenos_Aires"]
        {
            assert!(zone(right.to_owned()).is_ok(), "{right}");
        }
        for wrong in ["", "+0", "+15:00", "nowhere", "a/", "+08:60"] {
            assert!(zone(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
