//! Rules, their tests, the dashboard and the metrics of real services agree.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use nexy_testkit::{
    chat_server::Script,
    stack::{question, workspace_root},
};
use serde_json::Value;

use self::selectors::{Page, selectors, word_lists};
use crate::{
    layout::sources::read,
    support::{Fakes, ask, assert_whole, http, is_installed},
};

mod selectors;

const PROMETHEUS: &str = "deploy/observability/prometheus";
const RULES: &str = "deploy/observability/prometheus/rules.yml";
const TESTS_OF_RULES: [&str; 2] = ["rules_test.yml", "rules_day_test.yml"];
const DASHBOARD: &str = "deploy/observability/grafana/dashboards/nexy.json";

/// Labels that Prometheus and the rules add to those of the services.
const ADDED_LABELS: &[&str] =
    &["job", "instance", "alertname", "severity", "event", "service", "limit"];

/// Runs promtool where the rules are; `None` where it is not installed.
fn promtool(arguments: &[&str], input: &str) -> anyhow::Result<Option<String>> {
    if !is_installed("promtool") {
        return Ok(None);
    }
    let mut process = Command::new("promtool")
        .args(arguments)
        .current_dir(workspace_root().join(PROMETHEUS))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start promtool")?;
    process.stdin.take().context("its input")?.write_all(input.as_bytes())?;
    let output = process.wait_with_output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(output.status.success(), "promtool {arguments:?}: {said}");
    Ok(Some(said))
}

#[test]
fn prometheus_takes_its_configuration_and_its_rules() -> anyhow::Result<()> {
    promtool(&["check", "config", "prometheus.yml"], "")?;
    promtool(&["check", "rules", "--lint-fatal", "rules.yml"], "")?;
    Ok(())
}

#[test]
fn alerts_fire_when_they_should_and_only_then() -> anyhow::Result<()> {
    for file in TESTS_OF_RULES {
        promtool(&["test", "rules", file], "")?;
    }
    Ok(())
}

#[test]
fn every_alert_is_tested() {
    let tests = TESTS_OF_RULES.map(|file| read(&format!("{PROMETHEUS}/{file}"))).concat();
    for alert in alerts() {
        assert!(tests.contains(&format!("alertname=\"{alert}\"")), "{alert} fires in no test");
    }
}

#[test]
fn every_alert_says_what_to_do_about_it() {
    let page = read("Docs/ALERTS.md");
    let headings: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let rules = read(RULES);
    let links = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: "));
    let links: BTreeSet<&str> = links.collect();
    let expected: BTreeSet<String> =
        headings.iter().map(|name| format!("Docs/ALERTS.md#{}", name.to_lowercase())).collect();
    assert_eq!(links, expected.iter().map(String::as_str).collect());
    assert_eq!(headings, alerts().iter().map(String::as_str).collect());
}

#[tokio::test]
async fn what_rules_and_dashboard_ask_for_is_what_services_show() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Hello. I am here."])).await?;
    let stack = fakes.stack().with_internal_tls().start().await?;
    assert_whole(&ask(&stack, question("device-1", "Hello")).await?);
    let ports = [stack.ports.gateway_http, stack.ports.worker_http, stack.ports.update_http];
    let mut page = Page::default();
    for port in ports {
        let url = format!("http://127.0.0.1:{port}/metrics");
        let text = http()?.get(&url).send().await?.error_for_status()?.text().await?;
        promtool(&["check", "metrics"], &text)?;
        page.add(&text);
    }
    let tests = TESTS_OF_RULES.map(|file| format!("{PROMETHEUS}/{file}"));
    let mut wrong = BTreeSet::new();
    for file in tests.iter().map(String::as_str).chain([RULES]) {
        wrong.extend(faults(file, &read(file), &page));
    }
    for expression in dashboard_expressions()? {
        wrong.extend(faults(DASHBOARD, &expression, &page));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    stack.stop(&[]).await
}

#[test]
fn every_panel_of_the_dashboard_asks_the_provisioned_source() -> anyhow::Result<()> {
    let sources = read("deploy/observability/grafana/provisioning/datasources/prometheus.yml");
    let mut ids = BTreeSet::new();
    for panel in panels()? {
        let title = panel["title"].as_str().context("a title")?;
        ensure!(ids.insert(panel["id"].as_u64()), "{title}: two panels have its id");
        if panel["type"] == "row" {
            continue;
        }
        let source = panel["datasource"]["uid"].as_str().context("a source")?;
        ensure!(sources.contains(&format!("uid: {source}\n")), "{title}: who is {source}?");
        let targets = panel["targets"].as_array().context("targets")?;
        ensure!(!targets.is_empty(), "{title}: shows nothing");
        let right = &panel["gridPos"];
        let edge = right["x"].as_u64().unwrap_or(99) + right["w"].as_u64().unwrap_or(99);
        ensure!(edge <= 24, "{title}: is beyond the edge");
    }
    ensure!(ids.len() > 10, "only {} panels", ids.len());
    Ok(())
}

/// What a text asks for and nobody has.
fn faults(place: &str, text: &str, page: &Page) -> Vec<String> {
    let recorded = names_after("- record: ");
    let mut faults = Vec::new();
    for selector in selectors(text) {
        let name = &selector.name;
        if name.starts_with("nexy:") {
            if !recorded.contains(name) {
                faults.push(format!("{place}: no rule records {name}"));
            }
        } else {
            let missing = page.missing(&selector, ADDED_LABELS);
            faults.extend(missing.map(|what| format!("{place}: {what}")));
        }
    }
    for label in word_lists(text, "by (") {
        if !page.has_label(&label) && !ADDED_LABELS.contains(&label.as_str()) {
            faults.push(format!("{place}: nothing has a label {label}"));
        }
    }
    faults
}

fn alerts() -> BTreeSet<String> {
    names_after("- alert: ")
}

fn names_after(prefix: &str) -> BTreeSet<String> {
    let rules = read(RULES);
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix(prefix));
    names.map(str::to_owned).collect()
}

fn panels() -> anyhow::Result<Vec<Value>> {
    let mut dashboard: Value = serde_json::from_str(&read(DASHBOARD)).context("parse it")?;
    serde_json::from_value(dashboard["panels"].take()).context("its panels")
}

fn dashboard_expressions() -> anyhow::Result<Vec<String>> {
    let panels = panels()?;
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions = targets.map(|target| target["expr"].as_str().map(str::to_owned));
    expressions.collect::<Option<_>>().context("an expression of each target")
}
