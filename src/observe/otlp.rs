//! Where traces go: to an endpoint that speaks OTLP over HTTP, in batches, from a thread beside the work.
//!
//! An endpoint that is down, hangs or refuses costs its spans and nothing else: what waits is bounded, what cannot be brought is dropped,
//! and the log says so once in a while. The batches are made by OpenTelemetry's own crate; they are brought by whoever begins this
//! ([`Courier`]), since its own clients would know neither our authorities nor our rules.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter},
};
use prost::Message as _;
use tokio::{runtime::Handle, time::timeout};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use super::traces;

/// So many spans wait at most; what comes beyond is dropped.
const QUEUE: usize = 2048;
/// So many are brought at once.
const BATCH: usize = 512;
/// A span waits at most so long for others.
const DELAY: Duration = Duration::from_secs(5);
/// How long bringing a batch may take.
const BRINGS: Duration = Duration::from_secs(5);
/// How long the end of a process waits for its last batch.
const LAST: Duration = Duration::from_secs(2);
/// That traces do not arrive is told so often.
const TELL_AGAIN: Duration = Duration::from_hours(1);

/// Brings batches to where traces go.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Brings a batch: an `ExportTraceServiceRequest`, encoded.
    ///
    /// # Errors
    /// Why it was not taken, in words without a secret.
    async fn bring(&self, batch: Bytes) -> Result<(), String>;
}

/// Traces that are brought somewhere.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    told: Arc<Told>,
}

impl Traces {
    /// Begins: a thread that collects, and brings by tasks on `runtime`.
    #[must_use]
    pub fn begin(courier: Arc<dyn Courier>, runtime: Handle) -> Self {
        let told = Arc::new(Told::default());
        let resource = resource();
        let exporter = Exporter { courier, runtime, told: Arc::clone(&told), resource: (&resource).into() };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let provider = SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource).build();
        Self { provider, told }
    }

    /// What hands our spans on to it, and nothing else: no event, no span of a library's.
    #[must_use]
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let tracer = self.provider.tracer("anagrafe");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_context_activation(false)
            .with_filter(filter_fn(traces::is_ours).with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Brings what still waits, for a short while only.
    pub async fn end(self) {
        let Self { provider, told } = self;
        // It blocks until the thread has brought what it has, by tasks that need this runtime.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST)).await;
        if !matches!(ended, Ok(Ok(()))) {
            told.lost("the last of them were not brought in time");
        }
    }
}

/// Who traces.
fn resource() -> Resource {
    let mut bytes = [0; 16];
    // Without randomness two processes cannot be told apart, and nothing worse.
    let _ = getrandom::fill(&mut bytes);
    let instance = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    Resource::builder()
        .with_service_name("anagrafe")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}

struct Exporter {
    courier: Arc<dyn Courier>,
    runtime: Handle,
    told: Arc<Told>,
    resource: ResourceAttributesWithSchema,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = Bytes::from(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        let courier = Arc::clone(&self.courier);
        // The thread that waits here has no sockets; the runtime has.
        let bringing = self.runtime.spawn(async move { timeout(BRINGS, courier.bring(body)).await });
        let why = match bringing.await {
            Ok(Ok(Ok(()))) => {
                self.told.arrived();
                return Ok(());
            }
            Ok(Ok(Err(why))) => why,
            Ok(Err(_elapsed)) => format!("no answer within {}", humantime::format_duration(BRINGS)),
            // The process ends.
            Err(_) => return Err(OTelSdkError::AlreadyShutdown),
        };
        self.told.lost(&why);
        Err(OTelSdkError::InternalFailure(why))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

/// What was said of traces that do not arrive: not each time.
#[derive(Debug, Default)]
struct Told(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    /// When that they do not was told.
    lost: Option<Instant>,
    /// Whether that they do again is still to be told.
    open: bool,
}

impl Told {
    fn lost(&self, why: &str) {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.lost.is_none_or(|told| told.elapsed() > TELL_AGAIN) {
            *standing = Standing { lost: Some(Instant::now()), open: true };
            tracing::warn!(
                error = why,
                "traces do not arrive, and are lost until they do; runs are not concerned: look at observe.otlp_endpoint"
            );
        }
    }

    fn arrived(&self) {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut standing.open) {
            tracing::info!("traces arrive again");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use tracing::{Event, Level, subscriber::with_default};
    use tracing_subscriber::{
        layer::{Context, SubscriberExt as _},
        registry,
    };

    use super::*;

    /// The levels of what was logged.
    #[derive(Clone, Default)]
    struct Logged(Arc<Mutex<Vec<Level>>>);

    impl<S: Subscriber> Layer<S> for Logged {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    #[test]
    fn that_traces_do_not_arrive_is_told_once_and_that_they_do_again_too() {
        let logged = Logged::default();
        with_default(registry().with(logged.clone()), || {
            let told = Told::default();
            told.arrived();
            for _ in 0..100 {
                told.lost("nobody listens");
            }
            for _ in 0..100 {
                told.arrived();
                told.lost("nobody listens");
            }
        });
        assert_eq!(*logged.0.lock().unwrap(), [Level::WARN, Level::INFO]);
    }
}
