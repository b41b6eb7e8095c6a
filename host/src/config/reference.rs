//! The reference of all keys, as Markdown, made of the tables of keys.

use std::fmt::Write as _;

use super::keys::{PARTS, Presence};

const INTRODUCTION: &str = include_str!("reference.md");

/// The reference of a pipeline's file: `docs/configuration.md` holds exactly this.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for part in PARTS {
        write!(text, "\n## {}\n\n", part.title).expect("writing to a string cannot fail");
        if !part.about.is_empty() {
            write!(text, "{}\n\n", part.about).expect("writing to a string cannot fail");
        }
        if part.keys.is_empty() {
            text.push_str("No keys of its own.\n");
            continue;
        }
        text.push_str("| key | takes | default | |\n|---|---|---|---|\n");
        for key in part.keys {
            let default = match key.presence {
                Presence::Required => "required".to_owned(),
                Presence::Optional => String::new(),
                Presence::Default(default) => format!("`{default}`"),
            };
            // A bar in a cell would end it.
            let about = key.about.replace('|', "\\|");
            writeln!(text, "| `{}` | {} | {default} | {about} |", key.name, key.takes)
                .expect("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_heading_and_every_key_a_line() {
        let text = reference();
        for part in PARTS {
            assert!(text.contains(&format!("\n## {}\n", part.title)));
            for key in part.keys {
                assert!(
                    text.contains(&format!("| `{}` | {} |", key.name, key.takes)),
                    "{}",
                    key.name
                );
            }
        }
    }
}
