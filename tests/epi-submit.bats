# epi-submit: what is verified is packed, and nothing else.

load lib
load results

setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/m_q40/raw"
	cd "$BATS_FILE_TMPDIR/m_q40" || return 1
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
	jq -c '.simulated = true' m_q40/run_001.json >run
	mv run m_q40/run_001.json
	zstd -dcq m_q40/raw/answers_001.ndjson.zst | jq -c '.simulated = true' | zstd -q -f -o a
	mv a m_q40/raw/answers_001.ndjson.zst
	rm m_q40/MANIFEST_001
	epi-derive m_q40 001
	fails 1 epi-submit m_q40
	[[ $stderr == *simulated* && ! -e m_q40.tar.gz ]]
}

@test "above the limit, traces of 1 Hz that name the raw file" {
	cut_down
	cd data/community/m_q40
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
	[ "$status" -eq 0 ]
	[ "$(jq -r .slug <<<"$output")" = trace-cut ]
}

@test "a cut trace that was changed is found, by its energy and its hash" {
	cut_down
	cd data/community/m_q40
	zstd -dcq raw/trace_001.1hz.ndjson.zst | sed -E 's/"joules":([0-9.]*)/"joules":1\1/' | zstd -q -f -o t
	mv t raw/trace_001.1hz.ndjson.zst
	take epi-verify .
	[ "$status" -eq 3 ]
	[[ $output == *manifest-hash* && $output == *counter-trapezoid* ]]
}

# recut SED: the cut trace, edited, and its line of the manifest with it.
recut() {
	cut_down
	cd data/community/m_q40 || return 1
	zstd -dcq raw/trace_001.1hz.ndjson.zst | sed "$1" | zstd -q -f -o t
	mv t raw/trace_001.1hz.ndjson.zst
	sed -i '/1hz/d' MANIFEST_001
	sha256sum raw/trace_001.1hz.ndjson.zst >>MANIFEST_001
	take epi-verify .
	[ "$status" -eq 3 ]
	jq -r 'select(.severity == "error").slug' <<<"$output"
}

@test "a cut trace of another trace than the manifest has is found" {
	[ "$(recut '1s/"sha256":"..../"sha256":"0000/')" = cut-other ]
}

@test "a cut trace that does not say of what it is cut is found" {
	[ "$(recut 1d)" = cut-other ]
}

@test "a cut trace that lost the end of the run has other joules" {
	[ "$(recut '/"timestamp":17954247[6-9].*watts/d')" = cut-energy ]
}

# Its accuracies follow from the answers, that are whole.
@test "a cut folder of which the accuracy was changed is found" {
	cut_down
	cd data/community/m_q40
	sed -i 's/"correct":7/"correct":8/; s/"accuracy":0.875/"accuracy":1/' benchmark_001.json
	sed -i 's/0\.875/1/g; s/"value":[0-9.]*,"joules_per_token":\([0-9.]*\)/"value":\1,"joules_per_token":\1/' epi_001.json
	sed -i '/  [a-z_]*_001/d' MANIFEST_001
	sha256sum -- *_001.* >>MANIFEST_001
	take epi-verify .
	[ "$(jq -r 'select(.severity == "error").slug' <<<"$output")" = derived-differs ]
}

@test "a trace without a counter is not cut" {
	zstd -dcq m_q40/raw/trace_001.ndjson.zst | sed 's/,"joules":[0-9.]*//' | zstd -q -f -o t
	mv t m_q40/raw/trace_001.ndjson.zst
	rm m_q40/MANIFEST_001
	epi-derive m_q40 001
	fails 1 epi-submit --limit 1000 m_q40
	[[ $stderr == *"cannot be cut: its samples have no energy counter"* ]]
}

@test "what is no folder, a limit that is no number" {
	fails 1 epi-submit nowhere
	fails 2 epi-submit --limit x m_q40
	fails 2 epi-submit
}

# Its steps of 25 J are more than 1 % of the run's 258 J.
@test "a trace whose counter is too coarse for a cut is refused" {
	zstd -dcq m_q40/raw/trace_001.ndjson.zst |
		awk -F '"joules":' '{ print (NF > 1 ? $1 FS int($2 / 25) * 25 "}" : $0) }' | zstd -q -f -o t
	mv t m_q40/raw/trace_001.ndjson.zst
	rm m_q40/MANIFEST_001
	epi-derive m_q40 001
	ok epi-submit -o whole.tar.gz m_q40
	fails 1 epi-submit --limit 1000 m_q40
	[[ $stderr == *cut-energy*"refused, with traces of 1 Hz: 1 errors"* && ! -e m_q40.tar.gz ]]
}

@test "what was cut before is packed as it is" {
	cut_down
	take epi-submit --limit 1000 -o again.tar.gz data/community/m_q40
	[ "$status" -eq 0 ]
	[ "$stderr" = "epi-submit: data/community/m_q40: over 1000 bytes, with traces of 1 Hz also" ]
	cmp a.tar.gz again.tar.gz
}

@test "a cut trace has the calibration's record, by which the energy's uncertainty is known" {
	zstd -dcq m_q40/raw/trace_001.ndjson.zst | sed '1a{"type":"calibration","format":1,"id":"kept","channels":[]}' | zstd -q -f -o t
	mv t m_q40/raw/trace_001.ndjson.zst
	rm m_q40/MANIFEST_001
	epi-derive m_q40 001
	cut_down
	[ "$(zstd -dcq data/community/m_q40/raw/trace_001.1hz.ndjson.zst | jq -r 'select(.type == "calibration").id')" = kept ]
}

# In CSV such a name is quoted, its quotes doubled.
@test "a cut trace has the nodes' names as they were" {
	name='rack 1, \"left\"'
	zstd -dcq m_q40/raw/trace_001.ndjson.zst | sed "s/\"a\"/\"${name//\\/\\\\}\"/g" | zstd -q -f -o t
	mv t m_q40/raw/trace_001.ndjson.zst
	jq -c ".nodes[0] = \"$name\"" m_q40/run_001.json >run
	mv run m_q40/run_001.json
	rm m_q40/MANIFEST_001
	epi-derive m_q40 001
	cut_down
	[ "$(zstd -dcq data/community/m_q40/raw/trace_001.1hz.ndjson.zst | jq -r 'select(.watts).node' | sort -u)" = $'b\nrack 1, "left"' ]
}

@test "an archive is there as a whole or not at all; a folder is no place for one" {
	mkdir place
	fails 1 epi-submit -o place m_q40
	[ "$stderr" = "epi-submit: place: is a folder, not a place for an archive" ]
	[ -z "$(ls place)" ]
	fails 1 epi-submit -o nowhere/a.tar.gz m_q40
	[ "$stderr" = "epi-submit: nowhere/a.tar.gz: cannot be written" ]
	echo old >a.tar.gz
	fails 1 sh -c 'ulimit -f 1; trap "" XFSZ; exec epi-submit -o a.tar.gz m_q40'
	[ "$(cat a.tar.gz)" = old ]
	[ "$(find . -maxdepth 1 -name 'a.tar.gz*' | wc -l)" -eq 1 ]
}

@test "called by a relative name, it runs no program of the folder" {
	ln -s "${EPI_BIN:-$root/bin}" bin
	mkdir m_q40/bin
	printf '#!/bin/sh\ntouch "%s/ran"\nexit 1\n' "$PWD" >m_q40/bin/sha256sum
	chmod +x m_q40/bin/sha256sum
	take bin/epi-submit --limit 1000 m_q40
	[ ! -e ran ]
}

@test "a folder is packed by whatever name, a link and - among them" {
	ok epi-submit m_q40
	mkdir real
	mv m_q40 real/-
	ln -s real/- m_q40
	ok epi-submit -o link.tar.gz m_q40
	cmp m_q40.tar.gz link.tar.gz
	mkdir ./-
	cp -R real/-/. ./-
	OLDPWD=/ ok epi-submit -o dash.tar.gz -- -
	tar -xzf dash.tar.gz
	diff -r ./- data/community/-
}

@test "work that is not done is not packed" {
	epi-submit -o before.tar.gz m_q40
	mkdir m_q40/.run_002
	echo secret >m_q40/.run_002/told
	ok epi-submit m_q40
	cmp before.tar.gz m_q40.tar.gz
}

@test "what is no file, and what a link leads to, is written into" {
	mkfifo pipe
	ln -s target link
	epi-submit m_q40
	timeout 60 cat pipe >came & reader=$!
	ok epi-submit -o pipe m_q40
	wait $reader
	[ -p pipe ]
	cmp came m_q40.tar.gz
	ok epi-submit -o link m_q40
	[ -h link ]
	cmp target m_q40.tar.gz
}
