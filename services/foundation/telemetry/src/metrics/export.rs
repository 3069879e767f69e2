//! The same samples as `/metrics`, pushed to a collector. Sums are cumulative
//! since the start of the process; names, labels and units are the same as in
//! the text format.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point::Value,
    },
    resource::v1::Resource,
};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::{Code, service::interceptor::InterceptedService, transport::Channel};

use super::reading::{Buckets, Reading, Sample, Samples};
use crate::{Decision, Error, Level, Otlp, emit, otlp::Headers};

/// Sends the metrics of this process to a collector.
#[derive(Clone)]
pub(crate) struct Exporter {
    client: MetricsServiceClient<InterceptedService<Channel, Headers>>,
    resource: Resource,
    began: SystemTime,
    every: Duration,
    timeout: Duration,
}

/// The samples of one export, between two moments.
struct Moment {
    began_ns: u64,
    now_ns: u64,
}

/// A collector did not take the metrics.
#[derive(Debug, Serialize)]
struct ExportFailed {
    grpc_code: &'static str,
}

// === impl Exporter ===

impl Exporter {
    /// `None`: this collector gets no metrics.
    pub(crate) fn new(
        otlp: &Otlp,
        channel: Channel,
        resource: &opentelemetry_sdk::Resource,
    ) -> Result<Option<Self>, Error> {
        let Some(every) = otlp.metrics else { return Ok(None) };
        let client = MetricsServiceClient::with_interceptor(channel, otlp.headers()?);
        let attributes =
            resource.iter().map(|(name, value)| attribute(name.as_str(), &value.as_str()));
        let resource = Resource { attributes: attributes.collect(), ..Resource::default() };
        let (began, timeout) = (SystemTime::now(), otlp.timeout);
        Ok(Some(Self { client, resource, began, every, timeout }))
    }

    /// Exports again and again; never ends.
    pub(crate) async fn run(&self) {
        let mut ticks = tokio::time::interval_at(Instant::now() + self.every, self.every);
        // After a slow export there is nothing to catch up on.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.export().await;
        }
    }

    /// Exports once. Failures are told in the decision log: the next export
    /// says everything again, so nothing is repeated.
    pub(crate) async fn export(&self) {
        let mut client = self.client.clone();
        let sending = client.export(self.request());
        let code = match tokio::time::timeout(self.timeout, sending).await {
            Ok(Ok(answer)) => match answer.into_inner().partial_success {
                Some(partly) if partly.rejected_data_points > 0 => Code::InvalidArgument,
                _ => return,
            },
            Ok(Err(status)) => status.code(),
            Err(_) => Code::DeadlineExceeded,
        };
        emit(&ExportFailed { grpc_code: super::code_name(code as i32) });
    }

    fn request(&self) -> ExportMetricsServiceRequest {
        let moment = Moment { began_ns: nanos(self.began), now_ns: nanos(SystemTime::now()) };
        let metrics = super::read().iter().map(|reading| moment.metric(reading)).collect();
        let scope = InstrumentationScope { name: "nexy".to_owned(), ..Default::default() };
        let scope_metrics = ScopeMetrics { scope: Some(scope), metrics, ..Default::default() };
        let resource_metrics = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scope_metrics],
            ..Default::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
    }
}

// === impl Moment ===

impl Moment {
    fn metric(&self, reading: &Reading) -> Metric {
        let (data, unit) = match &reading.samples {
            Samples::Counter(rows) => (self.sum(rows, |value| Value::AsInt(whole(value))), "1"),
            Samples::Billionths(rows) => {
                (self.sum(rows, |value| Value::AsDouble(fraction(value, 1e9))), "1")
            }
            Samples::Gauge(rows) => (self.gauge(rows), "1"),
            Samples::Histogram { bounds, rows } => (self.histogram(bounds, rows), "s"),
        };
        Metric {
            name: reading.name.to_owned(),
            description: reading.help.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }

    fn sum(&self, rows: &[Sample<u64>], value: impl Fn(u64) -> Value) -> Data {
        let points = rows.iter().map(|row| self.number(row, value(row.value)));
        Data::Sum(Sum {
            data_points: points.collect(),
            aggregation_temporality: AggregationTemporality::Cumulative as i32,
            is_monotonic: true,
        })
    }

    fn gauge(&self, rows: &[Sample<i64>]) -> Data {
        let points = rows.iter().map(|row| self.number(row, Value::AsInt(row.value)));
        Data::Gauge(Gauge { data_points: points.collect() })
    }

    fn number<V>(&self, row: &Sample<V>, value: Value) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(row),
            start_time_unix_nano: self.began_ns,
            time_unix_nano: self.now_ns,
            value: Some(value),
            ..NumberDataPoint::default()
        }
    }

    fn histogram(&self, bounds: &[u64], rows: &[Sample<Buckets>]) -> Data {
        let points = rows.iter().map(|row| HistogramDataPoint {
            attributes: attributes(row),
            start_time_unix_nano: self.began_ns,
            time_unix_nano: self.now_ns,
            count: row.value.count(),
            sum: Some(fraction(row.value.sum_micros, 1e6)),
            bucket_counts: row.value.counts.clone(),
            explicit_bounds: bounds.iter().map(|bound| fraction(*bound, 1e6)).collect(),
            ..HistogramDataPoint::default()
        });
        Data::Histogram(Histogram {
            data_points: points.collect(),
            aggregation_temporality: AggregationTemporality::Cumulative as i32,
        })
    }
}

// === impl ExportFailed ===

impl Decision for ExportFailed {
    fn scope(&self) -> &'static str {
        "telemetry"
    }
    fn decision(&self) -> &'static str {
        "metrics_export_failed"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

fn attributes<V>(row: &Sample<V>) -> Vec<KeyValue> {
    row.labels.iter().map(|(name, value)| attribute(name, value)).collect()
}

fn attribute(name: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: name.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "sums stay far below 2^52")]
fn fraction(parts: u64, of: f64) -> f64 {
    parts as f64 / of
}

#[cfg(test)]
mod tests;
