//! Stateful transforms, driven through random batches, saves and restores, against plain maps.

use std::collections::{BTreeMap, BTreeSet};

use millrace_sdk::keyed::{Context, Keyed, Order, Port, Problem, Setup, Spec, Stage, Timer};
use millrace_sdk::prelude::*;
use millrace_sdk::state::{Broadcast, List, Map, Timers, Ttl, Value};
use millrace_sdk::testing::{Answer, Row, Test, json};
use millrace_sdk::time::Span;
use millrace_sdk::{State, raw};
use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use serde::Deserialize;

#[derive(Input)]
struct Step<'a> {
    user: Option<&'a str>,
    act: i64,
    number: i64,
    #[meta(event_time)]
    at: Option<Timestamp>,
}

#[derive(Output)]
struct Seen {
    what: String,
}

#[derive(State, Clone, Debug, PartialEq)]
struct Note {
    number: i64,
    text: Option<String>,
}

fn note(number: i64) -> Note {
    let length = number.unsigned_abs() as usize % 300;
    Note { number, text: (number % 3 != 0).then(|| "x".repeat(length)) }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Params {
    ttl: Span,
}

impl Default for Params {
    fn default() -> Self {
        Self { ttl: Span::from_micros(20) }
    }
}

/// Does to its state what rows say, and says what is there then.
struct Script {
    value: Value<Note>,
    list: List<Note>,
    map: Map<i64, Note>,
    rules: Broadcast<i64>,
    brief: Value<i64>,
    briefs: List<i64>,
    timers: Timers,
    later: Timers,
    seen: Port<Seen>,
    fired: Port<Seen>,
}

impl Keyed for Script {
    const NAME: &'static str = "script";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const KEY: &'static [&'static str] = &["user"];
    const ORDER: Order = Order::EventTime;
    type Input<'a> = Step<'a>;
    type Params = Params;

    fn open(params: Params, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        let ttl = Ttl::event_time(params.ttl);
        Ok(Self {
            value: setup.value("value"),
            list: setup.list("list"),
            map: setup.map("map"),
            rules: setup.broadcast("rules"),
            brief: setup.value(Spec::new("brief").version(3).ttl(ttl)),
            briefs: setup.list(Spec::new("briefs").ttl(ttl)),
            timers: setup.event_timers("timers"),
            later: setup.processing_timers("later"),
            seen: setup.port("seen", &[]),
            fired: setup.port("fired", &[]),
        })
    }

    fn on_change(&mut self, context: &mut Context<'_>, row: Step<'_>) -> Result<(), Reject> {
        let at = row.at.ok_or("no time")?;
        let number = row.number;
        let time = Timestamp::from_micros(at.micros() + number.rem_euclid(40));
        match row.act {
            0 => self.value.put(context, &note(number)),
            1 => self.value.clear(context),
            2 | 3 => self.list.push(context, &note(number)),
            4 => self.list.clear(context),
            5 => self.list.set(context, &[note(number), note(number + 1)]),
            6 | 7 => self.map.put(context, &(number % 8), &note(number)),
            8 => self.map.remove(context, &(number % 8)),
            9 => self.map.clear(context),
            10 => self.rules.put(context, &number),
            11 => self.brief.put(context, &number),
            12 => self.briefs.push(context, &number),
            13 => self.timers.set(context, time),
            14 => self.timers.clear(context, time),
            15 => self.later.set(context, time),
            _ => return Err(Reject::new("no such act").column("act")),
        }
        let what = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            row.user,
            self.value.get(context),
            self.list.get(context),
            self.map.entries(context).into_iter().collect::<BTreeMap<_, _>>(),
            self.rules.get(context),
            self.brief.get(context),
            self.briefs.get(context),
        );
        let empty = (self.list.is_empty(context), self.map.is_empty(context));
        assert_eq!(empty.0, self.list.get(context).is_empty());
        assert_eq!(empty.1, self.map.entries(context).is_empty());
        context.emit(self.seen, Seen { what });
        Ok(())
    }

    fn on_timer(&mut self, context: &mut Context<'_>, timer: Timer) {
        let (kind, time) = (timer.is_of(self.timers), timer.time().micros());
        let what = format!("{kind} {time} {:?} {:?}", context.key(), self.brief.get(context));
        context.emit_at(self.fired, timer.time(), Seen { what });
    }
}
millrace_sdk::export_keyed!(Script);

/// The state of a key as plain collections.
#[derive(Default)]
struct Model {
    value: Option<Note>,
    list: Vec<Note>,
    map: BTreeMap<i64, Note>,
    brief: Option<(i64, i64)>,
    briefs: Vec<(i64, i64)>,
}

type Act = (Option<&'static str>, i64, i64, i64);

/// What `Script` must say to these rows, which are by time.
fn model(acts: &[Act]) -> Vec<String> {
    let mut keys: BTreeMap<Option<&str>, Model> = BTreeMap::new();
    let (mut rules, mut seen) = (None, Vec::new());
    for (user, act, number, at) in acts {
        let (number, ends) = (*number, at + 20);
        let key = keys.entry(*user).or_default();
        match act {
            0 => key.value = Some(note(number)),
            1 => key.value = None,
            2 | 3 => key.list.push(note(number)),
            4 => key.list.clear(),
            5 => key.list = vec![note(number), note(number + 1)],
            6 | 7 => {
                key.map.insert(number % 8, note(number));
            }
            8 => {
                key.map.remove(&(number % 8));
            }
            9 => key.map.clear(),
            10 => rules = Some(number),
            11 => key.brief = Some((number, ends)),
            12 => key.briefs.push((number, ends)),
            _ => {}
        }
        let brief = key.brief.filter(|(_, ends)| ends > at).map(|(number, _)| number);
        let briefs: Vec<i64> =
            key.briefs.iter().filter(|(_, ends)| ends > at).map(|(number, _)| *number).collect();
        let Model { value, list, map, .. } = key;
        seen.push(format!("{user:?} {value:?} {list:?} {map:?} {rules:?} {brief:?} {briefs:?}"));
    }
    seen
}

/// When which timers must fire: all of a time at once, before a row of that time.
fn timers(acts: &[Act]) -> Vec<i64> {
    let (mut set, mut fired) = (BTreeSet::new(), Vec::new());
    for (user, act, number, at) in acts {
        let due = set.iter().take_while(|(time, _)| time <= at).count();
        fired.extend((0..due).filter_map(|_| set.pop_first()).map(|(time, _)| time));
        let time = at + number.rem_euclid(40);
        match act {
            13 => set.insert((time, *user)),
            14 => set.remove(&(time, *user)),
            _ => false,
        };
    }
    fired.extend(set.into_iter().map(|(time, _)| time));
    fired
}

fn row((user, act, number, at): &Act) -> Row {
    let columns = json!({"user": user, "act": act, "number": number});
    let times = Timestamp::from_micros(*at);
    Row::from(columns).event_time(times).processing_time(times)
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let user = proptest::sample::select(vec![None, Some(""), Some("a"), Some("bb")]);
    let act = (user, 0..16_i64, 0..600_i64, 0..4_i64);
    proptest::collection::vec(act, 0..160).prop_map(|mut acts| {
        let mut time = 0;
        for (_, _, _, at) in &mut acts {
            time += *at;
            *at = time;
        }
        acts
    })
}

/// A test of these rows, with watermarks after some of them.
fn test(acts: &[Act], every: usize) -> Test<Stage<Script>> {
    let mut test = Test::new();
    for (index, act) in acts.iter().enumerate() {
        test = test.row(row(act));
        if index % every == every - 1 {
            test = test.watermark(at(act.3 - 1));
        }
    }
    test.watermark(at(i64::MAX))
}

fn said(answer: &Answer, port: &str) -> Vec<String> {
    let of_port = answer.emitted().iter().filter(|emitted| emitted.port == port);
    of_port.map(|emitted| emitted.row["what"].as_str().expect("a text").to_owned()).collect()
}

proptest! {
    #[test]
    fn handles_are_maps_whatever_is_cut_saved_and_restored(acts in acts(), seed in 0..u64::MAX) {
        let whole = test(&acts, 7).run();
        prop_assert_eq!(said(&whole, "seen"), model(&acts));
        let times: Vec<_> = whole
            .emitted()
            .iter()
            .filter(|emitted| emitted.port == "fired")
            .map(|emitted| emitted.event_time.expect("emitted with a time").micros())
            .collect();
        prop_assert_eq!(times, timers(&acts));
        for every in [1, 7, 50] {
            let again = test(&acts, every).cut(seed).restored(seed).run();
            prop_assert_eq!(&again, &whole, "a watermark every {} rows", every);
        }
    }

    #[test]
    fn ticks_fire_what_processing_time_has_reached(acts in acts(), seed in 0..u64::MAX) {
        let acts: Vec<Act> = acts.into_iter().filter(|act| act.1 == 15).collect();
        let mut test = Test::<Stage<Script>>::new();
        for act in &acts {
            test = test.row(row(act)).watermark(at(act.3)).tick(at(act.3));
        }
        let test = test.tick(at(10_000));
        let whole = test.run();
        let set: BTreeSet<_> =
            acts.iter().map(|(user, _, number, at)| (user, at + number % 40)).collect();
        // A timer that is set again after it fired fires again.
        assert!(said(&whole, "fired").len() >= set.len());
        prop_assert_eq!(test.restored(seed).run(), whole);
    }
}

#[test]
fn the_description_says_what_was_declared() {
    let description = Test::<Stage<Script>>::new().describe().expect("it has defaults");
    assert_eq!(description.mode, raw::Mode::Emit);
    assert!(description.keyed && description.watermarks && description.ticks);
    assert_eq!(description.order, raw::Order::EventTime);
    let states: Vec<_> =
        description.states.iter().map(|state| (state.name.as_str(), state.version)).collect();
    assert_eq!(states[4..6], [("brief", 3), ("briefs", 1)]);
    assert_eq!(states.last(), Some(&("millrace.meta", 1)));
    let wanted = raw::Extras::EVENT_TIMES | raw::Extras::PROCESSING_TIMES;
    assert_eq!(description.inputs[0].extras, wanted);
    let problems =
        Test::<Stage<Script>>::new().params(json!({"ttl": "soon"})).describe().expect_err("a text");
    assert_eq!(problems[0].subject, raw::Subject::Params("ttl".to_owned()));
}

#[test]
fn a_refused_row_is_named() {
    let acts = [(Some("a"), 0, 1, 0), (Some("a"), 99, 1, 1), (Some("a"), 1, 1, 1)];
    let answer = test(&acts, 1).run();
    assert_eq!((answer.rejected()[0].row, answer.rejected().len()), (1, 1));
    assert_eq!(answer.rejected()[0].column.as_deref(), Some("act"));
}

#[test]
fn a_late_row_does_not_come() {
    let acts = [(None, 0, 1, 10), (None, 0, 1, 30), (None, 0, 1, 20)];
    let answer = Test::<Stage<Script>>::new()
        .rows(acts[..2].iter().map(row))
        .watermark(at(25))
        .row(row(&acts[2]))
        .run();
    assert_eq!(answer.late(), [2]);
    assert_eq!(said(&answer, "seen").len(), 2);
}

#[test]
fn timers_fire_in_pages() {
    let user = |number: usize| json!({"user": format!("u{number}"), "act": 13, "number": 39});
    let rows = (0..3_000).map(|number| Row::from(user(number)).event_time(at(0)));
    let test = Test::<Stage<Script>>::new().rows(rows).watermark(at(39));
    let whole = test.run();
    assert_eq!(said(&whole, "fired").len(), 3_000);
    assert_eq!(test.restored(3).run(), whole);
}
