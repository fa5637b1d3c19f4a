//! The parameters of a query, in nwaku's grammar: everything is optional, and an empty value is none.

use libp2p::Multiaddr;
use store_adapter::limits::{STORE_PAGE_DEFAULT, STORE_PAGE_MAX};
use store_adapter::store::StoreQueryRequest;
use sync_core::Id;
use utoipa::IntoParams;

use crate::config::truth;
use crate::rest::parameters::Parameters;
use crate::rest::peer_address;

/// Digits of a hash in hexadecimal.
const HASH_DIGITS: usize = 64;

/// A query, as its parameters have it.
#[derive(IntoParams, Default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the parameters, which `parse` reads one by one"
)]
pub(super) struct StoreParams {
    /// The multiaddress of the node to ask, with its peer id: /ip4/127.0.0.1/tcp/60001/p2p/16Uiu2HAm...
    #[param(required = false, format = "multiaddr")]
    peer_addr: String,
    /// Whether messages are asked for, and not their hashes alone; false by default.
    #[param(
        required = false,
        pattern = "^([yY]|[yY][eE][sS]|[tT][rR][uU][eE]|1|[oO][nN]|[nN]|[nN][oO]|[fF][aA][lL][sS][eE]|0|[oO][fF][fF]|)$",
        example = "true"
    )]
    include_data: String,
    /// Messages published on this topic only.
    #[param(required = false, example = "/waku/2/rs/1/0")]
    pubsub_topic: String,
    /// Messages of these content topics only, separated by commas.
    #[param(required = false, example = "/app/1/chat/proto,/app/1/news/proto")]
    content_topics: String,
    /// Not before this time, in nanoseconds since 1970; unset unless greater than 0.
    #[param(
        required = false,
        pattern = "^([+-]?[0-9]+)?$",
        example = "1700000000000000000"
    )]
    start_time: String,
    /// Not after this time, in nanoseconds since 1970; unset unless greater than 0.
    #[param(
        required = false,
        pattern = "^([+-]?[0-9]+)?$",
        example = "1800000000000000000"
    )]
    end_time: String,
    /// Messages of these hashes only, 0x and 64 hexadecimal digits each, separated by commas; not together with content topics or times.
    #[param(
        required = false,
        format = "waku-message-hashes",
        pattern = "^((0[xX])?[0-9a-fA-F]{64}(,(0[xX])?[0-9a-fA-F]{64})*)?$"
    )]
    hashes: String,
    /// The `paginationCursor` of the page before, or the hash of any message that is held.
    #[param(
        required = false,
        format = "waku-message-hash",
        pattern = "^((0[xX])?[0-9a-fA-F]{64})?$"
    )]
    cursor: String,
    /// Whether pages go from the oldest to the newest message; true by default.
    #[param(
        required = false,
        pattern = "^([yY]|[yY][eE][sS]|[tT][rR][uU][eE]|1|[oO][nN]|[nN]|[nN][oO]|[fF][aA][lL][sS][eE]|0|[oO][fF][fF]|)$",
        example = "false"
    )]
    ascending: String,
    /// Most messages in the page; 20 by default, and never more than 100.
    #[param(required = false, pattern = "^(\\+?[0-9]+)?$", example = "50")]
    page_size: String,
}

/// Whom is asked for what.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: StoreQueryRequest,
    pub(super) peer: Option<Multiaddr>,
}

/// Reads parameters, each of which may be given once; those that aren't known are passed over, as nwaku
/// does. What is wrong with one is said in nwaku's words, as far as it has some.
pub(super) fn parse(parameters: Vec<(String, String)>) -> Result<Asked, String> {
    let parameters = Parameters::once(parameters, &NAMES)?;
    let request = StoreQueryRequest {
        request_id: hex::encode(rand::random::<[u8; 16]>()),
        include_data: parameters
            .flag("includeData", "include data")?
            .unwrap_or(false),
        pubsub_topic: parameters.text("pubsubTopic").map(str::to_owned),
        content_topics: parameters
            .list("contentTopics")
            .map(str::to_owned)
            .collect(),
        time_start: parameters.time("startTime")?,
        time_end: parameters.time("endTime")?,
        message_hashes: parameters
            .list("hashes")
            .map(hash)
            .collect::<Result<_, _>>()?,
        pagination_cursor: parameters.text("cursor").map(hash).transpose()?,
        pagination_forward: parameters.flag("ascending", "ascending")?.unwrap_or(true),
        pagination_limit: Some(parameters.page_size()?),
    };
    let peer = parameters.text("peerAddr").map(peer_address::parse);
    let peer = peer
        .transpose()
        .map_err(|error| format!("Failed parsing remote peer info: {error}"))?;
    Ok(Asked { request, peer })
}

const NAMES: [&str; 10] = [
    "peerAddr",
    "includeData",
    "pubsubTopic",
    "contentTopics",
    "startTime",
    "endTime",
    "hashes",
    "cursor",
    "ascending",
    "pageSize",
];

impl Parameters {
    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let parts = self.text(name).into_iter().flat_map(|text| text.split(','));
        parts.filter(|part| !part.is_empty())
    }

    fn flag(&self, name: &str, words: &str) -> Result<Option<bool>, String> {
        let read = |text: &str| {
            truth(text).ok_or_else(|| {
                format!(
                    "{words} parsing error: cannot interpret as a bool: {text}; expected true or false"
                )
            })
        };
        self.text(name).map(read).transpose()
    }

    /// A time is unset unless it is greater than 0. What doesn't fit 64 bits lies further away than any
    /// message.
    fn time(&self, name: &str) -> Result<Option<i64>, String> {
        let read = |text: &str| {
            integer(text).ok_or_else(|| {
                format!(
                    "time parsing error: invalid integer: {text}; expected nanoseconds since 1970 in \
                     `{name}`"
                )
            })
        };
        let time = self.text(name).map(read).transpose()?;
        Ok(time.filter(|time| *time > 0))
    }

    fn page_size(&self) -> Result<u64, String> {
        let Some(text) = self.text("pageSize") else {
            return Ok(STORE_PAGE_DEFAULT as u64);
        };
        let size = integer(text).filter(|size| *size >= 0 && !text.starts_with('-'));
        let size = size.ok_or_else(|| {
            format!(
                "page size parsing error: invalid integer: {text}; expected 1 to {STORE_PAGE_MAX}, or 0 for \
                 {STORE_PAGE_DEFAULT}"
            )
        })?;
        Ok(size.unsigned_abs())
    }
}

/// A decimal number; the nearest of 64 bits if it doesn't fit those.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let beyond = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(text.parse().unwrap_or(beyond))
}

/// A hash, in hexadecimal with or without 0x before it.
fn hash(text: &str) -> Result<Vec<u8>, String> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    if let Some(other) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(format!(
            "Exception converting hex string to bytes: {other} is not a hexadecimal character"
        ));
    }
    let bytes = hex::decode(digits)
        .ok()
        .filter(|_| digits.len() == HASH_DIGITS);
    bytes.ok_or_else(|| {
        format!(
            "waku message hash parsing error: invalid hash length: {}; expected {} bytes, {HASH_DIGITS} \
             hexadecimal digits, got {}",
            digits.len() / 2,
            size_of::<Id>(),
            digits.len()
        )
    })
}
