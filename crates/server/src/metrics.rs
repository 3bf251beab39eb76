//! What the process counts about itself, and the text that Prometheus reads (text format 0.0.4,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! Our own and not a library's: it is three counters, two histograms and a page of gauges that are read when somebody
//! asks; a recorder with its own registry, summaries and upkeep thread would be more to understand than this file.
//!
//! Invariants: labels are routes as the router writes them, methods, statuses, kinds and outcomes, so that series are
//! few and nothing that a client sent becomes one; nothing here names an organization, a person or a model.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of durations, seconds: of answers that wait for nobody up to audits that take their five minutes.
const BOUNDS_S: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// The counters of a process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(String, String, u16), u64>>,
    request_seconds: Mutex<BTreeMap<String, Histogram>>,
    attempts: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    attempt_seconds: Mutex<BTreeMap<&'static str, Histogram>>,
    interactions: Mutex<BTreeMap<&'static str, u64>>,
}

/// Durations, counted by bucket.
#[derive(Debug, Clone, Default)]
struct Histogram {
    /// How many lay at or below each bound and above the one before.
    buckets: [u64; BOUNDS_S.len()],
    count: u64,
    sum_s: f64,
}

impl Histogram {
    fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        if let Some(bucket) = BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            self.buckets[bucket] += 1;
        }
        self.count += 1;
        self.sum_s += seconds;
    }
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = match method {
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
            _ => "OTHER",
        };
        *lock(&self.requests).entry((route.to_owned(), method.to_owned(), status)).or_default() += 1;
        lock(&self.request_seconds).entry(route.to_owned()).or_default().observe(took);
    }

    /// Counts an ended attempt of a job.
    pub(crate) fn attempt(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        *lock(&self.attempts).entry((kind, outcome)).or_default() += 1;
        lock(&self.attempt_seconds).entry(kind).or_default().observe(took);
    }

    /// Counts audits of interactions that ended.
    pub(crate) fn interactions(&self, outcome: &'static str, count: u64) {
        *lock(&self.interactions).entry(outcome).or_default() += count;
    }

    /// Writes the counters.
    pub(crate) fn write(&self, page: &mut Page) {
        page.family("assize_http_requests_total", "counter", "Requests answered.");
        for ((route, method, status), count) in lock(&self.requests).iter() {
            let status = status.to_string();
            page.sample("", &[("route", route), ("method", method), ("status", &status)], *count as f64);
        }
        page.family("assize_http_request_duration_seconds", "histogram", "Time from a request's head to its answer's.");
        for (route, histogram) in lock(&self.request_seconds).iter() {
            page.histogram(("route", route), histogram);
        }
        page.family("assize_job_attempts_total", "counter", "Attempts of jobs that ended in this process.");
        for ((kind, outcome), count) in lock(&self.attempts).iter() {
            page.sample("", &[("kind", kind), ("outcome", outcome)], *count as f64);
        }
        page.family("assize_job_attempt_duration_seconds", "histogram", "Time from a claim to the attempt's end.");
        for (kind, histogram) in lock(&self.attempt_seconds).iter() {
            page.histogram(("kind", kind), histogram);
        }
        page.family("assize_interaction_audits_total", "counter", "Audits of interactions that ended in this process.");
        for (outcome, count) in lock(&self.interactions).iter() {
            page.sample("", &[("outcome", outcome)], *count as f64);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text while it is written.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
    family: &'static str,
}

impl Page {
    /// Begins a family of samples.
    pub(crate) fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, name: &'static str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample("", &[], value);
    }

    /// A sample of the family that was begun last.
    pub(crate) fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let family = self.family;
        self.line(format_args!("{family}{suffix}{labels} {value}"));
    }

    fn histogram(&mut self, label: (&str, &str), histogram: &Histogram) {
        let mut below = 0;
        for (bound, count) in BOUNDS_S.iter().zip(histogram.buckets) {
            below += count;
            self.sample("_bucket", &[label, ("le", &bound.to_string())], below as f64);
        }
        self.sample("_bucket", &[label, ("le", "+Inf")], histogram.count as f64);
        self.sample("_sum", &[label], histogram.sum_s);
        self.sample("_count", &[label], histogram.count as f64);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to a String cannot fail");
    }

    /// The whole text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What the operating system knows about this process, under the names that all Prometheus clients use. What cannot be
/// read is left out.
pub(crate) fn write_process(page: &mut Page, started_at: jiff::Timestamp) {
    let start = started_at.as_millisecond() as f64 / 1_000.0;
    page.single("process_start_time_seconds", "gauge", "When the process started, seconds since 1970.", start);
    if let Some(bytes) = resident_bytes() {
        page.single("process_resident_memory_bytes", "gauge", "Memory in use.", bytes);
    }
    if let Some(seconds) = cpu_seconds() {
        page.single("process_cpu_seconds_total", "counter", "CPU time, user and system.", seconds);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        page.single("process_open_fds", "gauge", "Open file descriptors.", files.count() as f64);
    }
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1_024.0)
}

/// Linux counts in hundredths of a second towards programs, whatever its own clock does (`USER_HZ`, proc(5)).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in brackets and may hold blanks; user and system time are fields 14 and 15 of all.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_histograms_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.request("GET", "/verify/{id}", 200, Duration::from_millis(7));
        metrics.request("GET", "/verify/{id}", 200, Duration::from_secs(400));
        metrics.request("BREW", "unmatched", 404, Duration::ZERO);
        let mut page = Page::default();
        metrics.write(&mut page);
        let text = page.into_text();
        for line in [
            "# TYPE assize_http_requests_total counter",
            "assize_http_requests_total{route=\"/verify/{id}\",method=\"GET\",status=\"200\"} 2",
            "assize_http_requests_total{route=\"unmatched\",method=\"OTHER\",status=\"404\"} 1",
            "assize_http_request_duration_seconds_bucket{route=\"/verify/{id}\",le=\"0.005\"} 0",
            "assize_http_request_duration_seconds_bucket{route=\"/verify/{id}\",le=\"0.01\"} 1",
            "assize_http_request_duration_seconds_bucket{route=\"/verify/{id}\",le=\"300\"} 1",
            "assize_http_request_duration_seconds_bucket{route=\"/verify/{id}\",le=\"+Inf\"} 2",
            "assize_http_request_duration_seconds_sum{route=\"/verify/{id}\"} 400.007",
            "assize_http_request_duration_seconds_count{route=\"/verify/{id}\"} 2",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn labels_cannot_break_out_of_their_quotes() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }

    #[test]
    fn the_operating_system_knows_this_process() {
        assert!(resident_bytes().unwrap() > 1e6);
        assert!(cpu_seconds().unwrap() >= 0.0);
    }
}
