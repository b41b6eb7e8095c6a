//! What is to go wrong, by name: armed rules and seeded chance.
//!
//! The code that plays a server asks at each point whether it is to fail now. A rule fails a point
//! a number of times; a seed fails points by chance: which of the questions about a point, an
//! operation and a table are struck depends on the seed alone, not on what else goes on meanwhile.

mod point;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

pub use point::{NotAPoint, Point};

/// How many of the faults taken are remembered.
const KEPT: usize = 10_000;

/// Where a server asks whether it is to fail.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The server: `fe0`, `be1`.
    pub node: &'a str,
    /// What it does: `load`, `begin`, `txn-load`, `prepare`, `commit`, `rollback`, `state`,
    /// `2pc-commit`, `2pc-abort`, `cancel`, `mysql`.
    pub operation: &'a str,
    /// The table; empty where the request names none.
    pub table: &'a str,
    /// The label; empty where the request names none.
    pub label: &'a str,
}

/// An order to fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where.
    pub point: Point,
    /// How often; 1 unless given.
    #[serde(default = "once")]
    pub times: u32,
    /// How many fitting hits pass first.
    #[serde(default)]
    pub skip: u32,
    /// Only at this server.
    #[serde(default)]
    pub node: Option<String>,
    /// Only in this operation.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only with this table.
    #[serde(default)]
    pub table: Option<String>,
    /// Only with labels that contain this.
    #[serde(default)]
    pub label: Option<String>,
    /// The chance that a fitting hit is struck; 1 unless given.
    #[serde(default = "certain")]
    pub probability: f64,
    /// Whether the work is done before the failure is told, where a point can be either.
    #[serde(default)]
    pub after: bool,
    /// For how long a slow point delays, in milliseconds; else the settings say.
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

fn certain() -> f64 {
    1.0
}

impl Rule {
    /// Fails this point once, at its next hit.
    #[must_use]
    pub fn once(point: Point) -> Self {
        Self {
            point,
            times: 1,
            skip: 0,
            node: None,
            operation: None,
            table: None,
            label: None,
            probability: 1.0,
            after: false,
            delay_ms: None,
        }
    }

    fn fits(&self, point: Point, hit: &Hit) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        self.point == point
            && self.times > 0
            && same(&self.node, hit.node)
            && same(&self.operation, hit.operation)
            && same(&self.table, hit.table)
            && self.label.as_deref().is_none_or(|part| hit.label.contains(part))
    }
}

/// A fault to inject now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Whether the work is done before the failure is told.
    pub after: bool,
    /// For how long a slow point delays, unless the settings are to say.
    pub delay_ms: Option<u64>,
}

/// All orders to fail, and what became of them.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Orders>);

#[derive(Debug, Default)]
struct Orders {
    rules: Vec<Rule>,
    chance: Option<Chance>,
    /// For rules with a probability, when no seed was given.
    dice: Option<Pcg64>,
    taken: Vec<(Point, String)>,
}

#[derive(Debug)]
struct Chance {
    seed: u64,
    rate: f64,
    points: Vec<Point>,
    /// How often each question was asked: of a point, an operation and a table.
    asked: HashMap<u64, u64>,
}

impl Chance {
    /// The dice of this hit, which no other hit has a part in.
    fn dice(&mut self, point: Point, hit: &Hit) -> Pcg64 {
        // Without keys of its own, so that it is the same in every process.
        let mut question = DefaultHasher::new();
        (point.name(), hit.operation, hit.table).hash(&mut question);
        let question = question.finish();
        let is_known = self.asked.contains_key(&question);
        let mut throw = DefaultHasher::new();
        let turn = if is_known || self.asked.len() < KEPT {
            let turn = self.asked.entry(question).or_default();
            *turn += 1;
            *turn
        } else {
            0
        };
        (self.seed, question, turn).hash(&mut throw);
        Pcg64::seed_from_u64(throw.finish())
    }
}

impl Faults {
    /// Whether to fail here and now; counts down.
    pub fn take(&self, point: Point, hit: &Hit) -> bool {
        self.strike(point, hit).is_some()
    }

    /// As [`Faults::take`], with how to fail.
    pub fn strike(&self, point: Point, hit: &Hit) -> Option<Strike> {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let strike = orders.by_rule(point, hit).or_else(|| orders.by_chance(point, hit))?;
        if orders.taken.len() < KEPT {
            let Hit { node, operation, table, label } = hit;
            orders.taken.push((point, format!("{node} {operation} {table} {label}")));
        }
        Some(strike)
    }

    /// Adds a rule.
    pub fn arm(&self, rule: Rule) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rules.push(rule);
    }

    /// Fails the points by chance, each at each of its hits, deterministic by the seed. No points
    /// are those that pass by themselves ([`Point::passes`]).
    pub fn seed(&self, seed: u64, rate: f64, points: Vec<Point>) {
        let points = if points.is_empty() {
            Point::all().filter(|point| point.passes()).collect()
        } else {
            points
        };
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.chance = Some(Chance { seed, rate, points, asked: HashMap::new() });
    }

    /// Nothing fails any more. What was taken stays written.
    pub fn clear(&self) {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.rules.clear();
        orders.chance = None;
    }

    /// The faults injected so far, each with where: server, operation, table, label.
    #[must_use]
    pub fn taken(&self) -> Vec<(Point, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).taken.clone()
    }

    /// The rules that can still strike.
    #[must_use]
    pub fn armed(&self) -> Vec<Rule> {
        let orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.rules.iter().filter(|rule| rule.times > 0).cloned().collect()
    }
}

impl Orders {
    fn by_rule(&mut self, point: Point, hit: &Hit) -> Option<Strike> {
        let dice = self.dice.get_or_insert_with(|| Pcg64::seed_from_u64(0));
        for rule in self.rules.iter_mut().filter(|rule| rule.fits(point, hit)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.probability < 1.0 && dice.random::<f64>() >= rule.probability {
                continue;
            }
            rule.times -= 1;
            return Some(Strike { after: rule.after, delay_ms: rule.delay_ms });
        }
        None
    }

    fn by_chance(&mut self, point: Point, hit: &Hit) -> Option<Strike> {
        let chance = self.chance.as_mut().filter(|chance| chance.points.contains(&point))?;
        let mut dice = chance.dice(point, hit);
        let (struck, after) = (dice.random::<f64>() < chance.rate, dice.random());
        struck.then_some(Strike { after, delay_ms: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIT: Hit = Hit { node: "be0", operation: "load", table: "t", label: "mr-7-0" };

    #[test]
    fn a_rule_skips_strikes_and_is_spent() {
        let faults = Faults::default();
        faults.arm(Rule { skip: 1, times: 2, ..Rule::once(Point::BeSlow) });
        let struck: Vec<bool> = (0..4).map(|_| faults.take(Point::BeSlow, &HIT)).collect();
        assert_eq!(struck, [false, true, true, false]);
        assert_eq!(faults.taken().len(), 2);
        assert_eq!(faults.taken()[0].1, "be0 load t mr-7-0");
        assert!(faults.armed().is_empty());
    }

    #[test]
    fn filters_must_all_fit() {
        let faults = Faults::default();
        let label = Some("-7-".to_owned());
        faults.arm(Rule { operation: Some("prepare".into()), ..Rule::once(Point::Be5xx) });
        faults.arm(Rule { table: Some("u".into()), ..Rule::once(Point::Be5xx) });
        faults.arm(Rule { node: Some("be1".into()), ..Rule::once(Point::Be5xx) });
        assert!(!faults.take(Point::Be5xx, &HIT) && !faults.take(Point::BeSlow, &HIT));
        faults.arm(Rule { label, after: true, ..Rule::once(Point::Be5xx) });
        assert_eq!(faults.strike(Point::Be5xx, &HIT), Some(Strike { after: true, delay_ms: None }));
    }

    #[test]
    fn a_seed_strikes_the_same_hits_again() {
        let run = |seed| {
            let faults = Faults::default();
            faults.seed(seed, 0.3, Vec::new());
            (0..100).map(|_| faults.take(Point::BeSlow, &HIT)).collect::<Vec<bool>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let struck = run(7).iter().filter(|struck| **struck).count();
        assert!((10..60).contains(&struck), "{struck} of 100");
    }

    #[test]
    fn what_goes_on_meanwhile_shifts_no_chance() {
        let run = |others: usize| {
            let faults = Faults::default();
            faults.seed(7, 0.3, Vec::new());
            let other = Hit { table: "u", ..HIT };
            (0..100)
                .map(|_| {
                    (0..others).for_each(|_| {
                        faults.take(Point::BeSlow, &other);
                    });
                    faults.take(Point::BeSlow, &HIT)
                })
                .collect::<Vec<bool>>()
        };
        assert_eq!(run(0), run(3));
    }

    #[test]
    fn chance_keeps_to_its_points() {
        let faults = Faults::default();
        faults.seed(1, 1.0, vec![Point::Be5xx]);
        assert!(faults.take(Point::Be5xx, &HIT) && !faults.take(Point::BeSlow, &HIT));
        faults.clear();
        assert!(!faults.take(Point::Be5xx, &HIT));
    }

    #[test]
    fn rules_are_read_from_json() {
        let rule: Rule =
            serde_json::from_str(r#"{"point": "be-before-reply", "operation": "load"}"#).unwrap();
        let wanted =
            Rule { operation: Some("load".to_owned()), ..Rule::once(Point::BeBeforeReply) };
        assert_eq!(rule, wanted);
        assert!(serde_json::from_str::<Rule>(r#"{"point": "be-befor-reply"}"#).is_err());
    }
}
