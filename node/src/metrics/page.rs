//! The page, in the text format of Prometheus.

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::collector::Named;
use super::{Prefix, Sources, figures};

/// Everything that there is to tell now: what libp2p has registered, and this program's own.
///
/// # Errors
/// When it can't be written, which only happens if there is no memory.
pub(super) fn page(
    libp2p: &Registry,
    node: Option<&Sources>,
    prefix: Prefix,
) -> Result<String, std::fmt::Error> {
    let figures = figures::of(node);
    let mut own = Registry::default();
    own.register_collector(Box::new(Named { figures, prefix }));
    let mut encoded = String::new();
    text::encode_registry(&mut encoded, &own)?;
    text::encode_registry(&mut encoded, libp2p)?;
    Ok(plain(&encoded))
}

/// The text format 0.0.4 of what is in OpenMetrics, which has counters by the names of their families, and
/// units. All scrapers read it, and people need no other.
pub(crate) fn plain(open_metrics: &str) -> String {
    let mut page = String::with_capacity(open_metrics.len());
    // The help comes before the type, which says whether its name ends in `_total`.
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if let Some((name, text)) = described(line, "# HELP ") {
            help = Some((name, text));
        } else if let Some((name, kind)) = described(line, "# TYPE ") {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            let text = help.take().map_or("", |(_, text)| text);
            // Those of libp2p may have none.
            let text = if text.trim().is_empty() { name } else { text };
            page.push_str(&format!("# HELP {name}{suffix} {text}\n"));
            page.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            // A sample without labels has empty braces there.
            match line
                .split_once("{} ")
                .filter(|(name, _)| !name.contains('{'))
            {
                Some((name, value)) => page.push_str(&format!("{name} {value}\n")),
                None => page.push_str(&format!("{line}\n")),
            }
        }
    }
    page
}

fn described<'a>(line: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let rest = line.strip_prefix(mark)?;
    Some(rest.split_once(' ').unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_one_name_and_units_are_left_out() {
        let open = "# HELP a_seconds Text.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
                    a_seconds_total{x=\"y\"} 1.0\n# HELP b_g \n# TYPE b_g gauge\nb_g{} 2\n# EOF\n";
        assert_eq!(
            plain(open),
            "# HELP a_seconds_total Text.\n# TYPE a_seconds_total counter\n\
             a_seconds_total{x=\"y\"} 1.0\n# HELP b_g b_g\n# TYPE b_g gauge\nb_g 2\n"
        );
    }

    #[test]
    fn before_the_node_runs_the_page_tells_so() {
        let page = page(&Registry::default(), None, Prefix::default()).unwrap();
        let line = "logos_delivery_node_health{status=\"INITIALIZING\"} 1.0\n";
        assert!(page.contains(line), "{page}");
    }
}
