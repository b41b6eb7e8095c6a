//! `SHOW BACKENDS`, `SHOW FRONTENDS`, `SHOW COMPUTE NODES`.

use super::super::error::SqlError;
use super::super::{Outcome, Session, require};
use crate::catalog::Privilege;
use crate::nodes::Member;
use crate::world::{System, World};

fn text(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

/// Whether the user may look at the servers.
fn operator(world: &World, session: &Session) -> Result<(), SqlError> {
    require(world, session, Privilege::Node, "", "").map_err(|_| {
        let message = "Access denied; you need (at least one of) the OPERATE/NODE privilege(s) on \
                       SYSTEM for this operation";
        SqlError::new(if world.system == System::Doris { 1227 } else { 5203 }, message)
    })
}

fn alive(member: &Member) -> Option<String> {
    text(if member.is_alive() { "true" } else { "false" })
}

/// `SHOW BACKENDS`.
pub(super) fn backends(world: &World, session: &Session) -> Result<Outcome, SqlError> {
    operator(world, session)?;
    let doris = world.system == System::Doris;
    // Shared-data StarRocks has compute nodes only.
    let hidden = !doris && world.settings.get().cloud;
    let members: &[Member] = if hidden { &[] } else { world.nodes.backends() };
    let rows = members.iter().enumerate().map(|(at, member)| {
        vec![
            text((10_001 + at).to_string()),
            text(member.host.as_str()),
            text("9050"),
            text("9060"),
            text(member.port().to_string()),
            text("8060"),
            alive(member),
            text("false"),
            text("10"),
            text("0.000 B"),
            text("100.000 GB"),
            text("200.000 GB"),
            text("50.00 %"),
            text(""),
            text(world.version.to_string()),
        ]
    });
    let host = if doris { "Host" } else { "IP" };
    let labels = [
        "BackendId",
        host,
        "HeartbeatPort",
        "BePort",
        "HttpPort",
        "BrpcPort",
        "Alive",
        "SystemDecommissioned",
        "TabletNum",
        "DataUsedCapacity",
        "AvailCapacity",
        "TotalCapacity",
        "UsedPct",
        "ErrMsg",
        "Version",
    ];
    Ok(Outcome::of_text(&labels, rows.collect()))
}

/// `SHOW COMPUTE NODES`.
pub(super) fn compute_nodes(world: &World, session: &Session) -> Result<Outcome, SqlError> {
    operator(world, session)?;
    let members: &[Member] = if world.settings.get().cloud { world.nodes.backends() } else { &[] };
    let rows = members.iter().enumerate().map(|(at, member)| {
        vec![
            text((10_001 + at).to_string()),
            text(member.host.as_str()),
            text("9050"),
            text("9060"),
            text(member.port().to_string()),
            text("8060"),
            alive(member),
            text(""),
            text(world.version.to_string()),
        ]
    });
    let labels = [
        "ComputeNodeId",
        "IP",
        "HeartbeatPort",
        "BePort",
        "HttpPort",
        "BrpcPort",
        "Alive",
        "ErrMsg",
        "Version",
    ];
    Ok(Outcome::of_text(&labels, rows.collect()))
}

/// `SHOW FRONTENDS`.
pub(super) fn frontends(world: &World, session: &Session) -> Result<Outcome, SqlError> {
    operator(world, session)?;
    let leader = world.nodes.leader();
    let members = world.nodes.frontends().iter().enumerate();
    let rows = members.map(|(at, member)| {
        vec![
            text(member.name.as_str()),
            text(member.host.as_str()),
            text("9010"),
            text(member.port().to_string()),
            text(world.nodes.mysql().port().to_string()),
            text("9020"),
            text(if at == leader { "LEADER" } else { "FOLLOWER" }),
            text(if at == leader { "true" } else { "false" }),
            text("true"),
            alive(member),
            text(world.version.to_string()),
        ]
    });
    let host = if world.system == System::Doris { "Host" } else { "IP" };
    let leads = if world.system == System::Doris { "IsMaster" } else { "IsLeader" };
    let labels = [
        "Name",
        host,
        "EditLogPort",
        "HttpPort",
        "QueryPort",
        "RpcPort",
        "Role",
        leads,
        "Join",
        "Alive",
        "Version",
    ];
    Ok(Outcome::of_text(&labels, rows.collect()))
}
