//! A response, checked: what a client may rely on.

use std::sync::Arc;

use prost::Message;
use prost::encoding::{self, DecodeContext};
use sync_core::Id;

use super::wire::{StoreQueryResponse, StoredMessage, status};
use crate::limits::{STORE_RESPONSE_BYTES, STORE_RESPONSE_MESSAGES, STORE_WORDS_BYTES};
use crate::message::WakuMessage;

/// Tag of the messages in a response.
const MESSAGES: u32 = 20;

/// A page that a server gave. Whether messages are those of their hashes isn't checked here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StoreAnswer {
    /// The messages, in the server's order.
    pub entries: Vec<StoreEntry>,
    /// Where the next page begins; `None` on the last one.
    pub cursor: Option<Id>,
}

/// A message of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreEntry {
    /// Its hash, as the server says.
    pub hash: Id,
    /// Pubsub topic and message, if the server gave both.
    pub content: Option<(Arc<str>, WakuMessage)>,
}

impl StoreAnswer {
    /// Reads the response to the request of this id, without the stream's length prefix.
    ///
    /// # Errors
    /// When it is too long, isn't of the format, answers another request, or isn't a success.
    pub fn decode(response: &[u8], request_id: &str) -> Result<Self, StoreAnswerError> {
        let response = read_response(response)?;
        // A search that ended at the server's bound without a match: a page of nothing, not the last.
        let goes_on = response.status_code == status::SERVICE_UNAVAILABLE
            && response.pagination_cursor.is_some()
            && response.messages.is_empty();
        // First the status: a server that hasn't read the request can't know its id.
        if response.status_code != status::OK && !goes_on {
            return Err(StoreAnswerError::Status {
                code: response.status_code,
                description: shortened(response.status_desc),
            });
        }
        if response.request_id != request_id {
            return Err(StoreAnswerError::OtherRequest {
                expected: request_id.into(),
                got: shortened(response.request_id),
            });
        }
        let messages = response.messages.into_iter();
        Ok(Self {
            entries: messages.map(entry_of).collect::<Result<_, _>>()?,
            cursor: response.pagination_cursor.map(id_of).transpose()?,
        })
    }
}

/// Reads a response as it stands, whatever its status, without the stream's length prefix.
///
/// # Errors
/// When it is too long, has too many messages, or isn't of the format.
pub fn read_response(response: &[u8]) -> Result<StoreQueryResponse, StoreAnswerError> {
    check_extent(response)?;
    Ok(StoreQueryResponse::decode(response)?)
}

/// Bounds what decoding may allocate: a message of two bytes takes a hundred times that in memory.
fn check_extent(response: &[u8]) -> Result<(), StoreAnswerError> {
    if response.len() > STORE_RESPONSE_BYTES {
        return Err(StoreAnswerError::TooLong {
            bytes: response.len(),
        });
    }
    let (mut rest, mut messages) = (response, 0);
    while !rest.is_empty() {
        let (tag, wire_type) = encoding::decode_key(&mut rest)?;
        encoding::skip_field(wire_type, tag, &mut rest, DecodeContext::default())?;
        messages += usize::from(tag == MESSAGES);
        if messages > STORE_RESPONSE_MESSAGES {
            return Err(StoreAnswerError::TooMany);
        }
    }
    Ok(())
}

/// A server's words, short enough for a log.
fn shortened(mut words: String) -> String {
    words.truncate(words.floor_char_boundary(STORE_WORDS_BYTES));
    words
}

fn entry_of(stored: StoredMessage) -> Result<StoreEntry, StoreAnswerError> {
    let topic = stored.pubsub_topic.map(Arc::from);
    Ok(StoreEntry {
        hash: id_of(stored.message_hash.unwrap_or_default())?,
        content: topic.zip(stored.message),
    })
}

fn id_of(bytes: Vec<u8>) -> Result<Id, StoreAnswerError> {
    let id = bytes.as_slice().try_into().map(Id);
    id.map_err(|_| StoreAnswerError::HashLength { bytes: bytes.len() })
}

/// Why a response gives no page.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreAnswerError {
    /// It is too long.
    #[error("expected a store response of at most {STORE_RESPONSE_BYTES} bytes, got {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It has too many messages.
    #[error("expected at most {STORE_RESPONSE_MESSAGES} messages in a store response, got more")]
    TooMany,
    /// It isn't of the format.
    #[error("expected a store response: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// The server couldn't or wouldn't answer.
    #[error("the store answered {code}: {description}")]
    Status {
        /// One of [`status`].
        code: u32,
        /// In the server's words, cut to [`STORE_WORDS_BYTES`].
        description: String,
    },
    /// It is the answer to something else.
    #[error("expected the response to request {expected:?}, got one to {got:?}")]
    OtherRequest {
        /// The request's id.
        expected: String,
        /// The response's, cut to [`STORE_WORDS_BYTES`].
        got: String,
    },
    /// A hash or the cursor hasn't 32 bytes.
    #[error("expected hashes of 32 bytes in a store response, got one of {bytes}")]
    HashLength {
        /// Its length.
        bytes: usize,
    },
}

impl StoreAnswerError {
    /// Whether the server doesn't know the cursor of the request.
    #[must_use]
    pub fn is_unknown_cursor(&self) -> bool {
        matches!(
            self,
            Self::Status { code: status::BAD_RESPONSE, description }
                if description.contains("cursor not found")
        )
    }

    /// Whether the server doesn't take such a request.
    #[must_use]
    pub const fn is_bad_request(&self) -> bool {
        matches!(
            self,
            Self::Status {
                code: status::BAD_REQUEST,
                ..
            }
        )
    }

    /// Whether the server asks to be asked less often.
    #[must_use]
    pub const fn is_rate_limit(&self) -> bool {
        matches!(
            self,
            Self::Status {
                code: status::TOO_MANY_REQUESTS,
                ..
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::too_many_requests;

    fn response() -> StoreQueryResponse {
        StoreQueryResponse {
            request_id: "r".into(),
            status_code: 200,
            status_desc: "OK".into(),
            ..StoreQueryResponse::default()
        }
    }

    fn decode(response: &StoreQueryResponse) -> Result<StoreAnswer, StoreAnswerError> {
        StoreAnswer::decode(&response.encode_to_vec(), "r")
    }

    fn bare(hash: Vec<u8>) -> StoredMessage {
        StoredMessage {
            message_hash: Some(hash),
            ..StoredMessage::default()
        }
    }

    #[test]
    fn only_200_is_success() {
        assert_eq!(decode(&response()), Ok(StoreAnswer::default()));
        for code in [0, 199, 201, 300, 400, 429, 503] {
            let mut refused = response();
            refused.status_code = code;
            refused.messages = vec![bare(vec![1; 32])];
            let error = decode(&refused).unwrap_err();
            assert!(matches!(&error, StoreAnswerError::Status { code: got, .. } if *got == code));
            assert_eq!(error.is_rate_limit(), code == 429);
        }
        let refused = StoreAnswer::decode(&too_many_requests(), "r").unwrap_err();
        assert!(refused.is_rate_limit());
    }

    #[test]
    fn a_search_that_goes_on_is_an_empty_page() {
        let mut unfinished = response();
        unfinished.status_code = status::SERVICE_UNAVAILABLE;
        assert!(decode(&unfinished).is_err());
        unfinished.pagination_cursor = Some(vec![1; 32]);
        let expected = StoreAnswer {
            entries: Vec::new(),
            cursor: Some(Id([1; 32])),
        };
        assert_eq!(decode(&unfinished), Ok(expected));
    }

    #[test]
    fn a_server_s_words_are_cut_to_what_a_log_takes() {
        let words = "ö".repeat(STORE_WORDS_BYTES);
        let mut refused = response();
        refused.status_code = 300;
        refused.status_desc = format!("cursor not found {words}");
        let refused = decode(&refused).unwrap_err();
        assert!(refused.is_unknown_cursor());
        let mut other = response();
        other.request_id = words;
        for error in [refused, decode(&other).unwrap_err()] {
            let shown = format!("{error} {error:?}");
            assert!(shown.len() < 3 * STORE_WORDS_BYTES, "{}", shown.len());
        }
    }

    #[test]
    fn an_answer_to_another_request_is_refused() {
        let answer = StoreAnswer::decode(&response().encode_to_vec(), "s");
        assert!(matches!(answer, Err(StoreAnswerError::OtherRequest { .. })));
    }

    #[test]
    fn hashes_of_other_lengths_are_refused() {
        for bytes in [0, 31, 33] {
            let mut short = response();
            short.messages = vec![bare(vec![1; bytes])];
            assert_eq!(decode(&short), Err(StoreAnswerError::HashLength { bytes }));
            let mut cursor = response();
            cursor.pagination_cursor = Some(vec![1; bytes]);
            assert_eq!(decode(&cursor), Err(StoreAnswerError::HashLength { bytes }));
        }
    }

    #[test]
    fn a_message_without_its_topic_is_no_content() {
        let mut partly = response();
        let mut entry = bare(vec![1; 32]);
        entry.message = Some(WakuMessage::default());
        partly.messages = vec![entry.clone()];
        assert_eq!(decode(&partly).unwrap().entries[0].content, None);
        entry.pubsub_topic = Some("/t".into());
        partly.messages = vec![entry];
        let content = decode(&partly).unwrap().entries.remove(0).content;
        assert_eq!(content, Some(("/t".into(), WakuMessage::default())));
    }

    #[test]
    fn the_number_of_messages_is_bounded() {
        let mut many = response();
        many.messages = vec![bare(vec![1; 32]); STORE_RESPONSE_MESSAGES];
        assert_eq!(decode(&many).unwrap().entries.len(), 1_000);
        many.messages.push(bare(vec![1; 32]));
        assert_eq!(decode(&many), Err(StoreAnswerError::TooMany));
        // Empty messages: the most that fit the fewest bytes.
        let flood = [0xa2, 0x01, 0x00].repeat(STORE_RESPONSE_BYTES / 3);
        assert_eq!(
            StoreAnswer::decode(&flood, "r"),
            Err(StoreAnswerError::TooMany)
        );
        let bytes = STORE_RESPONSE_BYTES + 1;
        let long = vec![0; bytes];
        assert_eq!(
            StoreAnswer::decode(&long, "r"),
            Err(StoreAnswerError::TooLong { bytes })
        );
    }
}
