# epi-verify: a clean folder is accepted; each planted defect is found.

load lib
load results

setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/m_q40/raw" && cd "$BATS_FILE_TMPDIR/m_q40" && repetition 001
}

# Each test has the clean folder for its own, and is in it.
setup() {
	cp -R "$BATS_FILE_TMPDIR/m_q40" "$BATS_TEST_TMPDIR/" && cd "$BATS_TEST_TMPDIR/m_q40" && n=001
}

# seal: a liar makes the manifest himself.
seal() {
	find . -type f ! -name 'MANIFEST*' | sed 's,^\./,,' | sort | xargs sha256sum >MANIFEST_001
}

edit() {
	jq -c "$2" "$1" >../edited && mv ../edited "$1"
}

# has SEVERITY SLUG STATUS: epi-verify $how says so.
how=--no-derive
has() {
	# shellcheck disable=SC2086 # no word, or one
	take epi-verify $how .
	jq -c --arg severity "$1" --arg slug "$2" 'select(.severity == $severity and .slug == $slug
		and .type == "finding" and .folder == "." and (.sentence | length > 0))' <<<"$output" >../found
	[ "$status" -eq "$3" ] && [ -z "$stderr" ] && [ -s ../found ] || wrong "expected $1 $2" epi-verify
}
refuted() { has error "$1" 3; }
doubted() { has warning "$1" 0; }
differs() { how='' && refuted "$1"; }

# Whoever made it so has sealed it; what does not follow is another matter.
false_score() { edit epi_001.json "$1" && seal && refuted "$2"; }
true_run() { edit run_001.json "$1" && seal; }
of_run() { true_run "$1" && refuted "$2"; }
of_trace() {
	zstd -dcq raw/trace_001.ndjson.zst | eval "$1" | zstd -q -f -o ../t && mv ../t raw/trace_001.ndjson.zst && seal
}
of_answers() {
	zstd -dcq raw/answers_001.ndjson.zst | jq -c "$1" | zstd -q -f -o ../t && mv ../t raw/answers_001.ndjson.zst && seal
}

@test "a clean folder: silence, status 0" {
	ok epi-verify .
	[ -z "$output" ]
}

@test "folders are found below a path, also with blanks in it" {
	cd .. && mkdir -p 'the data/baseline' && mv m_q40 'the data/baseline'
	ok epi-verify 'the data'
	[ -z "$output" ]
	echo >>'the data/baseline/m_q40/power_trace_001.csv'
	take epi-verify 'the data'
	[ "$status" -eq 3 ] && [ "$(jq -r .folder <<<"$output" | sort -u)" = 'the data/baseline/m_q40' ]
}

@test "odd names: a dash, quotes, a newline" {
	cd .. && mv m_q40 "./-it's
m_q40"
	take epi-verify -- "-it's
m_q40"
	[ "$(jq -r '"\(.slug) \(.severity)"' <<<"$output")" = "folder-name warning" ]
	fails 1 epi-verify .
	[[ $stderr == *"has a name with a newline below it"* ]]
}

@test "work that is not done is left alone" {
	mkdir .run_002 && echo '{' >.run_002/run_001.json
	ok epi-verify .
	[ -z "$output" ]
}

@test "a toolkit that is not whole accepts nothing" {
	mkdir ../part && cp "$(command -v epi-verify)" ../part
	fails 1 env PATH=/usr/bin:/bin ../part/epi-verify .
	[[ $stderr == "epi-verify: epi-derive: is not there" ]]
}

@test "what is no folder, and a path without one: status 1" {
	fails 1 epi-verify nowhere
	mkdir -p empty && fails 1 epi-verify empty
	fails 2 epi-verify
}

# ---- files and hashes
@test "1: no manifest" { rm MANIFEST_001 && refuted manifest-missing; }
@test "2: a raw file that is not the manifest's" { echo >>raw/calibration_001.json && refuted manifest-hash; }
@test "3: a file of the manifest is gone" { rm raw/calibration_001.json && refuted manifest-absent; }
@test "4: a file that is not in the manifest" { cp raw/calibration_001.json raw/truth_001.ndjson && refuted manifest-unlisted; }
@test "5: a manifest that leads out of the folder" { sed -i '1s,  .*,  ../../secret,' MANIFEST_001 && refuted manifest-malformed; }
@test "6: a link" { ln -s /etc/passwd raw/items_001.ndjson.zst && refuted link; }
@test "7: a file of something else" { echo >notes.txt && doubted file-unknown; }
@test "8: no trace" { rm raw/trace_001.ndjson.zst && refuted missing; }
@test "9: a cut trace" { truncate -s -9 raw/trace_001.ndjson.zst && refuted cut; }
@test "10: a run that is no JSON" { echo '{' >run_001.json && refuted schema; }
@test "11: a run without a begin" { edit run_001.json 'del(.begin)' && refuted schema; }
@test "12: a score without a group" { false_score 'del(.run_metadata)' schema; }
@test "13: a score whose joules are text" { false_score '.energy.total_joules |= tostring' units; }
@test "14: a folder with capitals" { mv ../m_q40 ../M_Q40 && doubted folder-name; }

# ---- derived from raw
@test "15: a power trace with a sample changed" { sed -i '5s/[0-9.]*$/5.999/' power_trace_001.csv && seal && differs derived-differs; }
@test "16: a benchmark with one more right" { edit benchmark_001.json '.correct = 8 | .accuracy = 1' && seal && differs derived-differs; }
@test "17: a score of other raw files" { edit epi_001.json '.inputs[0].sha256 = "00"' && seal && differs derived-differs; }
@test "18: a score by another version" { edit epi_001.json '.derived.epi = "9.9"' && seal && how= && doubted derived-version; }
@test "19: raw files that give no score" {
	zstd -dcq raw/answers_001.ndjson.zst | jq -c '.generated_tokens = null' | zstd -q -f -o ../t && mv ../t raw/answers_001.ndjson.zst && seal
	differs derive-failed
}

# ---- physics
@test "20: joules are not the integral" { false_score '.energy |= (.total_joules *= 2 | .joules_per_token *= 2 | .avg_watts_cluster *= 2 | .kwh_total *= 2)' energy-integral; }
@test "21: joules are not watts x seconds" { false_score '.energy.avg_watts_cluster *= 1.01' watts-seconds; }
@test "22: J/token are not joules over tokens" { false_score '.energy.joules_per_token *= 0.9' joules-per-token; }
@test "23: kWh are not the joules" { false_score '.energy.kwh_total *= 1000' kwh; }
@test "24: a peak below the mean" { false_score '.energy.peak_watts_cluster = 1' peak; }
@test "25: another duration than the run's" { false_score '.energy.duration_seconds = 39' duration; }
@test "26: an EPI that is not J/token over accuracy" { false_score '.epi.value *= 0.5' epi; }
@test "27: accuracy beyond 1" { false_score '.accuracy.own_0shot = 1.2' accuracy-range; }
@test "28: a composite that is not the mean" { false_score '.accuracy.composite = 0.9' composite; }
@test "29: tokens that nobody generated" { false_score '.energy.total_tokens = 160' tokens-sum; }
@test "30: more right than asked" { edit benchmark_001.json '.correct = 9' && seal && refuted correct-questions; }
@test "31: the counter against the trapezoid" { of_trace "sed 's/\"joules\":\([0-9]*\)/\"joules\":1\1/'" && refuted counter-trapezoid; }
@test "32: watts that are not V x A x PF" { of_trace "sed 's/\"power_factor\":0.600/\"power_factor\":0.900/'" && refuted watts-volts-amps; }
@test "33: a power factor beyond 1" { of_trace "sed '9s/\"power_factor\":0.600/\"power_factor\":1.600/'" && refuted power-factor-range; }
@test "34: an answer faster than any machine" { of_answers '.max_tokens = 0 | if .id == "q2" then .generated_tokens = 900000 else . end' && refuted answer-rate; }
@test "35: an answer that ends before it begins" { of_answers 'if .id == "q2" then .end = .begin - 1 else . end' && refuted answers-backwards; }
@test "36: two clocks that disagree about an answer" { of_answers 'if .id == "q2" then .seconds = 30 else . end' && refuted answer-clock; }

# ---- protocol
@test "37: no warm-up" { of_trace "grep -v warmup" && refuted warmup-missing; }
@test "38: a warm-up cut short" { of_run '.settings.warmup_seconds = 600' warmup-short; }
@test "39: fewer repetitions than planned" { of_run '.settings.repetitions = 3' repetitions; }
@test "40: coverage below 99 %" { false_score '.coverage = 0.97' coverage; }
@test "41: a calibration that had run out" {
	sed -i 's/2027-11-01/2026-11-22/' raw/calibration_001.json && seal && refuted calibration-expired
}
@test "42: a calibration made afterwards" {
	sed -i 's/2026-11-01/2026-12-24/' raw/calibration_001.json && seal && refuted calibration-later
}
@test "43: corrected by another calibration" { of_run '.calibration = "other"' calibration-other; }
@test "44: a known load that did not verify" { of_run '.meter_check.passed = false' meter-check-failed; }
@test "45: a room of 29 degrees" { of_run '.environment.ambient_temp_c = 29' ambient; }
@test "46: the governor was ondemand" { of_run '.environment.frequency_governor = "ondemand"' governor; }
@test "47: a node that was throttled" { of_run '.environment.after = [{"host":"b","throttled":{"now":["throttled"]}}]' throttled; }
@test "48: clocks a second apart" { of_run '.clock_offset_seconds = -1' clock-offset; }
@test "49: a label that the model's file contradicts" { of_run '.model_file.quantization = "Q8_0"' label-quantization; }
@test "50: the host's clock was set meanwhile" {
	of_trace "sed '9i{\"timestamp\":1795424402.0,\"type\":\"event\",\"event\":\"clock\",\"offset\":1,\"step_seconds\":3}'" && refuted clock-step
}
@test "51: no known load was measured" { true_run '.meter_check = null' && doubted meter-check-missing; }
@test "52: the room's temperature is not known" { true_run '.environment.ambient_temp_c = null' && doubted ambient-missing; }
@test "53: repetition 1 calls itself 2" { of_run '.repetition = 2' repetition; }

# ---- suspicions
@test "54: zero energy" { false_score '.energy |= (.total_joules = 0 | .joules_per_token = 0 | .avg_watts_cluster = 0 | .kwh_total = 0)' zero-energy; }
@test "55: energy for no tokens" { false_score '.energy.total_tokens = 0' no-tokens; }
@test "56: a mean over error readings" {
	of_trace "sed -E '700,710s/\"watts\":[0-9.]*/\"watts\":-2.0/; s/,\"joules\":[0-9.]*//'" && refuted error-readings
}
@test "57: samples of 0 W between others" {
	of_trace "sed -E '700,702s/\"watts\":[0-9.]*/\"watts\":0.0/; s/,\"volts.*\"joules\":[0-9.]*//'" && doubted zero-readings
}
@test "58: a simulation that is not called one" { of_run '.simulated = true' simulated-hidden; }
@test "59: a question that counts twice" {
	zstd -dcq raw/answers_001.ndjson.zst | sed 's/"q6"/"q5"/' | zstd -q -f -o ../t && mv ../t raw/answers_001.ndjson.zst && seal && refuted question-twice
}
@test "60: more tokens than were asked for" { of_answers 'if .id == "q2" then .generated_tokens = 8 else . end' && refuted tokens-over; }
@test "61: answers of two models" { of_answers 'if .id == "q2" then .model = "N" else . end' && refuted models-mixed; }
@test "62: an idle power above that of the run" { edit epi_001.json '.net_of_idle.idle_watts = 99' && seal && doubted idle-above-run; }

# ---- repetitions
@test "63: a repetition that is a copy" {
	cp run_001.json run_002.json && cp raw/trace_001.ndjson.zst raw/trace_002.ndjson.zst
	refuted repetition-copied && [[ $output == *'"slug":"run-id-twice"'* ]]
}
@test "64: repetitions that differ in their settings" {
	jq -c '.settings.weights = "own=2" | .run_id = "r2" | .begin += 86400 | .end += 86400' run_001.json >run_002.json
	refuted repetitions-differ
}
@test "65: a repetition that is left out" { jq -c '.run_id = "r3"' run_001.json >run_003.json && refuted repetition-missing; }

@test "three repetitions of three days are accepted" {
	for n in 002 003; do zero=$((zero + 86400)) && repetition $n; done
	ok epi-verify .
	[ -z "$output" ]
}

@test "no command of the folder is run" {
	edit run_001.json '.commands = {"meter":"touch ../run","serve":"touch ../run"}'
	rm MANIFEST_001 && epi-derive . 001
	ok epi-verify .
	[ ! -e ../run ]
}

# MLPerf's Xavier NX 3d-unet: TRUTH.tsv has the published mean, 13.599974501...
# W, and the one without five readings of -2.0 W, 13.605196424... W.
@test "published data with error readings is reported as such" {
	shared mlperf
	spl=$shared/xaviernx_3dunet_SENTINEL_offline/spl.txt
	part() { epi-window --only --from 2022-02-21T01:31:10.228Z --to 2022-02-21T05:40:12.347Z; }
	# As a table that somebody made of it, which is what the figure was made of.
	{
		echo timestamp,node,watts
		sed -nE 's/^Time,(..)-(..)-(....) ([0-9:.]*),Watts,([-0-9.]*),.*/\3-\1-\2T\4Z,nx,\5/p' "$spl"
	} | epi-import --format csv | part >../t.ndjson
	take epi-verify ../t.ndjson
	[ "$status" -eq 3 ] && [ "$(jq -r 'select(.slug == "error-readings").sentence' <<<"$output")" = \
		"5 samples of nx are negative, -2.000 W again and again, as a meter writes for an error: with them the mean is 13.599975 W, without them 13.605196 W" ]
	# As it was logged, epi-import knows them for what they are.
	epi-import --format mlperf "$spl" | part >../t.ndjson
	doubtful=$(epi-verify ../t.ndjson)
	[ "$(jq -r .sentence <<<"$doubtful")" = "5 samples were lost" ]
}

@test "the other published traces have no error readings" {
	shared mlperf
	for run in rpi4_resnet50_tflite_offline rpi4_mobilenet025_singlestream; do
		epi-import --format mlperf "$shared/$run/spl.txt" >../t.ndjson 2>../told
		take epi-verify ../t.ndjson
		[[ $output != *error-readings* ]]
	done
}
