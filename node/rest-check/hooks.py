"""What random text can't be: addresses of nodes that are there, hashes of messages that are held, topics.

The OpenAPI document names such text by its format. `check` tells what there is in the environment.
"""

import json
import os

import schemathesis
from hypothesis import strategies as st

FACTS = json.loads(os.environ["REST_CHECK_FACTS"])

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
schemathesis.openapi.format("waku-pubsub-topic", st.sampled_from(FACTS["pubsubTopics"]))
schemathesis.openapi.format("waku-content-topic", content_topics)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Asks for hashes or for content topics and times, which no schema of single parameters can say."""
    query = case.query
    if case.meta and case.meta.generation.mode.is_positive and query and query.get("hashes"):
        for name in ("contentTopics", "startTime", "endTime"):
            query.pop(name, None)
