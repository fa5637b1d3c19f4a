//! A page as Prometheus reads it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before the page is asked for again.
const LOOK: Duration = Duration::from_millis(50);

/// Samples by their name and labels, as they stand on the page; and families by name.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) samples: BTreeMap<String, f64>,
    /// Kind and help.
    pub(crate) families: BTreeMap<String, (String, String)>,
}

impl Page {
    pub(crate) async fn of(server: SocketAddr) -> Self {
        let (status, page) = get(server, "/metrics").await;
        assert_eq!(status, 200, "{page}");
        Self::read(&page)
    }

    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut help = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                help = rest.split_once(' ').unwrap().1.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                let entry = (kind.to_owned(), std::mem::take(&mut help));
                let before = page.families.insert(name.to_owned(), entry);
                assert!(before.is_none(), "{name} is there twice");
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let before = page
                    .samples
                    .insert(sample.to_owned(), value.parse().unwrap());
                assert!(before.is_none(), "{sample} is there twice");
            }
        }
        page
    }

    /// The value of a sample, with its labels as they stand on the page.
    pub(crate) fn value(&self, sample: &str) -> f64 {
        let value = self.samples.get(sample);
        *value.unwrap_or_else(|| panic!("no {sample} in {:#?}", self.samples))
    }

    /// The sum over all samples of a name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let of_name = self.of_name(name);
        of_name.map(|(_, value)| value).sum()
    }

    /// All samples of a name.
    pub(crate) fn of_name<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        let samples = self.samples.iter();
        samples.filter_map(move |(sample, value)| {
            let found = sample.split('{').next() == Some(name);
            found.then_some((sample.as_str(), *value))
        })
    }

    /// Whether the page has such a metric, by the name that a query gives it.
    pub(crate) fn has(&self, name: &str) -> bool {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .filter(|family| {
                let kind = self.families.get(*family);
                kind.is_some_and(|(kind, _)| kind == "histogram")
            });
        self.families.contains_key(family.unwrap_or(name))
    }
}

/// Waits until the page is as `expected` says.
pub(crate) async fn page_with(server: SocketAddr, expected: impl Fn(&Page) -> bool) -> Page {
    let until = Instant::now() + PATIENCE;
    loop {
        let page = Page::of(server).await;
        if expected(&page) {
            return page;
        }
        assert!(Instant::now() < until, "the page stays {page:#?}");
        sleep(LOOK).await;
    }
}

/// A call, with its status and body.
pub(crate) async fn get(server: SocketAddr, path: &str) -> (u16, String) {
    let exchange = async {
        let mut stream = TcpStream::connect(server).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    };
    timeout(PATIENCE, exchange).await.unwrap()
}
