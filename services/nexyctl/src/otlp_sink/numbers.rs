//! The metrics that services reported last.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, metric::Data, number_data_point::Value,
};

use super::span;

/// More services than a stack of ours has; further ones are not kept.
const SERVICES_MAX: usize = 64;
/// More metrics than a service of ours has; further ones are not kept.
const METRICS_MAX: usize = 1024;

/// By service, then by name: the sum over all labels, of histograms the number
/// of observations.
pub(super) type Shown = BTreeMap<String, BTreeMap<String, f64>>;

/// What each service said last.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<Shown>);

// === impl Numbers ===

impl Numbers {
    pub(super) fn add(&self, reported: Vec<ResourceMetrics>) {
        for of_service in reported {
            let resource = of_service.resource.unwrap_or_default();
            let service = span::service_name(&resource.attributes);
            let metrics = of_service.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            let said =
                metrics.take(METRICS_MAX).map(|metric| (metric.name.clone(), total(&metric)));
            let mut kept = self.lock();
            if kept.len() < SERVICES_MAX || kept.contains_key(&service) {
                kept.insert(service, said.collect());
            }
        }
    }

    pub(super) fn shown(&self) -> Shown {
        self.lock().clone()
    }

    /// Whole values are put in; what is there can be read whatever happened.
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to look at")]
fn total(metric: &Metric) -> f64 {
    let numbers = |points: &[NumberDataPoint]| {
        let values = points.iter().filter_map(|point| point.value);
        values
            .map(|value| match value {
                Value::AsDouble(value) => value,
                Value::AsInt(value) => value as f64,
            })
            .sum()
    };
    match &metric.data {
        Some(Data::Sum(sum)) => numbers(&sum.data_points),
        Some(Data::Gauge(gauge)) => numbers(&gauge.data_points),
        Some(Data::Histogram(histogram)) => {
            histogram.data_points.iter().map(|point| point.count as f64).sum()
        }
        // Nothing of ours reports these.
        Some(Data::ExponentialHistogram(_) | Data::Summary(_)) | None => 0.0,
    }
}
