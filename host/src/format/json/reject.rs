//! The words of a reject: the line as text, and where a path met no object.

use std::fmt::Write;

use super::batch::MAX_INPUT_BYTES;
use super::path::PathTree;
use super::syntax::Kind;

/// The reason when a path goes on where the document does not.
pub(in crate::format) fn blocked(tree: &PathTree, node: usize, above: usize, kind: Kind) -> String {
    let path = |node| tree.get(node).map_or("", |node| node.path.as_str());
    let place = match path(above) {
        "" => "the line".to_owned(),
        above => format!("`{above}`"),
    };
    format!("expected an object in {place} on the way to `{}`, found {kind}", path(node))
}

/// The line as text, without its end and within [`MAX_INPUT_BYTES`].
pub(in crate::format) fn printable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // A few bytes more than may stand, so that what is cut off here is cut off below anyway.
    let line = line.get(..MAX_INPUT_BYTES + 8).unwrap_or(line);
    let mut text = String::new();
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02X}").expect("a String takes all");
        }
        if text.len() > MAX_INPUT_BYTES {
            text.truncate(text.floor_char_boundary(MAX_INPUT_BYTES - '…'.len_utf8()));
            text.push('…');
            break;
        }
    }
    text
}
