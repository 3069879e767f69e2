//! Every RPC of the contracts reports itself: an RPC that is added and not
//! entered into the table of its service fails here.

use std::collections::BTreeMap;

use anyhow::Context as _;
use nexy_proto::FILE_DESCRIPTOR_SET;
use nexy_testkit::{chat_server::Script, stack::Stack};
use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::support::{Fakes, SOON, http};

/// A message of gRPC with nothing in it: not compressed, no bytes long.
const EMPTY: &[u8] = &[0; 5];

/// One RPC of the compiled contracts.
struct Rpc {
    /// `/package.Service/Method`.
    path: String,
    /// Its `rpc` label.
    name: String,
    /// The ports of who serves it: gRPC and HTTP.
    ports: [u16; 2],
}

fn rpcs(stack: &Stack) -> anyhow::Result<Vec<Rpc>> {
    let ports = &stack.ports;
    let servers = BTreeMap::from([
        ("streaming.StreamingService", [ports.gateway_grpc, ports.gateway_http]),
        ("nexy.worker.v1.Worker", [ports.worker_grpc, ports.worker_http]),
        ("nexy.update.v1.Update", [ports.update_grpc, ports.update_http]),
    ]);
    let mut rpcs = Vec::new();
    for file in FileDescriptorSet::decode(FILE_DESCRIPTOR_SET)?.file {
        for service in &file.service {
            let full = format!("{}.{}", file.package(), service.name());
            let ports =
                *servers.get(full.as_str()).with_context(|| format!("who serves {full}?"))?;
            rpcs.extend(service.method.iter().map(|method| Rpc {
                path: format!("/{full}/{}", method.name()),
                name: method.name().to_owned(),
                ports,
            }));
        }
    }
    Ok(rpcs)
}

/// Calls an RPC with an empty message, as nobody would who has generated code,
/// and reads the answer to its end.
async fn call(rpc: &Rpc) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().http2_prior_knowledge().timeout(SOON).no_proxy();
    let url = format!("http://127.0.0.1:{}{}", rpc.ports[0], rpc.path);
    let request = client.build()?.post(url).header("content-type", "application/grpc");
    let answer = request.header("te", "trailers").body(EMPTY).send().await?;
    // 12 is UNIMPLEMENTED: what is asked for is there.
    anyhow::ensure!(answer.headers().get("grpc-status").is_none_or(|code| code != "12"));
    answer.bytes().await?;
    Ok(())
}

/// How many calls of an RPC its service has counted.
async fn counted(rpc: &Rpc) -> anyhow::Result<u64> {
    let url = format!("http://127.0.0.1:{}/metrics", rpc.ports[1]);
    let page = http()?.get(url).send().await?.text().await?;
    let prefix = format!("nexy_rpc_requests_total{{rpc=\"{}\",", rpc.name);
    let rows = page.lines().filter(|line| line.starts_with(&prefix));
    let counts = rows.filter_map(|row| row.rsplit_once(' ')?.1.parse::<u64>().ok());
    Ok(counts.sum())
}

#[tokio::test]
async fn every_rpc_of_the_contracts_has_a_start_an_end_and_a_count() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Yes."])).await?;
    // Probes are logged at debug level.
    let mut stack = fakes.stack().env("LOG_LEVEL", "debug").start().await?;
    let rpcs = rpcs(&stack)?;
    assert!(rpcs.len() >= 9, "{} RPCs", rpcs.len());
    for rpc in &rpcs {
        let before = counted(rpc).await?;
        call(rpc).await.with_context(|| format!("call {}", rpc.path))?;
        assert!(counted(rpc).await? > before, "{} is not counted", rpc.path);
    }
    // The gateway first: it asks the others.
    for process in [&mut stack.gateway, &mut stack.worker, &mut stack.update] {
        process.as_mut().context("it runs")?.leave(SOON).await?;
    }
    let log = stack.decisions()?;
    for rpc in rpcs {
        let lines = log.iter().filter(|line| line.method.as_deref() == Some(&rpc.path));
        let (mut starts, mut ends) = (0, 0);
        for line in lines {
            starts += u32::from(line.decision == "start");
            ends += u32::from(line.is_end());
        }
        assert!(starts > 0, "{} has no line", rpc.path);
        assert_eq!(starts, ends, "{}", rpc.path);
    }
    Ok(())
}
