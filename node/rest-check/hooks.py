"""What random text can't be: addresses of nodes that are there, hashes of messages that are held, topics.

The OpenAPI document names such text by its format. `check` tells what there is in the environment.
"""

import json
import os

import hypothesis
import schemathesis
from hypothesis import strategies as st

# Scores only steer what is drawn. While it raises one, Hypothesis 6.170 may look for a part of an attempt that is
# shorter than the one before (IndexError in its optimiser), which ends a run that has found nothing as an error.
hypothesis.target = lambda observation, **_: observation

FACTS = json.loads(os.environ["REST_CHECK_FACTS"])

words = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
content_topics = st.sampled_from(FACTS["contentTopics"]) | st.builds(
    "/{}/{}/{}/proto".format, words, st.integers(1, 9), words
)
hashes = st.sampled_from(FACTS["hashes"])

schemathesis.openapi.format("multiaddr", st.sampled_from(FACTS["addresses"]))
schemathesis.openapi.format("waku-message-hash", hashes)
schemathesis.openapi.format(
    "waku-message-hashes", st.lists(hashes, min_size=1, max_size=5).map(",".join)
)
schemathesis.openapi.format("waku-pubsub-topic", st.sampled_from(FACTS["pubsubTopics"]))
schemathesis.openapi.format("waku-content-topic", content_topics)
# Empty, and a RateLimitProof whose `proof` is one byte.
schemathesis.openapi.format("rate-limit-proof", st.sampled_from(["", "CgEF"]))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps to what no schema can say: whether hashes or times are asked for, and what is subscribed to."""
    if not case.meta or not case.meta.generation.mode.is_positive:
        return
    if case.query and case.query.get("hashes"):
        for name in ("contentTopics", "startTime", "endTime"):
            case.query.pop(name, None)
    # Publishing needs these subscriptions.
    if case.method.upper() == "DELETE" and isinstance(case.body, list):
        kept = FACTS["pubsubTopics"] + FACTS["contentTopics"]
        case.body = [topic for topic in case.body if topic not in kept]
