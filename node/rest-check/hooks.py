"""What random text can't be: addresses of nodes that are there, hashes of messages that are held, topics.

The OpenAPI document names such text by its format. `check` tells what there is in the environment.
"""

import json
import os

import schemathesis
from hypothesis import strategies as st

FACTS = json.loads(os.environ["REST_CHECK_FACTS"])

numbers = st.integers(0, 65_535)
pubsub_topics = st.sampled_from(FACTS["pubsubTopics"])
words = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
content_topics = st.sampled_from(FACTS["contentTopics"]) | st.builds(
    "/{}/{}/{}/proto".format, words, st.integers(1, 9), words
)
hashes = st.sampled_from(FACTS["hashes"])

schemathesis.openapi.format("multiaddr", st.sampled_from(FACTS["addresses"]))
schemathesis.openapi.format("peer-id", st.sampled_from(FACTS["peers"]))
schemathesis.openapi.format("waku-message-hash", hashes)
schemathesis.openapi.format(
    "waku-message-hashes", st.lists(hashes, min_size=1, max_size=5).map(",".join)
)
schemathesis.openapi.format("waku-pubsub-topic", pubsub_topics)
schemathesis.openapi.format(
    "waku-shard", pubsub_topics | st.builds("/waku/2/rs/{}/{}".format, numbers, numbers)
)
schemathesis.openapi.format("waku-content-topic", content_topics)
