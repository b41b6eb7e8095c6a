//! Where frontends point, and which of that is followed.

use std::net::{Ipv6Addr, SocketAddr};

use millrace::sink::{Address, Endpoint};
use millrace_standin::Options;
use millrace_standin::faults::{Point, Rule};

use super::input::Changes;
use super::scene::{Case, PASSWORD, Scene, side_by_side};
use super::tailored::{BETS, add_key, ending, options, rewrite, struck, tailored, tailored_at};

/// Both systems.
const SYSTEMS: [Case; 2] = [Case::KEYED[0], Case::KEYED[1]];

fn changes() -> Changes {
    Changes::random(31, 200, true)
}

/// Every server of a scene.
fn servers(scene: &Scene) -> Vec<SocketAddr> {
    scene.standin.http().into_iter().chain(scene.standin.backends()).collect()
}

/// The keys that map each server's port at one host to the same port at another.
fn map(scene: &Scene, from: &str, to: &str) -> String {
    let ports = servers(scene).into_iter().map(|address| address.port());
    let pairs: Vec<String> =
        ports.map(|port| format!("\"{from}:{port}\" = \"{to}:{port}\"")).collect();
    format!("backends = {{ map = {{ {} }} }}", pairs.join(", "))
}

#[test]
fn two_hops_are_followed() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let scene = Scene::new(*case, &changes);
        scene.standin.world().faults.arm(Rule { times: 1000, ..Rule::once(Point::FeTwoHops) });
        scene.run();
        assert!(struck(&scene, Point::FeTwoHops).len() > 2);
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn a_loopback_address_is_explained_and_can_be_mapped() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let scene = Scene::new(*case, &changes);
        // Another spelling of this machine, which only the resolver understands: to the sink it is
        // a host like any other.
        rewrite(&scene, "\"http://127.0.0.1:", "\"http://127.1:");
        let refused = ending(&scene);
        assert_ne!(refused.code, Some(0), "{}", refused.stderr);
        for words in ["http://127.1:", "points to 127.0.0.1:", "this machine", "map = {"] {
            assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
        }
        assert!(scene.table().is_empty());

        add_key(&scene, &map(&scene, "127.0.0.1", "127.1"));
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn another_host_that_asks_for_credentials_gets_none() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let scene = Scene::new(*case, &changes);
        let world = scene.standin.world();
        world.faults.arm(Rule::once(Point::FeOtherHostLocation));
        let refused = ending(&scene);
        assert_ne!(refused.code, Some(0), "{}", refused.stderr);
        for words in [world.nodes.stranger(), "under `backends`"] {
            assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
        }
        assert_eq!(struck(&scene, Point::FeOtherHostLocation).len(), 1);
        // The stranger reports whoever gives it an Authorization.
        assert!(scene.standin.breaches().is_empty(), "{:#?}", scene.standin.breaches());

        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn credentials_in_a_location_are_taken_off() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let scene = Scene::new(*case, &changes);
        let rule = Rule { times: 1000, ..Rule::once(Point::FeUserinfoLocation) };
        scene.standin.world().faults.arm(rule);
        let ending = ending(&scene).with_code(0);
        assert!(!ending.stderr.contains(PASSWORD), "{}", ending.stderr);
        // A password in a URL is a breach.
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn a_circle_halts() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let scene = Scene::new(*case, &changes);
        scene.standin.world().faults.arm(Rule::once(Point::FeCircular));
        let refused = ending(&scene);
        assert_ne!(refused.code, Some(0), "{}", refused.stderr);
        for words in ["redirects go in a circle", "check the addresses"] {
            assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
        }
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

const SINK: &str = "table = \"bets\"\ncreate_table = true";

#[test]
fn addresses_of_ipv6_are_addresses() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let options = Options { listen: Ipv6Addr::LOCALHOST.into(), ..options(*case) };
        match tailored_at(*case, options, BETS, SINK, &changes.lines) {
            Ok(scene) => {
                scene.run();
                scene.assert_whole(&changes, &format!("{case:?}"));
            }
            // A machine without IPv6 can read its addresses all the same.
            Err(_) => {
                let frontend = Endpoint::parse("http://[2001:db8::1]:8030").expect("an endpoint");
                assert_eq!(frontend.address.host, "2001:db8::1");
                assert_eq!(frontend.to_string(), "http://[2001:db8::1]:8030");
                let backend = Address::parse("[::1]", 8040).expect("an address");
                assert_eq!(backend.to_string(), "[::1]:8040");
            }
        }
    });
}

#[test]
fn names_that_only_the_cluster_knows_are_mapped() {
    side_by_side(&SYSTEMS, |case| {
        let changes = changes();
        let hidden = "inner.shop.invalid";
        let options = Options { advertise: Some(hidden.to_owned()), ..options(*case) };
        let scene = tailored_at(*case, options, BETS, SINK, &changes.lines).expect("it starts");
        add_key(&scene, &map(&scene, hidden, "127.0.0.1"));
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn loads_can_go_straight_to_backends() {
    // Transactions of StarRocks always begin at a frontend.
    let cases = [Case::KEYED[1], Case::KEYED[2], Case::KEYED[3]];
    side_by_side(&cases, |case| {
        let changes = changes();
        let scene = tailored(*case, BETS, SINK, &changes.lines);
        let backends: Vec<String> =
            scene.standin.backends().iter().map(|address| format!("\"{address}\"")).collect();
        let allowed = backends.join(", ");
        add_key(&scene, &format!("backends = {{ direct = true, allowed = [{allowed}] }}"));
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
        let requests = scene.standin.world().stats.requests();
        assert_eq!(requests.get("fe load"), None, "{requests:?}");
        assert!(requests.get("be load").is_some_and(|loads| *loads > 0), "{requests:?}");
    });
}
