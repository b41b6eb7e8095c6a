//! A function may have any name, one of those that the macro and the loop use inside, too.

use millrace_sdk::prelude::*;
use millrace_sdk::raw::Guest;
use millrace_sdk::testing::{Row as TestRow, Test, json};
use serde::Deserialize;

#[derive(Input)]
struct Row {
    id: i64,
}

#[derive(Output)]
struct Doubled {
    doubled: i64,
}

#[derive(Deserialize)]
struct Params {
    factor: i64,
}

fn doubled(row: &Row, params: &Params, before: Option<&Row>) -> Doubled {
    Doubled { doubled: row.id * params.factor + before.map_or(0, |before| before.id) }
}

mod m_after {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn after(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_answer {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn answer(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_batch {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn batch(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_before {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn before(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_bits {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn bits(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_block_0 {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn block_0(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_block_1 {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn block_1(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_builders {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn builders(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_byte {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn byte(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_first {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn first(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_index {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn index(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_input {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn input(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_inputs {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn inputs(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_kept {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn kept(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_lane {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn lane(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_lanes {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn lanes(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_live {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn live(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_output {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn output(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_params {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn params(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_pass {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn pass(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_readers {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn readers(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_report {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn report(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_row {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn row(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_source {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn source(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_verdict {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn verdict(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_describe {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn describe(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_process {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn process(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_open {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn open(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

mod m_type {
    use super::{Doubled, Params, Row, doubled, transform};

    #[transform]
    pub fn r#type(of: Row, with: &Params, #[before] was: Option<Row>) -> Doubled {
        doubled(&of, with, was.as_ref())
    }
}

fn check<G: Guest>(name: &str) {
    let test = Test::<G>::new()
        .params(json!({"factor": 2}))
        .row(json!({"id": 1}))
        .row(TestRow::update(json!({"id": 5}), json!({"id": 2})));
    let answer = test.run();
    assert_eq!(answer.added(), [json!({"doubled": 2}), json!({"doubled": 9})], "{name}");
    assert_eq!(answer.before_rows(), [json!({"id": 5, "doubled": 10})], "{name}");
    assert_eq!(test.describe().expect("its params are right").name, name);
}

#[test]
fn names_of_the_macros_own_are_the_authors_too() {
    check::<m_after::after>("after");
    check::<m_answer::answer>("answer");
    check::<m_batch::batch>("batch");
    check::<m_before::before>("before");
    check::<m_bits::bits>("bits");
    check::<m_block_0::block_0>("block_0");
    check::<m_block_1::block_1>("block_1");
    check::<m_builders::builders>("builders");
    check::<m_byte::byte>("byte");
    check::<m_first::first>("first");
    check::<m_index::index>("index");
    check::<m_input::input>("input");
    check::<m_inputs::inputs>("inputs");
    check::<m_kept::kept>("kept");
    check::<m_lane::lane>("lane");
    check::<m_lanes::lanes>("lanes");
    check::<m_live::live>("live");
    check::<m_output::output>("output");
    check::<m_params::params>("params");
    check::<m_pass::pass>("pass");
    check::<m_readers::readers>("readers");
    check::<m_report::report>("report");
    check::<m_row::row>("row");
    check::<m_source::source>("source");
    check::<m_verdict::verdict>("verdict");
    check::<m_describe::describe>("describe");
    check::<m_process::process>("process");
    check::<m_open::open>("open");
    check::<m_type::r#type>("type");
}
