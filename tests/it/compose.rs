//! The compose stack as an operator starts it: real images, real networks, its
//! own door. Runs where `NEXY_TEST_COMPOSE=1` says that there is an engine, as
//! `make test` does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use self::engine::{Project, is_asked_for};

mod engine;

/// What every container of the stack is called in the compose file.
const SERVICES: [&str; 6] = ["nginx", "gateway", "worker", "update", "jaeger", "prometheus"];

/// From `up` to healthy. The target is far less; a busy machine may take longer.
const HEALTHY: Duration = Duration::from_secs(90);

/// How long the stack may take to notice that a container is gone or back.
const NOTICED: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[tokio::test]
async fn the_compose_stack_answers_aloud_and_survives_its_worker() -> anyhow::Result<()> {
    if !is_asked_for() {
        eprintln!("SKIPPED: NEXY_TEST_COMPOSE is not 1; `make test` sets it where Docker answers");
        return Ok(());
    }
    let project = Project::up()?;
    let outcome = check(&project).await;
    if outcome.is_err() {
        eprintln!("{}", project.logs());
    }
    outcome
}

async fn check(project: &Project) -> anyhow::Result<()> {
    for service in ["gateway", "worker", "update", "nginx"] {
        project.wait_healthy(service, HEALTHY)?;
    }
    for service in SERVICES {
        has_few_rights(project, service).context(service)?;
    }
    only_the_door_is_published(project)?;
    for service in ["gateway", "worker", "update"] {
        proves_who_it_is(project, service).context(service)?;
    }

    let reply = project.talk_until(NOTICED, |reply| reply["complete"] == true)?;
    is_spoken(&reply)?;
    has_left_a_trace(project, &reply).await?;

    project.kill("worker")?;
    let refused = project.talk_until(NOTICED, |reply| {
        reply["error"]["error_type"] == "unavailable" && reply["error"]["code"] == "UNAVAILABLE"
    })?;
    ensure!(refused["complete"] == false, "a reply without a worker: {refused}");
    project.start("worker")?;
    project.wait_healthy("worker", HEALTHY)?;
    is_spoken(&project.talk_until(NOTICED, |reply| reply["complete"] == true)?)?;
    watches_everybody(project).await
}

fn is_spoken(reply: &Value) -> anyhow::Result<()> {
    let text = reply["text"].as_str().unwrap_or_default();
    ensure!(!text.is_empty(), "no text: {reply}");
    ensure!(reply["audio_seconds"].as_f64().unwrap_or_default() > 0.2, "no audio: {reply}");
    ensure!(reply["error"].is_null(), "an error: {reply}");
    Ok(())
}

/// Its trace, by the id in the trailers, with spans of both services.
async fn has_left_a_trace(project: &Project, reply: &Value) -> anyhow::Result<()> {
    let id = reply["trailers"]["nexy-trace-id"].as_str();
    let id = id.with_context(|| format!("no trace id in {reply}"))?;
    let url = format!("http://127.0.0.1:{}/traces", project.ports.traces);
    nexy_testkit::install_tls_provider();
    let client = reqwest::Client::builder().timeout(NOTICED).no_proxy().build()?;
    let until = Instant::now() + NOTICED;
    loop {
        let seen: Value = client.get(&url).send().await?.json().await?;
        if is_whole(&seen, id) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "trace {id} is not among {seen}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Prometheus asks all three, and works by the rules. Last, because by now it
/// has had time to.
async fn watches_everybody(project: &Project) -> anyhow::Result<()> {
    let url = format!("http://127.0.0.1:{}/api/v1", project.ports.metrics);
    let client = reqwest::Client::builder().timeout(NOTICED).no_proxy().build()?;
    let ask = async |what: &str| -> anyhow::Result<Value> {
        let answer = client.get(format!("{url}/{what}")).send().await?.error_for_status()?;
        Ok(answer.json::<Value>().await?["data"].take())
    };
    let until = Instant::now() + NOTICED;
    loop {
        let targets = ask("targets?state=active").await?;
        let well = healthy_jobs(&targets);
        let rules = ask("rules").await?;
        let unwell = rules_without(&rules, "ok");
        if ["nexy-gateway", "nexy-update", "nexy-worker"].iter().all(|job| well.contains(job))
            && unwell.is_empty()
        {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{well:?} of {targets}, and not well: {unwell:?}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn healthy_jobs(targets: &Value) -> Vec<&str> {
    let targets = targets["activeTargets"].as_array().into_iter().flatten();
    let well = targets.filter(|target| target["health"] == "up");
    well.filter_map(|target| target["labels"]["job"].as_str()).collect()
}

/// The names of rules that are not so; a word when there are no rules at all.
fn rules_without<'r>(rules: &'r Value, health: &str) -> Vec<&'r str> {
    let groups = rules["groups"].as_array().into_iter().flatten();
    let rules: Vec<&Value> =
        groups.filter_map(|group| group["rules"].as_array()).flatten().collect();
    if rules.is_empty() {
        return vec!["none are loaded"];
    }
    let unlike = rules.into_iter().filter(|rule| rule["health"] != health);
    unlike.filter_map(|rule| rule["name"].as_str()).collect()
}

fn is_whole(seen: &Value, id: &str) -> bool {
    let traces = seen["traces"].as_array().into_iter().flatten();
    traces.filter(|trace| trace["trace_id"] == id).any(|trace| {
        let services = trace["services"].to_string();
        services.contains("nexy-gateway") && services.contains("nexy-worker")
    })
}

/// Not root, nothing to gain, nothing to write but its own folders.
fn has_few_rights(project: &Project, service: &str) -> anyhow::Result<()> {
    let users = project.users(service)?;
    ensure!(!users.is_empty(), "it runs nothing");
    ensure!(users.iter().all(|user| *user != 0), "it runs as root: {users:?}");
    let host = &project.inspect(service)?["HostConfig"];
    ensure!(host["ReadonlyRootfs"] == true, "its file system can be written to");
    ensure!(host["CapDrop"].to_string().contains("ALL"), "it keeps capabilities");
    ensure!(host["Privileged"] == false, "it is privileged");
    let options = host["SecurityOpt"].to_string();
    ensure!(options.contains("no-new-privileges"), "it may gain privileges: {options}");
    Ok(())
}

/// With certificates of its own, and with nobody else's in reach.
fn proves_who_it_is(project: &Project, service: &str) -> anyhow::Result<()> {
    let container = project.inspect(service)?;
    let variables = container["Config"]["Env"].to_string();
    ensure!(variables.contains("INTERNAL_TLS_KEY=/etc/nexy/internal/key.pem"), "no key is set");
    let mounts = container["Mounts"].as_array().into_iter().flatten();
    let names = mounts.filter_map(|mount| mount["Name"].as_str());
    let own: Vec<&str> = names.filter(|name| name.contains("_internal-")).collect();
    let expected = format!("_internal-{service}");
    ensure!(own.len() == 1 && own.iter().all(|name| name.ends_with(&expected)), "it sees {own:?}");
    Ok(())
}

/// nginx for everybody, what looks on for this machine, nothing else.
fn only_the_door_is_published(project: &Project) -> anyhow::Result<()> {
    for service in SERVICES {
        let published = project.published(service)?;
        let expected = match service {
            "nginx" => vec![project.ports.plain, project.ports.tls],
            "jaeger" => vec![project.ports.traces],
            "prometheus" => vec![project.ports.metrics],
            _ => Vec::new(),
        };
        let mut ports: Vec<u16> = published.iter().map(|(_, port)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        let mut wanted = expected;
        wanted.sort_unstable();
        ensure!(ports == wanted, "{service} publishes {published:?}, not {wanted:?}");
        let is_local = published.iter().all(|(address, _)| address == "127.0.0.1");
        ensure!(service == "nginx" || is_local, "{service} is open to others: {published:?}");
    }
    Ok(())
}
