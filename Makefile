# `make demo` needs Rust, make and a C compiler. `make test` installs what else it lacks.

CARGO ?= cargo
FUZZ_SECONDS ?= 60
FUZZ_SMOKE_SECONDS ?= 5
ROUNDS ?= 200
CASES ?= 10000
MINUTES ?= 10
IDLE ?= 15
REST_SECONDS ?= 60

.PHONY: demo test setup lint unit properties docs no-std packaging-check bench bench-report bench-smoke
.PHONY: interop soak soak-smoke page-check screenshots
.PHONY: crash-test crash-test-redb crash-test-postgres
.PHONY: limits-check limits-table count-check
.PHONY: instructions instructions-accept vectors configuration metrics-table fuzz fuzz-smoke rest-check clean

demo:
	$(CARGO) run --locked --release --package wakustore -- demo
	$(CARGO) run --locked --release --package wakustore -- demo --dialect waku

test: setup lint unit docs no-std packaging-check interop soak-smoke bench-smoke instructions fuzz-smoke rest-check \
	page-check

setup:
	.ci/setup

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features benches/instructions -- -D warnings

# Properties are tried from one seed, so that what fails is what was changed; `make properties` looks for news.
unit:
	PROPTEST_RNG_SEED=1 $(CARGO) test --locked --workspace --features benches/instructions

# The properties with many cases, from a new seed each time.
properties:
	PROPTEST_CASES=$(CASES) $(CARGO) test --locked --workspace --lib
	PROPTEST_CASES=$(CASES) $(CARGO) test --locked --package sync-core --tests

# js-waku as it comes from npm, and nodes beside each other. IDLE: how many seconds connections are left idle.
interop:
	$(CARGO) build --locked --package wakustore
	IDLE=$(IDLE) interop/run

# Three nodes relay, lose a tenth of what comes, and sync.
soak:
	$(CARGO) build --locked --release --package wakustore --example soak
	target/release/examples/soak --seconds $$(($(MINUTES) * 60))

soak-smoke:
	$(CARGO) run --locked --package wakustore --example soak -- \
		--seconds 20 --sync-interval 2 --sync-jitter 2

# Processes that write to an archive are killed, and machines forget what wasn't synced; a quarter as
# many rounds for PostgreSQL, whose server is killed too.
crash-test: crash-test-redb crash-test-postgres

crash-test-redb:
	CRASH_ROUNDS=$(ROUNDS) $(CARGO) test --locked --package store-adapter --test crash
	CRASH_ROUNDS=$(ROUNDS) $(CARGO) test --locked --package store-adapter --lib redb::tests::forgotten

crash-test-postgres:
	CRASH_ROUNDS=$$(($(ROUNDS) / 4)) $(CARGO) test --locked --package store-adapter --test archive \
		kills_of_node_and_server -- --nocapture

# The Dockerfile, the compose file, the unit and their configurations, as far as that goes without Docker.
packaging-check: setup
	$(CARGO) build --locked --package wakustore
	packaging/check

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

no-std:
	$(CARGO) build --locked --package sync-core --no-default-features

# With huge pages, as the program's own benches take them.
bench:
	GLIBC_TUNABLES=glibc.malloc.hugetlb=1 $(CARGO) bench --locked --package benches

# Some ten minutes; rewrites benches/report and the headline in README.md.
bench-report:
	$(CARGO) build --locked --release --package wakustore
	$(CARGO) run --locked --profile bench --package compare -- report \
		--output benches/report --readme README.md

bench-smoke:
	$(CARGO) bench --locked --profile dev --package benches -- --test
	$(CARGO) build --locked --workspace
	$(CARGO) run --locked --package compare -- report --quick

# Instruction counts of the hot paths against those in benches/instructions/counts.json.
instructions: setup
	benches/instructions/run check

instructions-accept: setup
	benches/instructions/run accept

# What a client's queries take while a peer pulls a gigabyte; some minutes. Speeds are no part of
# `make test`, which holds the order of answers to what makes this pass.
limits-check:
	$(CARGO) run --locked --release --package wakustore --example crowded

# How long `wakustore count` takes for two nodes with a million messages each; some minutes, ten seconds of which
# are to be enough for the count.
count-check:
	$(CARGO) test --locked --release --package wakustore --test program -- --ignored --nocapture count::a_million

# Rewrites the table in docs/limits.md, which a test compares with the sources.
limits-table:
	ACCEPT_LIMITS=1 $(CARGO) test --locked --package wakustore --test program limits::the_table_of_limits

# Rewrites the generated vectors, which a test compares with what the encoders and decoders do.
vectors:
	$(CARGO) run --locked --package wakustore --example vectors -- spec/vectors/generated

# Rewrites the metrics in docs/metrics.md, which a test compares with those that there are.
metrics-table:
	$(CARGO) run --locked --package wakustore --example tables -- metrics docs/metrics.md

# Rewrites the flags in docs/configuration.md, which a test compares with those that there are.
configuration:
	$(CARGO) run --locked --package wakustore --example tables -- flags docs/configuration.md

fuzz:
	fuzz/run $(FUZZ_SECONDS)

# From one seed, so that what fails is what was changed; `make fuzz` looks for news.
fuzz-smoke:
	FUZZ_SEED=1 fuzz/run $(FUZZ_SMOKE_SECONDS)

# The REST API of a running node against the OpenAPI document that it serves, by schemathesis.
rest-check: setup
	$(CARGO) build --locked --workspace
	target/tools/schemathesis/bin/python node/rest-check/check.py target/debug/wakustore $(REST_SECONDS)

# The pages of running nodes in headless Chromium.
page-check: setup
	$(CARGO) build --locked --package wakustore
	node/page-check/run

# Pictures of each view of the page, in docs/screenshots.
screenshots: setup
	$(CARGO) build --locked --package wakustore
	node/page-check/run screenshots

clean:
	$(CARGO) clean
	$(CARGO) clean --manifest-path fuzz/Cargo.toml
	rm -rf interop/node_modules node/page-check/node_modules
