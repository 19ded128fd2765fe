# epi-derive: the derived files of a run, from its raw files.

load lib

# A run of 10 s on two nodes of 5 W: 100 J; four answers of two tokens, three of
# them right: 12.5 J/token, and by 0.75 50/3.
fixture() {
	mkdir -p "$1/raw"
	{
		echo '{"timestamp":1000.000000,"type":"event","event":"start","instrument":"m","nodes":["a","b"],"rate_hz":1}'
		for t in $(seq 1000 1030); do
			printf '{"timestamp":%d.000000,"node":"%s","watts":5.000}\n' "$t" a "$t" b
		done
		echo '{"timestamp":1030.000000,"type":"event","event":"stop","nodes":["a","b"]}'
		printf '{"timestamp":%d.000000,"type":"event","event":"mark","label":"%s","edge":"%s"}\n' \
			1000 idle begin 1005 idle end 1010 run begin 1020 run end \
			1020 idle_after begin 1025 idle_after end
	} | zstd -q -o "$1/raw/trace_001.ndjson.zst"
	for i in 1 2 3 4; do
		echo '{"type":"answer","benchmark":"own","id":"q'$i'","benchmark_questions":4,"shots":0,"protocol":"gen-letter","prompt_sha256":"5d1f","choices":["x","y"],"gold":1,"text":"'"$([ $i = 4 ] && echo A || echo B)"'","error":null,"engine":"llama-server","prompt_tokens":10,"generated_tokens":2,"begin":101'$i'.5,"end":101'$i'.9}'
	done | zstd -q -o "$1/raw/answers_001.ndjson.zst"
	echo '{"type":"run","run_id":"r1","repetition":1,"begin":1010.0,"end":1020.0,"labels":{"model":"M","quantization":"q40","measurement_point":"per_node_ac"},"settings":{"weights":"own=1","workload":"benchmark"},"environment":{"ambient_temp_c":21.5},"nodes":["a","b"],"versions":{"firmware":"0.1.0"}}' >"$1/run_001.json"
}

# names FOLDER: what is in it, the hidden too.
names() {
	find "$1" -mindepth 1 -maxdepth 1 | sed 's,.*/,,' | sort | xargs
}

# answers SCRIPT: the run's answers, edited.
answers() {
	zstd -dcq run/raw/answers_001.ndjson.zst | sed "$1" | zstd -q -o edited
	mv edited run/raw/answers_001.ndjson.zst
}

@test "energy, tokens, accuracy and their score" {
	fixture run
	ok epi-derive run 001
	[ "$(jq -c '[.energy.total_joules, .energy.total_tokens, .accuracy.composite, (.epi.value * 3 | round)]' run/epi_001.json)" = "[100,8,0.75,50]" ]
	[ "$(jq -c '[.model, .environment.ambient_temp_c, .run_metadata.run_id, .run_metadata.repetition, .net_of_idle_joules]' run/epi_001.json)" = '["M",21.5,"r1",1,0]' ]
}

@test "the table is of the run's span alone" {
	fixture run
	ok epi-derive run 001
	[ "$(sed -n '1p; 2p; $p' run/power_trace_001.csv)" = "$(printf '%s\r\n' timestamp,node,watts | tr -d '\r'
		echo 1010.000000,a,5.000; echo 1019.000000,b,5.000)" ]
	[ "$(wc -l <run/power_trace_001.csv)" -eq 21 ]
}

@test "the manifest is of all files, as sha256sum checks it" {
	fixture run
	ok epi-derive run 001
	(cd run && sha256sum --quiet -c MANIFEST_001)
	[ "$(cut -c 67- run/MANIFEST_001 | xargs)" = "benchmark_001.json epi_001.json power_trace_001.csv raw/answers_001.ndjson.zst raw/trace_001.ndjson.zst run_001.json" ]
}

@test "the score names the raw files, their hashes and the toolkit" {
	fixture run
	ok epi-derive run 001
	jq -r '.inputs[] | "\(.sha256)  \(.name)"' run/epi_001.json >inputs
	(cd run && sha256sum --quiet -c ../inputs)
	[ "$(wc -l <inputs)" -eq 3 ]
	[ "$(jq -r .derived.epi run/epi_001.json)" = "$(epi-score --version | cut -d ' ' -f 2)" ]
}

@test "the same bits each time, and elsewhere" {
	fixture 'a run'
	ok epi-derive 'a run' 001
	mkdir "it's"
	ok epi-derive --out "it's" 'a run' 001
	[ "$(names "it's")" = "benchmark_001.json epi_001.json power_trace_001.csv" ]
	for file in "it's"/*; do cmp "$file" "a run/${file##*/}"; done
	sha256sum "a run"/*_001* >before
	ok epi-derive 'a run' 001
	sha256sum --quiet -c before
}

@test "--out works where the folder cannot be written" {
	fixture run
	mkdir out
	chmod a-w run
	ok epi-derive --out out run 001
	chmod u+w run
	[ -s out/epi_001.json ]
}

@test "other weights stay chosen" {
	fixture run
	fails 1 epi-derive --weights other=1 run 001
	[ ! -e run/epi_001.json ]
	ok epi-derive --weights own=3 run 001
	cp run/epi_001.json before
	ok epi-derive run 001
	cmp before run/epi_001.json
	[ "$(jq -r .derived.weights before)" = own=3 ]
}

@test "a raw file that changed is refused, and nothing is remade" {
	fixture run
	ok epi-derive run 001
	cp run/epi_001.json before
	jq -c '.labels.model = "other"' run/run_001.json >changed
	mv changed run/run_001.json
	fails 1 epi-derive run 001
	[[ $stderr == *"raw files are not those of MANIFEST_001: run_001.json"* ]]
	cmp before run/epi_001.json
}

@test "a raw file that was added or is gone is refused" {
	fixture run
	ok epi-derive run 001
	echo | zstd -q -o run/raw/engine_001.log.zst
	fails 1 epi-derive run 001
	rm run/raw/engine_001.log.zst run/raw/answers_001.ndjson.zst
	fails 1 epi-derive run 001
	[[ $stderr == *answers_001* ]]
}

@test "a trace that is cut, has no mark or is not there: nothing is made" {
	fixture run
	cp run/raw/trace_001.ndjson.zst whole
	head -c 100 whole >run/raw/trace_001.ndjson.zst
	fails 1 epi-derive run 001
	zstd -dcq whole | grep -v '"mark"' | zstd -qf -o run/raw/trace_001.ndjson.zst
	fails 1 epi-derive run 001
	[[ $stderr == *"no mark of the run"* ]]
	rm run/raw/trace_001.ndjson.zst
	fails 1 epi-derive run 001
	[ "$(names run)" = "raw run_001.json" ]
}

@test "a question that was never answered: no score" {
	fixture run
	answers '1s/"error":null/"error":"reset"/'
	fails 1 epi-derive run 001
	[[ $stderr == *"accuracy of run 001"* ]]
}

@test "an answer whose tokens nobody counted: no score" {
	fixture run
	answers '1s/"generated_tokens":2/"generated_tokens":null/'
	fails 1 epi-derive run 001
	[[ $stderr == *tokens* ]]
}

@test "an answer of unknown prompt tokens makes an unknown sum, and no smaller one" {
	fixture run
	answers '1s/"prompt_tokens":10/"prompt_tokens":null/'
	ok epi-derive run 001
	[ "$(jq -c '[.prompt_tokens, .joules_per_total_token, .energy.total_tokens]' run/epi_001.json)" = "[null,null,8]" ]
}

@test "log-probabilities generate nothing: no joules per token and no EPI" {
	fixture run
	answers 's/"protocol":"gen-letter"/"protocol":"loglik-letter","logprobs":[-2,-1]/'
	ok epi-derive run 001
	[ "$(jq -c '[.energy.total_tokens, .energy.joules_per_token, .epi.value, .accuracy.composite, .prompt_tokens]' run/epi_001.json)" = "[0,null,null,1,40]" ]
	jq -e 'any(.warnings[]; startswith("tokens-none: "))' run/epi_001.json
}

@test "a decode workload has joules per token and no EPI" {
	fixture run
	answers 's/"benchmark":"own"/"benchmark":"decode"/; s/"protocol":"gen-letter"/"protocol":"decode"/; s/"choices":\[[^]]*\],"gold":1/"choices":null,"gold":null/'
	sed -i 's/"weights":"own=1","workload":"benchmark"/"workload":"decode"/' run/run_001.json
	ok epi-derive run 001
	[ "$(jq -c '[.energy.joules_per_token, .epi.value]' run/epi_001.json)" = "[12.5,null]" ]
}

@test "no command of the run's file is run, and no name leads out of the folder" {
	fixture run
	jq -c '.commands = { serve: "touch bad", meter: "touch bad", prepare: "touch bad" } | .labels.model = "$(touch bad)`touch bad`\u0027;touch bad"' run/run_001.json >other
	mv other run/run_001.json
	ok epi-derive run 001
	[ ! -e bad ]
	[ ! -e run/bad ]
	fails 1 epi-derive run ../001
	fails 1 epi-derive run '*'
}

@test "killed at any moment, it leaves the files of before or new ones, whole" {
	fixture run
	ok epi-derive run 001
	sha256sum run/epi_001.json run/benchmark_001.json run/MANIFEST_001 run/power_trace_001.csv >before
	for pause in 0.02 0.05 0.1 0.2; do
		timeout -s TERM "$pause" epi-derive run 001 2>told || true
		sha256sum --quiet -c before
		timeout -s KILL "$pause" epi-derive run 001 2>told || true
		sha256sum --quiet -c before
	done
	ok epi-derive run 001
	[ "$(names run)" = "MANIFEST_001 benchmark_001.json epi_001.json power_trace_001.csv raw run_001.json" ]
}

@test "other locales and shells give the same" {
	fixture run
	ok epi-derive run 001
	for shell in dash bash; do
		command -v $shell || continue
		LC_NUMERIC=de_DE.UTF-8 LANG=de_DE.UTF-8 ok $shell "$(command -v epi-derive)" run 001 >/dev/null
		(cd run && sha256sum --quiet -c MANIFEST_001)
	done
}

# beside PROGRAM...: the programs, in a folder where these are other ones.
beside() {
	mkdir beside
	ln -s "${EPI_BIN:-$root/bin}"/* beside
	for program; do
		printf '#!/bin/sh\n%s\n' "$body" >"beside/$program"
		chmod +x "beside/$program"
	done
}

@test "a step that fails leaves no score" {
	fixture run
	body='case $1 in *inputs*) exit 1 ;; esac; exec /bin/sed "$@"' beside sed
	fails 1 beside/epi-derive run 001
	[[ $stderr == *"score of run 001 cannot be signed" ]]
	[ "$(names run)" = "raw run_001.json" ]
}

@test "called by a relative name, it runs no program of the folder" {
	fixture run
	ln -s "${EPI_BIN:-$root/bin}" bin
	mkdir run/bin
	printf '#!/bin/sh\ntouch "%s/ran"\n' "$PWD" >run/bin/epi-score
	chmod +x run/bin/epi-score
	ok bin/epi-derive run 001
	[ ! -e ran ]
}

@test "a CDPATH leads nowhere else" {
	fixture run
	mkdir -p elsewhere/run elsewhere/out out
	CDPATH=$PWD/elsewhere ok epi-derive --out out run 001
	[ -s out/epi_001.json ]
	[ -z "$(find elsewhere -type f)" ]
}

@test "a run that is no JSON, a folder and options that are none: one line" {
	fixture run
	echo '{' >run/run_001.json
	fails 1 epi-derive run 001
	[ "$stderr" = "epi-derive: run/run_001.json: cannot be read" ]
	fails 1 epi-derive --out run/run_001.json run 001
	[ "$stderr" = "epi-derive: run/run_001.json: no such folder" ]
	fails 1 epi-derive run 002
	[ "$stderr" = "epi-derive: run: has no run_002.json" ]
	fails 2 epi-derive --weights
	fails 2 epi-derive run
}

@test "folders called - are no others" {
	fixture run
	cp -R run ./-
	mkdir out
	OLDPWD=/ ok epi-derive --out out - 001
	OLDPWD=$PWD/out ok epi-derive --out - run 001
	cmp ./-/epi_001.json out/epi_001.json
}
