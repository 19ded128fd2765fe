# epi-submit: what is verified is packed, and nothing else.

load lib

# The clean folder of epi-verify's tests.
setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/m_q40/raw" && cd "$BATS_FILE_TMPDIR/m_q40" || return 1
	zero=1795424400 n=001
	eval "$(sed -n '/^trace() {/,/^}/p; /^answers() {/,/^}/p; /^repetition() {/,/^}/p' "$BATS_TEST_DIRNAME/epi-verify.bats")"
	repetition 001
}

setup() {
	cp -R "$BATS_FILE_TMPDIR/m_q40" "$BATS_TEST_TMPDIR/" && cd "$BATS_TEST_TMPDIR" || return 1
}

# cut_down: as one over the limit is packed; a word says that it still is.
cut_down() {
	take epi-submit --limit 1000 -o a.tar.gz m_q40
	[ "$status" -eq 0 ] && [[ $stderr == "epi-submit: m_q40: over 1000 bytes, with traces of 1 Hz also" ]] &&
		tar -xzf a.tar.gz
}

@test "a folder is packed as data/community has it, with every file" {
	ok epi-submit m_q40
	tar -xzf m_q40.tar.gz
	diff -r m_q40 data/community/m_q40
	ok epi-verify data
	[ -z "$output" ]
}

@test "the same folder gives the same bytes, also on standard output" {
	ok epi-submit m_q40
	touch m_q40/*
	epi-submit -o - m_q40 | cmp - m_q40.tar.gz
}

@test "a folder with an error is refused, and said why" {
	rm m_q40/MANIFEST_001
	fails 1 epi-submit m_q40
	[[ $stderr == *"MANIFEST_001: manifest-missing: is not there"*"refused: 1 errors"* && ! -e m_q40.tar.gz ]]
}

@test "a simulated folder is refused" {
	jq -c '.simulated = true' m_q40/run_001.json >run && mv run m_q40/run_001.json
	zstd -dcq m_q40/raw/answers_001.ndjson.zst | jq -c '.simulated = true' | zstd -q -f -o a && mv a m_q40/raw/answers_001.ndjson.zst
	rm m_q40/MANIFEST_001 && epi-derive m_q40 001
	fails 1 epi-submit m_q40
	[[ $stderr == *simulated* && ! -e m_q40.tar.gz ]]
}

@test "above the limit, traces of 1 Hz that name the raw file" {
	cut_down && cd data/community/m_q40
	[ ! -e raw/trace_001.ndjson.zst ]
	[ "$(zstd -dcq raw/trace_001.1hz.ndjson.zst | jq -r 'select(.type == "cut").sha256')" = \
		"$(sha256sum <../../../m_q40/raw/trace_001.ndjson.zst | cut -c 1-64)" ]
}

@test "a cut trace has the run's joules, by its counter" {
	cut_down
	joules() { jq -c 'select(.scope == "cluster") | .joules * 1000 | round'; }
	zstd -dcq data/community/m_q40/raw/trace_001.1hz.ndjson.zst >cut
	zstd -dcq m_q40/raw/trace_001.ndjson.zst >raw
	span='--from 1795424730 --to 1795424770'
	# shellcheck disable=SC2086 # words on purpose
	[ "$(epi-window $span cut | epi-integrate --method counter | joules)" = \
		"$(epi-window $span raw | epi-integrate --method counter | joules)" ]
}

@test "epi-verify takes a cut trace, and says that it is one" {
	cut_down
	take epi-verify data
	[ "$status" -eq 0 ] && [ "$(jq -r .slug <<<"$output")" = trace-cut ]
}

@test "a cut trace that was changed is found, by its energy and its hash" {
	cut_down && cd data/community/m_q40
	zstd -dcq raw/trace_001.1hz.ndjson.zst | sed -E 's/"joules":([0-9.]*)/"joules":1\1/' | zstd -q -f -o t
	mv t raw/trace_001.1hz.ndjson.zst
	take epi-verify .
	[ "$status" -eq 3 ] && [[ $output == *manifest-hash* && $output == *counter-trapezoid* ]]
}

@test "a trace without a counter is not cut" {
	zstd -dcq m_q40/raw/trace_001.ndjson.zst | sed 's/,"joules":[0-9.]*//' | zstd -q -f -o t && mv t m_q40/raw/trace_001.ndjson.zst
	rm m_q40/MANIFEST_001 && epi-derive m_q40 001
	fails 1 epi-submit --limit 1000 m_q40
	[[ $stderr == *"cannot be cut: its samples have no energy counter"* ]]
}

@test "what is no folder, a limit that is no number" {
	fails 1 epi-submit nowhere
	fails 2 epi-submit --limit x m_q40
	fails 2 epi-submit
}
