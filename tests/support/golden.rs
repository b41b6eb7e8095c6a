//! Comparing with files in the tree.

use std::fs;
use std::path::Path;

/// Compares a text with the golden file `path`. With `UPDATE_GOLDEN=1` the file is written instead.
///
/// # Panics
/// If they differ, with both texts; or if the file cannot be read or written.
pub fn compare_golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).expect("goldens are writable where they are updated");
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} differs\n--- expected\n{expected}\n--- actual\n{actual}\n(UPDATE_GOLDEN=1 rewrites it)",
        path.display()
    );
}
