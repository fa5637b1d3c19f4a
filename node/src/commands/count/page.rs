//! A count as a page for a browser, which needs nothing else: no script, no other file, no network.
//!
//! What nodes say of themselves is text in it and never markup, and a policy in its head has the browser load
//! nothing, whatever is in it.

use std::fmt::Write;

use super::heat_map::minute;
use super::shade::Shade;
use super::table::{counted, span_words, verdict};
use crate::census::Report;
use crate::census::report::{BucketReport, CellReport, MissingReport, NodeReport};
use crate::commands::query::text::escaped;
use crate::sync::report::grouped;

const STYLE: &str = include_str!("page.css");

/// Most cells of a line of the heat map; more buckets than that share them.
const CELLS: usize = 240;

/// The page, made at `now`, in nanoseconds since 1970.
pub(super) fn page(report: &Report, now: u64) -> String {
    let mut out = String::new();
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<title>Where nodes differ</title>\n<style>\n",
    );
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n<main>\n");
    out.push_str(&head(report, now));
    out.push_str(&nodes(report));
    out.push_str(&heat_map(report));
    out.push_str(&figures(report));
    out.push_str(&missing(report));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// A text of a node's or a user's as text of the page.
fn text(told: &str) -> String {
    let mut safe = String::with_capacity(told.len());
    for character in escaped(told).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            character => safe.push(character),
        }
    }
    safe
}

fn head(report: &Report, now: u64) -> String {
    let mark = match report.code() {
        0 => "good",
        3 => "bad",
        _ if report.equal => "warn",
        _ => "bad",
    };
    let topics: Vec<String> = report
        .pubsub_topic
        .iter()
        .chain(&report.content_topics)
        .map(|topic| format!("<code>{}</code>", text(topic)))
        .collect();
    let topics = match topics.as_slice() {
        [] => String::new(),
        topics => format!("<p class=\"topics\">Only {}</p>\n", topics.join(" ")),
    };
    let found = verdict(report).replace(": --json and --html name them", "");
    format!(
        "<header>\n<h1>Where nodes differ</h1>\n\
         <p>{} from {} to {} UTC, by {}</p>\n{topics}\
         <p class=\"soft\">Counted {} UTC, in {:.1} s</p>\n</header>\n\
         <p class=\"verdict {mark}\" role=\"status\">{}</p>\n",
        counted(report.messages, "message"),
        minute(report.since),
        minute(report.until),
        span_words(report.bucket_seconds),
        minute(now),
        report.seconds,
        text(&found)
    )
}

fn nodes(report: &Report) -> String {
    let mut out = String::from(
        "<section aria-labelledby=\"nodes\">\n<h2 id=\"nodes\">Nodes</h2>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"nodes\"><table>\n\
         <thead><tr><th scope=\"col\">Node</th>\
         <th scope=\"col\" class=\"figure\">Messages</th><th scope=\"col\" class=\"figure\">Missing</th>\
         <th scope=\"col\" class=\"figure\">Not sure</th><th scope=\"col\">Counted by</th></tr></thead>\n<tbody>\n",
    );
    report
        .nodes
        .iter()
        .for_each(|node| out.push_str(&node_row(node)));
    out.push_str("</tbody>\n</table></div>\n");
    out.push_str(&notes(report));
    out.push_str("</section>\n");
    out
}

fn node_row(node: &NodeReport) -> String {
    let figure = |figure: u64| match node.has_answered() {
        true => grouped(figure),
        false => "?".to_owned(),
    };
    let agent = match node.agent.as_str() {
        "" => String::new(),
        agent => format!("<small>{}</small>", text(agent)),
    };
    format!(
        "<tr><th scope=\"row\">{}<small class=\"address\">{}</small>{agent}</th>\
         <td class=\"figure\">{}</td><td class=\"figure\">{}</td><td class=\"figure\">{}</td>\
         <td>{}</td></tr>\n",
        text(&node.name),
        text(&node.address),
        figure(node.messages),
        figure(node.missing),
        figure(node.unsure),
        node.by.unwrap_or_else(|| node.state.words()),
    )
}

/// What else is to be said of nodes, in words.
fn notes(report: &Report) -> String {
    let told = report.nodes.iter().flat_map(|node| {
        let remarks = node.remarks(report.since);
        remarks.map(|remark| format!("<li>{}: {}</li>\n", text(&node.name), text(&remark)))
    });
    let told: String = told.collect();
    match told.as_str() {
        "" => told,
        told => format!("<ul class=\"notes\">\n{told}</ul>\n"),
    }
}

/// The picture, for eyes alone: the figures below say the same and more.
fn heat_map(report: &Report) -> String {
    let together = report.buckets.len().div_ceil(CELLS).max(1);
    let mut out = String::from(
        "<section aria-labelledby=\"map\">\n<h2 id=\"map\">What is missing when</h2>\n\
         <div class=\"map\" aria-hidden=\"true\">\n",
    );
    for (number, node) in report.nodes.iter().enumerate() {
        let _ = write!(
            out,
            "<span>{}</span><div class=\"strip\">",
            text(&node.name)
        );
        for buckets in report.buckets.chunks(together) {
            out.push_str(&strip_cell(buckets, number));
        }
        out.push_str("</div>\n");
    }
    let _ = write!(
        out,
        "<span></span><div class=\"ends\"><span>{}</span><span>{} UTC</span></div>\n</div>\n\
         <ul class=\"legend\" aria-hidden=\"true\">",
        minute(report.since),
        minute(report.until)
    );
    for shade in Shade::in_use(&report.buckets, together) {
        let _ = write!(
            out,
            "<li><i class=\"{}\"></i>{}</li>",
            class(shade),
            shade.words()
        );
    }
    out.push_str("</ul>\n</section>\n");
    out
}

fn strip_cell(buckets: &[BucketReport], node: usize) -> String {
    let start = buckets.first().map_or(0, |bucket| bucket.start);
    let sum = |of: fn(CellReport) -> u64| -> Option<u64> {
        let cells = buckets.iter().map(|bucket| bucket.nodes.get(node));
        cells.map(|cell| cell.copied().flatten().map(of)).sum()
    };
    let told = (sum(|cell| cell.missing), sum(|cell| cell.unsure));
    let missing = match told {
        (Some(0), Some(0)) => "nothing missing".to_owned(),
        (Some(count), Some(0)) => format!("{} missing", grouped(count)),
        (Some(0), Some(unsure)) => format!("{} not sure", grouped(unsure)),
        (Some(count), Some(unsure)) => {
            format!("{} missing, {} not sure", grouped(count), grouped(unsure))
        }
        _ => "no answer".to_owned(),
    };
    let shade = class(Shade::of_buckets(buckets, node));
    format!(
        "<i class=\"{shade}\" title=\"{}: {missing}\"></i>",
        minute(start)
    )
}

fn figures(report: &Report) -> String {
    let mut out = String::from(
        "<section aria-labelledby=\"figures\">\n<h2 id=\"figures\">Messages by time and node</h2>\n\
         <p class=\"soft\" id=\"about-figures\">Times in UTC. −2: two messages are missing. Spans without \
         messages are left out.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-labelledby=\"figures\"><table aria-describedby=\"about-figures\">\n\
         <thead><tr><th scope=\"col\" class=\"stays\">From</th><th scope=\"col\" class=\"figure\">In all</th>",
    );
    for node in &report.nodes {
        let _ = write!(
            out,
            "<th scope=\"col\" class=\"figure\">{}</th>",
            text(&node.name)
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for bucket in report.buckets.iter().filter(|bucket| bucket.messages > 0) {
        let _ = write!(
            out,
            "<tr><th scope=\"row\" class=\"stays time\">{}</th><td class=\"figure\">{}</td>",
            with_year_apart(bucket.start),
            grouped(bucket.messages)
        );
        for cell in &bucket.nodes {
            out.push_str(&figure_cell(bucket.messages, *cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
    out
}

/// A time whose year can be left out where there is no room.
fn with_year_apart(time: u64) -> String {
    let text = minute(time);
    match text.split_at_checked(5) {
        Some((year, rest)) if year.ends_with('-') => {
            format!("<span class=\"year\">{year}</span>{rest}")
        }
        _ => text,
    }
}

fn figure_cell(messages: u64, cell: Option<CellReport>) -> String {
    let shade = class(Shade::of(messages, cell));
    let Some(cell) = cell else {
        return format!("<td class=\"figure {shade}\">no answer</td>");
    };
    let mut told = grouped(cell.messages);
    let mut add = |sign: &str, count: u64, words: &str| {
        if count > 0 {
            let count = grouped(count);
            // Signs for eyes, words for ears.
            let _ = write!(
                told,
                " <b aria-hidden=\"true\">{sign}{count}</b><span class=\"heard\">, {count} {words}</span>"
            );
        }
    };
    add("−", cell.missing, "missing");
    add("?", cell.unsure, "not sure");
    format!("<td class=\"figure {shade}\">{told}</td>")
}

fn missing(report: &Report) -> String {
    if report.missing.is_empty() {
        return String::new();
    }
    let named = report.missing.len() as u64;
    let named = if named < report.missing_messages {
        format!(
            "The first {} of {}. `wakustore count` with less time names others.",
            grouped(named),
            grouped(report.missing_messages)
        )
    } else {
        "All of them.".to_owned()
    };
    let mut out = format!(
        "<section aria-labelledby=\"missing\">\n<h2 id=\"missing\">Missing messages</h2>\n\
         <p class=\"soft\" id=\"about-missing\">{named}</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-labelledby=\"missing\"><table aria-describedby=\"about-missing\">\n<thead><tr><th scope=\"col\">Hash</th><th scope=\"col\">From</th>\
         <th scope=\"col\">Missing at</th><th scope=\"col\">Held by</th></tr></thead>\n<tbody>\n"
    );
    report
        .missing
        .iter()
        .for_each(|missing| out.push_str(&missing_row(missing)));
    out.push_str("</tbody>\n</table></div>\n</section>\n");
    out
}

fn missing_row(missing: &MissingReport) -> String {
    let sure = missing.missing_at.iter().map(|name| text(name));
    let unsure = missing
        .unsure_at
        .iter()
        .map(|name| format!("{} (not sure)", text(name)));
    let at: Vec<String> = sure.chain(unsure).collect();
    let held: Vec<String> = missing.held_by.iter().map(|name| text(name)).collect();
    format!(
        "<tr><td class=\"hash\"><code>{}</code></td><td class=\"time\">{}</td><td>{}</td><td>{}</td></tr>\n",
        text(&missing.hash),
        minute(missing.bucket),
        at.join("<br>"),
        held.join("<br>")
    )
}

const fn class(shade: Shade) -> &'static str {
    match shade {
        Shade::Empty => "empty",
        Shade::Whole => "whole",
        Shade::Little => "little",
        Shade::Some => "some",
        Shade::Much => "much",
        Shade::Most => "most",
        Shade::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::{nobody, three_nodes};

    const NOW: u64 = 1_700_010_000_000_000_000;

    #[test]
    fn what_nodes_say_is_text_and_never_markup() {
        let report = three_nodes();
        let page = page(&report, NOW);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("&lt;/td&gt;&lt;img src=x onerror=alert(1)&gt;"));
        assert!(page.contains("/app/1/&lt;b&gt;chat&lt;/b&gt;/proto"));
        for markup in [
            "<script",
            "<img",
            "<b>chat",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert_eq!(
            text("\u{202e}\u{1b}\"'&"),
            r"\u{202e}\u{1b}&quot;&#39;&amp;"
        );
    }

    #[test]
    fn figures_and_hashes_stand_in_tables() {
        let page = page(&three_nodes(), NOW);
        assert!(page.contains(&format!("<code>0x{}</code>", "04".repeat(32))));
        let lacking = "<td class=\"figure most\">1 <b aria-hidden=\"true\">−1</b>\
                       <span class=\"heard\">, 1 missing</span></td>";
        assert!(page.contains(lacking), "{page}");
        assert!(page.contains("<td class=\"figure unknown\">no answer</td>"));
        assert!(page.contains("<span class=\"year\">2023-</span>11-14 23:00</th>"));
        assert!(page.contains("class=\"verdict bad\""));
    }

    #[test]
    fn what_is_not_sure_is_not_called_to_be_there() {
        let mut report = three_nodes();
        let title = |report: &Report| {
            let cell = strip_cell(&report.buckets[1..2], 0);
            cell.split('"').nth(3).unwrap().to_owned()
        };
        assert_eq!(title(&report), "2023-11-14 23:00: 1 missing");
        let cell = report.buckets[1].nodes[0].as_mut().unwrap();
        cell.unsure = 2;
        assert_eq!(title(&report), "2023-11-14 23:00: 1 missing, 2 not sure");
        report.buckets[1].nodes[0].as_mut().unwrap().missing = 0;
        assert_eq!(title(&report), "2023-11-14 23:00: 2 not sure");
        assert!(strip_cell(&report.buckets[1..2], 0).contains("unknown"));
        report.buckets[1].nodes[0].as_mut().unwrap().unsure = 0;
        assert_eq!(title(&report), "2023-11-14 23:00: nothing missing");
    }

    #[test]
    fn every_element_is_closed() {
        for report in [three_nodes(), nobody()] {
            let page = page(&report, NOW);
            for name in [
                "table", "tr", "td", "th", "section", "div", "i", "b", "small", "span",
            ] {
                let opened = page.matches(&format!("<{name}>")).count()
                    + page.matches(&format!("<{name} ")).count();
                let closed = page.matches(&format!("</{name}>")).count();
                assert_eq!(opened, closed, "{name}");
            }
        }
    }
}
