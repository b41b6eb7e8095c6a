//! What the words of the tables mean to a program: the kinds of values that a key takes, and the
//! place of a part in the file.
//!
//! *Invariants*: nothing is listed twice. The words that people read are the only list, and a test
//! reads all of them.
//! *Not here*: what a value may be beyond its kind (`raw`), how it looks as JSON Schema (`schema`).

use super::{Key, PARTS, Part};

/// One kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    /// Exactly this word.
    Word(&'static str),
    Text,
    /// A text that is never printed.
    Secret,
    Integer,
    Number,
    Boolean,
    Duration,
    Size,
    Time,
    /// A column's type.
    Type,
    /// Texts.
    List,
    Table,
    /// A table of tables, each with a name that the user gives.
    Tables,
    /// A table with an entry for each column.
    Columns,
    /// A table of plain values, each with a name that the user gives.
    Values,
    /// As the key of the same name in the part of this title.
    AsIn(&'static str),
}

impl Key {
    /// The kinds of values that it takes; `None`: a word of [`Key::takes`] is not known here.
    pub(in crate::config) fn kinds(&self) -> Option<Vec<Kind>> {
        if let Some(title) = self.takes.strip_prefix("as in ") {
            return Some(vec![Kind::AsIn(title)]);
        }
        self.takes.split(" or ").flat_map(|words| words.split(", ")).map(kind).collect()
    }

    /// The words that it takes, if it takes words.
    pub(in crate::config) fn words(&self) -> Vec<&'static str> {
        let word = |kind| match kind {
            Kind::Word(word) => Some(word),
            _ => None,
        };
        self.kinds().unwrap_or_default().into_iter().filter_map(word).collect()
    }

    /// The part that says what its table holds, or each entry of its table, where `group` is the
    /// group of nodes that the key is in. None for a table that the user fills freely.
    pub(in crate::config) fn inner(&self, group: &'static str) -> Option<&'static Part> {
        if self.name == "columns" {
            return part_at(Place::Columns(group));
        }
        part_at(Place::Table(self.name)).or_else(|| part_at(Place::Each(self.name)))
    }
}

fn part_at(place: Place) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.place() == Some(place))
}

fn kind(word: &'static str) -> Option<Kind> {
    if let Some(word) = word.strip_prefix("`\"").and_then(|word| word.strip_suffix("\"`")) {
        return Some(Kind::Word(word));
    }
    Some(match word {
        "text" | "name" | "path" | "column" | "pattern" | "character" | "address" | "URL" => {
            Kind::Text
        }
        "secret" => Kind::Secret,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "boolean" => Kind::Boolean,
        "duration" => Kind::Duration,
        "size" => Kind::Size,
        "time" => Kind::Time,
        "type" => Kind::Type,
        "list" => Kind::List,
        "table" => Kind::Table,
        "tables by name" => Kind::Tables,
        "columns by name" | "types by column" => Kind::Columns,
        _ if word.starts_with("list of ") => Kind::List,
        _ if word.ends_with(" by name") => Kind::Values,
        _ => return None,
    })
}

/// Where the keys of a part stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Place {
    /// At the top.
    File,
    /// In the table under a key of this name.
    Table(&'static str),
    /// In each table of the table under a key of this name.
    Each(&'static str),
    /// In each node of the group whose `type` is this, beside those of every node.
    Kind {
        /// The group's key, such as `sources`.
        group: &'static str,
        /// The `type`.
        kind: &'static str,
    },
    /// In each column of each node of this group.
    Columns(&'static str),
}

impl Place {
    /// The group of nodes that the place is in; empty where there is none. The dead letters' sink
    /// is a sink like those of the group.
    pub(in crate::config) fn group(self) -> &'static str {
        match self {
            Self::Table("dead_letters") => "sinks",
            Self::File | Self::Table(_) => "",
            Self::Each(group) | Self::Kind { group, .. } | Self::Columns(group) => group,
        }
    }
}

impl Part {
    /// Where its keys stand; `None`: its title is not understood here.
    pub(in crate::config) fn place(&self) -> Option<Place> {
        if self.title == "The file" {
            return Some(Place::File);
        }
        if let Some(node) = self.title.strip_prefix("Columns of a ") {
            return group(node).map(Place::Columns);
        }
        let quoted = self.title.strip_suffix('`');
        if let Some((node, kind)) = quoted.and_then(|title| title.split_once(" `")) {
            return Some(Place::Kind { group: group(node)?, kind });
        }
        let name = self.title.strip_prefix('`')?.strip_suffix('`')?;
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        Some(match name.split_once('.') {
            Some((group, _)) => Place::Each(group),
            None => Place::Table(name),
        })
    }

    /// The parts that a node's `type` adds to this part, each with that type; empty where the part
    /// is not of nodes with a type.
    pub(in crate::config) fn variants(&self) -> Vec<(&'static str, Option<&'static Part>)> {
        let Some(place) = self.place().filter(|place| !matches!(place, Place::Kind { .. })) else {
            return Vec::new();
        };
        let group = place.group();
        let types = self.keys.iter().find(|key| key.name == "type").map(Key::words);
        let adds = |kind| (kind, part_at(Place::Kind { group, kind }));
        types.unwrap_or_default().into_iter().map(adds).collect()
    }
}

fn group(node: &str) -> Option<&'static str> {
    match node.to_ascii_lowercase().as_str() {
        "source" => Some("sources"),
        "table" => Some("tables"),
        "transform" => Some("transforms"),
        "sink" => Some("sinks"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ROOT, SINK, TRANSFORM};
    use super::*;

    fn key(keys: &'static [Key], name: &str) -> &'static Key {
        keys.iter().find(|key| key.name == name).expect("it is in the table")
    }

    #[test]
    fn every_word_of_the_tables_is_understood() {
        for part in PARTS {
            for key in part.keys {
                let (part, name, takes) = (part.title, key.name, key.takes);
                assert!(key.kinds().is_some(), "{part}: `{name}` takes {takes}");
            }
        }
    }

    #[test]
    fn every_part_has_a_place_of_its_own() {
        let mut places: Vec<Place> = Vec::new();
        for part in PARTS {
            let place = part.place().unwrap_or_else(|| panic!("where is {}?", part.title));
            assert!(!places.contains(&place), "{} is there twice", part.title);
            places.push(place);
        }
    }

    #[test]
    fn every_type_of_node_has_its_part_and_the_other_way_round() {
        let mut added = 0;
        for part in PARTS.iter().filter(|part| matches!(part.place(), Some(Place::Each(_)))) {
            for (kind, adds) in part.variants() {
                assert!(adds.is_some(), "no part says what `{kind}` adds to {}", part.title);
                added += 1;
            }
        }
        let kinds = |part: &&Part| matches!(part.place(), Some(Place::Kind { .. }));
        assert_eq!(PARTS.iter().filter(kinds).count(), added);
    }

    #[test]
    fn kinds_and_inner_parts_are_found() {
        assert_eq!(
            key(TRANSFORM, "input").kinds(),
            Some(vec![Kind::Text, Kind::List, Kind::Table])
        );
        assert_eq!(key(SINK, "delivery").kinds(), Some(vec![Kind::AsIn("`[pipeline]`")]));
        assert!(key(SINK, "type").words().contains(&"sqlite"));
        let inner = |keys, name, group| key(keys, name).inner(group).map(|part| part.title);
        assert_eq!(inner(ROOT, "sinks", ""), Some("`[sinks.NAME]`"));
        assert_eq!(inner(TRANSFORM, "limits", "transforms"), Some("`limits`"));
        assert_eq!(inner(TRANSFORM, "join", "transforms"), Some("`join.TABLE`"));
        assert_eq!(inner(TRANSFORM, "params", "transforms"), None);
        assert_eq!(inner(SINK, "expect", "sinks"), Some("`expect`"));
    }
}
