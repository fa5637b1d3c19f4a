# `make demo` needs Rust, make and a C compiler. `make test` installs what else it lacks.

CARGO ?= cargo
FUZZ_SECONDS ?= 60
FUZZ_SMOKE_SECONDS ?= 5
ROUNDS ?= 200

.PHONY: demo test setup lint unit docs no-std bench bench-report bench-smoke
.PHONY: crash-test crash-test-redb crash-test-postgres
.PHONY: limits-check limits-table
.PHONY: instructions instructions-accept vectors fuzz fuzz-smoke clean

demo:
	$(CARGO) run --locked --release --package wakustore -- demo
	$(CARGO) run --locked --release --package wakustore -- demo --dialect waku

test: setup lint unit docs no-std bench-smoke instructions fuzz-smoke

setup:
	.ci/setup

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features benches/instructions -- -D warnings

unit:
	$(CARGO) test --locked --workspace --features benches/instructions

# Processes that write to an archive are killed, and machines forget what wasn't synced; a quarter as
# many rounds for PostgreSQL, whose server is killed too.
crash-test: crash-test-redb crash-test-postgres

crash-test-redb:
	CRASH_ROUNDS=$(ROUNDS) $(CARGO) test --locked --package store-adapter --test crash
	CRASH_ROUNDS=$(ROUNDS) $(CARGO) test --locked --package store-adapter --lib redb::tests::forgotten

crash-test-postgres:
	CRASH_ROUNDS=$$(($(ROUNDS) / 4)) $(CARGO) test --locked --package store-adapter --test archive \
		kills_of_node_and_server -- --nocapture

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

# Rewrites the table in docs/limits.md, which a test compares with the sources.
limits-table:
	ACCEPT_LIMITS=1 $(CARGO) test --locked --package wakustore --test program limits::the_table_of_limits

# Rewrites the generated vectors, which a test compares with what the encoders and decoders do.
vectors:
	$(CARGO) run --locked --package wakustore --example vectors -- spec/vectors/generated

fuzz:
	fuzz/run $(FUZZ_SECONDS)

# From one seed, so that what fails is what was changed; `make fuzz` looks for news.
fuzz-smoke:
	FUZZ_SEED=1 fuzz/run $(FUZZ_SMOKE_SECONDS)

clean:
	$(CARGO) clean
	$(CARGO) clean --manifest-path fuzz/Cargo.toml
