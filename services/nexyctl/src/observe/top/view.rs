use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::round::{Asked, Round, Service};
use crate::{
    observe::{
        decision_log::STREAM_AUDIO,
        prometheus::{Histogram, Page},
        scrape::Target,
        sheet::{Cell, Sheet, percent},
    },
    screen::{Look, Tone},
};

/// One picture of what the services do.
pub(super) struct View {
    seconds: f64,
    at: Timestamp,
    sheets: Vec<Sheet>,
}

/// Pages of one kind of service: what happened since the last look, and what
/// they show now.
struct Pages {
    during: Vec<Page>,
    now: Vec<Page>,
    seconds: f64,
}

const REQUESTS: &str = "nexy_rpc_requests_total";
const REFUSALS: &str = "nexy_backpressure_refusals_total";
const CALLS: &str = "nexy_provider_calls_total";
const BREAKERS: &str = "nexy_breaker_state";
const STAGES: &str = "nexy_stage_duration_seconds";
const QUEUES: &str = "nexy_queue_depth";
const TOKENS: &str = "nexy_tokens_total";
const COST: &str = "nexy_cost_usd_total";
/// What may fall, so that a fall is no new start.
const GAUGES: [&str; 5] =
    [BREAKERS, QUEUES, "nexy_active_streams", "nexy_connections", "nexy_build_info"];

// === impl View ===

impl View {
    pub(super) fn of(asked: &Asked, before: &Round, now: &Round) -> Self {
        let seconds = now.at.duration_since(before.at).as_secs_f64();
        let gateway = Pages::of([(&before.gateway, &now.gateway)], seconds);
        let workers = Pages::of(before.workers.iter().zip(&now.workers), seconds);
        let all = Pages::of(
            before
                .services()
                .zip(now.services())
                .map(|((_, _, before), (_, _, now))| (before, now)),
            seconds,
        );
        let sheets = vec![
            services(asked, now),
            streams(&gateway, now.max_streams),
            turns(&gateway),
            latencies(&gateway, &workers),
            providers(&workers),
            stages(&workers),
            queues(&all),
            tokens(&workers),
            costs(&workers),
        ];
        Self { seconds, at: Timestamp::now(), sheets }
    }

    pub(super) fn text(&self, look: Look) -> Vec<String> {
        let headline = format!("Nexy Server, {:.0}, the last {:.1} s", self.at, self.seconds);
        let mut lines = vec![look.paint(Tone::Strong, &headline)];
        for sheet in self.sheets.iter().filter(|sheet| !sheet.rows.is_empty()) {
            lines.push(String::new());
            lines.extend(sheet.text(look));
        }
        lines
    }

    pub(super) fn json(&self) -> Value {
        let mut all = Map::new();
        all.insert("at".to_owned(), json!(format!("{:.3}", self.at)));
        all.insert("seconds".to_owned(), json!(self.seconds));
        all.extend(self.sheets.iter().map(|sheet| (sheet.key.to_owned(), sheet.json())));
        Value::Object(all)
    }
}

fn services(asked: &Asked, now: &Round) -> Sheet {
    let mut sheet = Sheet::new("services", "Services", &["service", "at", "state", "version"]);
    for (name, place, service) in now.services() {
        let target = match name {
            "gateway" => Some(&asked.gateway),
            "worker" => asked.workers.get(place),
            _ => Some(&asked.update),
        };
        let (state, version) = match service {
            Ok(page) => ("there".to_owned(), version(page)),
            Err(why) => (format!("AWAY: {why}"), Cell::Nothing),
        };
        let at = Cell::of(target.map(Target::origin));
        sheet.row([Cell::Text(name.to_owned()), at, Cell::Text(state), version]);
    }
    sheet
}

fn version(page: &Page) -> Cell {
    Cell::of(page.samples("nexy_build_info").first().and_then(|build| build.label("version")))
}

fn streams(gateway: &Pages, limit: Option<u64>) -> Sheet {
    let mut sheet = Sheet::new("streams", "Streams", &["what", "open", "limit"]);
    if gateway.now.is_empty() {
        return sheet;
    }
    let open = |name| Cell::Count(whole(gateway.value(name, &[])));
    let limit = limit.map_or(Cell::Nothing, Cell::Count);
    sheet.row([text("streams"), open("nexy_active_streams"), limit]);
    sheet.row([text("connections"), open("nexy_connections"), Cell::Nothing]);
    sheet
}

/// By how they ended; what has never happened is left out, except for the sum.
fn turns(gateway: &Pages) -> Sheet {
    let mut sheet =
        Sheet::new("turns", "Turns", &["what", "per_second", "in_interval", "since_start"]);
    if gateway.now.is_empty() {
        return sheet;
    }
    let of_turns = [("rpc", STREAM_AUDIO)];
    sheet.row(gateway.counted("all", REQUESTS, &of_turns));
    for code in gateway.values(REQUESTS, "code") {
        let labels = [("rpc", STREAM_AUDIO), ("code", code.as_str())];
        if gateway.value(REQUESTS, &labels) > 0.0 {
            sheet.row(gateway.counted(said(&code), REQUESTS, &labels));
        }
    }
    for reason in gateway.values(REFUSALS, "reason") {
        let labels = [("reason", reason.as_str())];
        if gateway.value(REFUSALS, &labels) > 0.0 {
            sheet.row(gateway.counted(&format!("refused: {reason}"), REFUSALS, &labels));
        }
    }
    sheet
}

/// The words of a gRPC code that an operator thinks in.
fn said(code: &str) -> &str {
    match code {
        "OK" => "good",
        "CANCELLED" => "interrupted",
        "RESOURCE_EXHAUSTED" => "refused",
        code => code,
    }
}

fn latencies(gateway: &Pages, workers: &Pages) -> Sheet {
    let columns = ["what", "count", "p50_ms", "p95_ms", "p95_since_start_ms"];
    let mut sheet = Sheet::new("latencies", "Latency in the interval", &columns);
    let families = [
        ("first text", gateway, "nexy_time_to_first_text_seconds"),
        ("first audio", gateway, "nexy_time_to_first_audio_seconds"),
        ("own overhead", workers, "nexy_own_overhead_seconds"),
    ];
    for (name, pages, family) in families {
        if !pages.now.is_empty() {
            sheet.row(pages.spread(vec![text(name)], family, &[]));
        }
    }
    sheet
}

fn providers(workers: &Pages) -> Sheet {
    let columns =
        ["provider", "calls_per_second", "outcomes_in_interval", "outcomes_since_start", "breaker"];
    let mut sheet = Sheet::new("providers", "Providers", &columns);
    for provider in workers.values(CALLS, "provider") {
        let labels = [("provider", provider.as_str())];
        let breaker = workers.greatest(BREAKERS, &labels);
        if workers.value(CALLS, &labels) <= 0.0 && breaker <= 0.0 {
            continue;
        }
        let outcomes = |pages: &[Page]| outcomes(pages, &provider);
        // 0 closed, 1 half open, 2 open.
        let breaker = match whole(breaker) {
            0 => "closed",
            1 => "half open",
            _ => "OPEN",
        };
        sheet.row([
            text(&provider),
            workers.rate(CALLS, &labels),
            outcomes(&workers.during),
            outcomes(&workers.now),
            text(breaker),
        ]);
    }
    sheet
}

/// `ok 12, error 1 (7.7 %)`: each with its share, unless it is the only one.
fn outcomes(pages: &[Page], provider: &str) -> Cell {
    let calls = |labels: &[(&str, &str)]| pages.iter().map(|page| page.sum(CALLS, labels)).sum();
    let all: f64 = calls(&[("provider", provider)]);
    let mut parts = Vec::new();
    for outcome in values(pages, CALLS, "outcome") {
        let count: f64 = calls(&[("provider", provider), ("outcome", &outcome)]);
        if count > 0.0 {
            let share =
                if count < all { format!(" ({})", percent(count / all)) } else { String::new() };
            parts.push(format!("{outcome} {count}{share}"));
        }
    }
    Cell::of(Some(parts.join(", ").as_str()).filter(|parts| !parts.is_empty()))
}

fn stages(workers: &Pages) -> Sheet {
    let columns = ["stage", "provider", "count", "p50_ms", "p95_ms", "p95_since_start_ms"];
    let mut sheet = Sheet::new("stages", "Stages in the interval", &columns);
    let count = format!("{STAGES}_count");
    for stage in workers.values(&count, "stage") {
        for provider in workers.values(&count, "provider") {
            let labels = [("stage", stage.as_str()), ("provider", provider.as_str())];
            if workers.value(&count, &labels) > 0.0 {
                sheet.row(workers.spread(vec![text(&stage), text(&provider)], STAGES, &labels));
            }
        }
    }
    sheet
}

fn queues(all: &Pages) -> Sheet {
    let mut sheet = Sheet::new("queues", "Queues", &["queue", "depth"]);
    for queue in all.values(QUEUES, "queue") {
        let depth = all.value(QUEUES, &[("queue", &queue)]);
        sheet.row([text(&queue), Cell::Count(whole(depth))]);
    }
    sheet
}

fn tokens(workers: &Pages) -> Sheet {
    let mut sheet =
        Sheet::new("tokens", "Tokens", &["what", "per_second", "in_interval", "since_start"]);
    for provider in workers.values(TOKENS, "provider") {
        for kind in workers.values(TOKENS, "kind") {
            let labels = [("provider", provider.as_str()), ("kind", kind.as_str())];
            if workers.value(TOKENS, &labels) > 0.0 {
                sheet.row(workers.counted(&format!("{provider} {kind}"), TOKENS, &labels));
            }
        }
    }
    sheet
}

/// By the prices of the configuration; a provider without any costs nothing.
fn costs(workers: &Pages) -> Sheet {
    let columns = ["provider", "usd_per_hour", "in_interval", "since_start"];
    let mut sheet = Sheet::new("costs", "Estimated cost", &columns);
    for provider in workers.values(COST, "provider") {
        let labels = [("provider", provider.as_str())];
        let all = workers.value(COST, &labels);
        if all > 0.0 {
            let passed = (!workers.during.is_empty()).then(|| workers.passed(COST, &labels));
            let hourly = passed.filter(|_| workers.seconds > 0.0);
            let hourly = hourly.map(|passed| passed * 3600.0 / workers.seconds);
            sheet.row([text(&provider), Cell::usd(hourly), Cell::usd(passed), Cell::Usd(all)]);
        }
    }
    sheet
}

// === impl Pages ===

impl Pages {
    /// A service that was away at the last look has a present and no past.
    fn of<'a>(
        services: impl IntoIterator<Item = (&'a Service, &'a Service)>,
        seconds: f64,
    ) -> Self {
        let mut pages = Self { during: Vec::new(), now: Vec::new(), seconds };
        for (before, now) in services {
            let Ok(now) = now else { continue };
            if let Ok(before) = before {
                pages.during.push(now.since(before, &GAUGES));
            }
            pages.now.push(now.clone());
        }
        pages
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.now.iter().map(|page| page.sum(name, labels)).sum()
    }

    fn greatest(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.now.iter().map(|page| page.sum(name, labels)).fold(0.0, f64::max)
    }

    fn passed(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.during.iter().map(|page| page.sum(name, labels)).sum()
    }

    fn rate(&self, name: &str, labels: &[(&str, &str)]) -> Cell {
        if self.during.is_empty() || self.seconds <= 0.0 {
            return Cell::Nothing;
        }
        Cell::Rate(self.passed(name, labels) / self.seconds)
    }

    /// What, per second, in the interval, since the start.
    fn counted(&self, what: &str, name: &str, labels: &[(&str, &str)]) -> Vec<Cell> {
        let passed = match self.during.is_empty() {
            true => Cell::Nothing,
            false => Cell::Count(whole(self.passed(name, labels))),
        };
        let all = Cell::Count(whole(self.value(name, labels)));
        vec![text(what), self.rate(name, labels), passed, all]
    }

    /// The given cells, then count, p50 and p95 in the interval, p95 since the
    /// start.
    fn spread(&self, mut row: Vec<Cell>, name: &str, labels: &[(&str, &str)]) -> Vec<Cell> {
        let during = histogram(&self.during, name, labels);
        let all = histogram(&self.now, name, labels);
        let millis = |of: &Option<Histogram>, quantile| {
            let seconds = of.as_ref().and_then(|histogram| histogram.quantile(quantile));
            Cell::millis(seconds.map(|seconds| whole(seconds * 1000.0)))
        };
        row.push(during.as_ref().map_or(Cell::Nothing, |it| Cell::Count(whole(it.count()))));
        row.extend([millis(&during, 0.5), millis(&during, 0.95), millis(&all, 0.95)]);
        row
    }

    /// The values of a label, in order.
    fn values(&self, name: &str, label: &str) -> BTreeSet<String> {
        values(&self.now, name, label)
    }
}

fn histogram(pages: &[Page], name: &str, labels: &[(&str, &str)]) -> Option<Histogram> {
    let mut found = pages.iter().filter_map(|page| page.histogram(name, labels));
    let first = found.next()?;
    Some(found.fold(first, |sum, histogram| sum.and(&histogram)))
}

fn values(pages: &[Page], name: &str, label: &str) -> BTreeSet<String> {
    let samples = pages.iter().flat_map(|page| page.samples(name));
    samples.filter_map(|sample| sample.label(label)).map(str::to_owned).collect()
}

fn text(word: &str) -> Cell {
    Cell::Text(word.to_owned())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count or milliseconds; what is none, negative or NaN, becomes 0"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
