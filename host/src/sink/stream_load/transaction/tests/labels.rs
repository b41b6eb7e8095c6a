//! Labels are ones that both systems take, and never the same.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn is_taken(label: &str) -> bool {
    (1..=128).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[test]
fn a_label_can_be_read() {
    let labels = Labels::new("0123456789abcdef", "casino", "out", 3);
    let spot = Spot { epoch: 42, table: "wagers", set: "all", index: 5, of: 8 };
    let digest = labels.next(spot);
    let parts: Vec<&str> = digest.split('_').collect();
    assert_eq!(parts[..6], ["mr", "0123456789abcdef", "casino", "out", "42", "wagers"]);
    assert_eq!((parts[6], parts[8]), ("all-5", "3-1"));
    assert!(labels.next(spot).ends_with("_3-2"));
}

#[test]
fn short_names_leave_room_to_long_ones() {
    let long = "t".repeat(200);
    let labels = Labels::new("0123456789abcdef", "p", "s", 1);
    let label = labels.next(Spot { table: &long, ..SPOT });
    assert!(label.len() > 120 && is_taken(&label), "{label}");
}

proptest! {
    #[test]
    fn any_names_make_labels_that_are_taken(
        names in proptest::collection::vec("\\PC{0,200}", 3),
        set in "all|[0-9a-f]{1,60}",
        (epoch, index, run) in (any::<u64>(), any::<u32>(), any::<u64>()),
    ) {
        let labels = Labels::new("0123456789abcdef", &names[0], &names[1], run);
        let spot = Spot { epoch, table: &names[2], set: &set, index, of: index };
        for _ in 0..3 {
            let label = labels.next(spot);
            prop_assert!(is_taken(&label), "{} of {} bytes", label, label.len());
        }
    }

    #[test]
    fn labels_of_sinks_and_runs_differ(
        uses in proptest::collection::btree_set(
            ("[ab_]{1,3}", "[ab_]{1,3}", 1u64..3, 0u32..2, "[ab_]{1,3}"), 2..20,
        ),
    ) {
        // As it is used: the labels of one run of one sink come from one place.
        let mut made: BTreeMap<(String, String, u64), Labels> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (pipeline, sink, run, index, table) in &uses {
            let place = (pipeline.clone(), sink.clone(), *run);
            let labels = made
                .entry(place)
                .or_insert_with(|| Labels::new("0123456789abcdef", pipeline, sink, *run));
            let label = labels.next(Spot { table, index: *index, ..SPOT });
            prop_assert!(seen.insert(label));
            let label = labels.next(Spot { table, index: *index, ..SPOT });
            prop_assert!(seen.insert(label));
        }
    }
}
