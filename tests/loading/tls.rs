//! TLS: with every port, and with every mistake that can be made about it.

use millrace_standin::{Authority, HERE, Options, StandIn, System, Tls};

use super::input::Changes;
use super::scene::{Case, side_by_side};
use super::tailored::{BETS, add_key, ending, options, rewrite, tailored_at};
use super::target::{BOTH, ROWS, Target, list};

/// A name that no port here has.
const ELSEWHERE: [&str; 1] = ["fe.shop.invalid"];
/// What to trust, where the tests write it.
const CA_FILE: &str = "${OUT}/ca.pem";
const SINK: &str = "table = \"bets\"\ncreate_table = true\nca_file = \"${OUT}/ca.pem\"";

fn authority() -> Authority {
    Authority::new("shop").expect("an authority is made")
}

/// TLS where the real systems have it, by a certificate with these names: not at backends.
fn tls(authority: &Authority, names: &[&str]) -> Tls {
    let certificate = authority.certificate(names).expect("a certificate is made");
    Tls { backends: false, ..Tls::everywhere(certificate) }
}

/// The frontends' addresses, as TOML.
fn frontends(standin: &StandIn, scheme: &str) -> String {
    let urls: Vec<String> =
        standin.http().iter().map(|address| format!("\"{scheme}://{address}\"")).collect();
    list(&urls)
}

/// A target whose pipeline speaks TLS to frontends that have it, and trusts whom browsers trust.
fn target(system: System, tls: Tls) -> Target {
    let scheme = if tls.frontends { "https" } else { "http" };
    let mut target = Target::with(Options { tls: Some(tls), ..Options::new(system) });
    let urls = frontends(&target.standin, scheme);
    target.set("load_url", urls).set("backends", "{ plain = true }");
    target
}

/// Lets the pipeline trust an authority.
fn trust(target: &mut Target, authority: &Authority) {
    target.bench.write("ca.pem", authority.pem());
    target.text("ca_file", CA_FILE);
}

/// The run ends with these words, and the target has neither a row nor a table.
fn refuses(target: &Target, words: &[&str]) {
    let ending = target.run().with_code(1);
    for word in words {
        assert!(ending.stderr.contains(word), "{word:?} is not said:\n{}", ending.stderr);
    }
    target.assert_untouched();
    assert!(target.sql("SHOW TABLES FROM shop").is_empty());
}

/// The run ends well, and every row is there.
fn loads(target: &Target) {
    target.run().with_code(0);
    assert_eq!(target.sql("SELECT COUNT(*) FROM shop.bets")[0][0], ROWS.to_string());
    target.assert_clean();
}

#[test]
fn everything_goes_over_tls_and_connections_are_used_again() {
    side_by_side(&Case::KEYED, |case| {
        let changes = Changes::random(47, 600, true);
        let authority = authority();
        let everywhere = Tls { backends: true, ..tls(&authority, &HERE) };
        let options = Options { tls: Some(everywhere), ..options(*case) };
        let sink = format!("{SINK}\nmysql_tls = true");
        let scene =
            tailored_at(*case, options, BETS, &sink, &changes.lines).expect("the stand-in starts");
        scene.bench.write("ca.pem", authority.pem());
        rewrite(&scene, "\"http://", "\"https://");
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
        let stats = &scene.standin.world().stats;
        let requests = stats.requests();
        let backend = requests.iter().filter(|(kind, _)| kind.starts_with("be "));
        let served: u64 = backend.map(|(_, count)| count).sum();
        let opened = stats.backend_connections();
        assert!(0 < opened && opened < served, "{opened} connections for {requests:?}");
    });
}

#[test]
fn backends_with_tls_are_backends() {
    for system in BOTH {
        let authority = authority();
        let everywhere = Tls { backends: true, ..tls(&authority, &HERE) };
        let mut target = target(system, everywhere);
        trust(&mut target, &authority);
        target.set("backends", "{ plain = false }");
        target.look().assert_well();
        target.run().with_code(0);
    }
}

#[test]
fn an_authority_that_is_not_trusted_ends_the_start() {
    for system in BOTH {
        let authority = authority();
        let mut target = target(system, tls(&authority, &HERE));
        let strangers = [
            None,
            Some(Authority::new("another").expect("an authority is made")),
            // It was made anew, and the file is of the old one.
            Some(self::authority()),
        ];
        for stranger in &strangers {
            if let Some(stranger) = stranger {
                trust(&mut target, stranger);
            }
            let problem = "no authority that is trusted here has signed its certificate";
            let http = target.standin.http()[0];
            let problem = format!("TLS with https://{http} fails: {problem}");
            refuses(&target, &[&problem, "sink `copy`", "with `ca_file`"]);
            target.look().the_error(&problem, "name the PEM file of the authority");
        }
        trust(&mut target, &authority);
        target.look().assert_well();
        loads(&target);
    }
}

#[test]
fn a_certificate_with_another_name_ends_the_start() {
    for system in BOTH {
        let authority = authority();
        let mut target = target(system, tls(&authority, &ELSEWHERE));
        trust(&mut target, &authority);
        let problem = "not for this name (it has: fe.shop.invalid)";
        let remedy = "call it by a name that the certificate has";
        refuses(&target, &["TLS with https://127.0.0.1:", problem, remedy]);
        target.look().the_error(problem, remedy);
    }
}

#[test]
fn plain_http_to_a_port_with_tls_is_told() {
    for system in BOTH {
        let authority = authority();
        let mut target = target(system, tls(&authority, &HERE));
        let urls = frontends(&target.standin, "http");
        target.set("load_url", urls);
        let words = ["is not a frontend: what it answers is not HTTP", "say https://"];
        target.look().the_error(words[0], words[1]);
        let ending = target.run().with_code(1);
        for word in words {
            assert!(ending.stderr.contains(word), "{word:?} is not said:\n{}", ending.stderr);
        }
        target.assert_untouched();

        // The same store goes on where the mistake is mended.
        let urls = frontends(&target.standin, "https");
        target.set("load_url", urls).set("backends", "{ plain = false }");
        trust(&mut target, &authority);
        target.look().the_warning("point to backends without", "say plain = true");
        target.set("backends", "{ plain = true }");
        target.look().assert_well();
        loads(&target);
    }
}

#[test]
fn a_file_that_names_no_authority_ends_the_start() {
    for system in BOTH {
        let authority = authority();
        // The file counts for both ports, and is looked at even where neither has TLS.
        for (secured, mysql_tls) in [(true, "false"), (true, "true"), (false, "false")] {
            let secured = Tls { frontends: secured, ..tls(&authority, &HERE) };
            let mut target = target(system, secured);
            target.text("ca_file", CA_FILE).set("mysql_tls", mysql_tls);
            let named = target.bench.path("ca.pem").display().to_string();
            let remedy = "name the PEM file with the certificate of the authority";
            refuses(&target, &["`ca_file`, ", &named, "No such file", remedy]);

            target.bench.write("ca.pem", "-----BEGIN NOTHING-----\n");
            refuses(&target, &["`ca_file`, ", &named, "cannot be used", remedy]);
            target.bench.write("ca.pem", "");
            refuses(&target, &["`ca_file`, ", &named, "there is no certificate in it", remedy]);
            let found = target.look();
            found.says("error", "there is no certificate in it", remedy);
        }
    }
}

#[test]
fn backends_without_tls_get_neither_rows_nor_password_unless_it_is_allowed() {
    side_by_side(&[Case::KEYED[0], Case::KEYED[1]], |case| {
        let changes = Changes::random(53, 200, true);
        let authority = authority();
        let options = Options { tls: Some(tls(&authority, &HERE)), ..options(*case) };
        let scene =
            tailored_at(*case, options, BETS, SINK, &changes.lines).expect("the stand-in starts");
        scene.bench.write("ca.pem", authority.pem());
        rewrite(&scene, "\"http://", "\"https://");
        let refused = ending(&scene).with_code(1);
        let points = ["points to http://127.0.0.1:", "which has no TLS", "say plain = true"];
        for words in points {
            assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
        }
        assert_eq!(scene.standin.world().stats.backend_connections(), 0);
        assert!(scene.table().is_empty());

        add_key(&scene, "backends = { plain = true }");
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn the_mysql_port_is_trusted_as_the_frontends_are() {
    for system in BOTH {
        let authority = authority();
        let only = |names: &[&str]| Tls { frontends: false, ..tls(&authority, names) };
        let mut target = target(system, only(&HERE));
        target.set("mysql_tls", "true");
        let port = format!("TLS with the MySQL port {} fails: ", target.standin.mysql());
        let problem = format!("{port}no authority that is trusted here");
        refuses(&target, &[&problem, "with `ca_file`"]);
        target.look().the_error(&problem, "with `ca_file`");
        trust(&mut target, &self::authority());
        refuses(&target, &[&problem, "with `ca_file`"]);
        trust(&mut target, &authority);
        target.look().assert_well();
        loads(&target);

        let mut target = self::target(system, only(&ELSEWHERE));
        target.set("mysql_tls", "true");
        trust(&mut target, &authority);
        let problem = "not for this name (it has: fe.shop.invalid)";
        refuses(&target, &["TLS with the MySQL port ", problem, "`mysql_url`"]);
        target.look().the_error(problem, "call it by a name that the certificate has");

        // Who does not ask for it goes without.
        target.set("mysql_tls", "false");
        loads(&target);
    }
}
