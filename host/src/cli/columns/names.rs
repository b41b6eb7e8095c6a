//! Names of columns: snake case from here on, each of them once.

use std::collections::BTreeSet;

use super::Column;

/// A name in snake case: `gameId` and `_id` become `game_id` and `id`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let characters: Vec<char> = name.chars().collect();
    for (place, character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            continue;
        }
        let before = place.checked_sub(1).and_then(|place| characters.get(place));
        let behind = characters.get(place + 1);
        // `gameId`, and the last capital of `URLPath`.
        let begins = character.is_uppercase()
            && (before.is_some_and(|c| c.is_lowercase() || c.is_numeric())
                || before.is_some_and(|c| c.is_uppercase())
                    && behind.is_some_and(|c| c.is_lowercase()));
        if begins && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    let snake = snake.trim_end_matches('_');
    match snake.chars().next() {
        None => "value".to_owned(),
        Some(first) if first.is_numeric() => format!("column_{snake}"),
        Some(_) => snake.to_owned(),
    }
}

/// Gives every column a name of its own: where two share one, more of their paths, and a number
/// where that does not tell them apart either.
pub(super) fn make_unique(columns: &mut [Column]) {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut taken = BTreeSet::new();
    for (place, column) in columns.iter_mut().enumerate() {
        let shared = names.iter().enumerate().any(|(at, name)| at != place && *name == column.name);
        if shared {
            column.name = snake_case(&column.path.join("_"));
        }
        let name = column.name.clone();
        let mut number = 2_u32;
        while !taken.insert(column.name.clone()) {
            column.name = format!("{name}_{number}");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        for (name, snake) in [
            ("gameId", "game_id"),
            ("_id", "id"),
            ("URLPath", "url_path"),
            ("total-bet (EUR)", "total_bet_eur"),
            ("already_snake", "already_snake"),
            ("v2Score", "v2_score"),
            ("2fast", "column_2fast"),
            ("Größe", "größe"),
            ("__", "value"),
            ("", "value"),
        ] {
            assert_eq!(snake_case(name), snake, "{name}");
        }
    }

    #[test]
    fn names_that_two_have_take_more_of_the_path() {
        let column = |path: &[&str]| Column {
            name: snake_case(path.last().expect("a name")),
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            guess: None,
            values: 0,
            nulls: 0,
            example: None,
        };
        let mut columns =
            [column(&["a", "id"]), column(&["b", "id"]), column(&["aId"]), column(&["x"])];
        make_unique(&mut columns);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["a_id", "b_id", "a_id_2", "x"]);
    }
}
