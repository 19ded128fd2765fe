# epi-verify: a clean folder is accepted; each planted defect is found.

load lib
load results

# Of the clean folder each plant_N spoils a copy, planted/N; they are verified all
# at once, and each test looks for what is said of its own.  What a derived_N
# spoils shows when the derived files are made again.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir -p m_q40/raw
	(cd m_q40 && repetition 001) || return 1
	planted plant --no-derive
	planted derived
}

# planted PREFIX OPTION...: a liar who makes his own manifest is found as well.
planted() {
	local plant folder prefix=$1
	for plant in $(compgen -A function "${prefix}_"); do
		folder=$prefix/${plant#*_}
		mkdir -p "$folder"
		cp -R m_q40 "$folder"
		(set -e; cd "$folder/m_q40"; "$plant")
	done
	status=0
	epi-verify "${@:2}" "$prefix" >"$prefix.found" 2>"$prefix.told" || status=$?
	echo "$status" >"$prefix.status"
}

setup() {
	cp -R "$BATS_FILE_TMPDIR/m_q40" "$BATS_TEST_TMPDIR/"
	cd "$BATS_TEST_TMPDIR/m_q40" || return 1
	n=001
}

seal() {
	find . -type f ! -name 'MANIFEST*' | sed 's,^\./,,' | sort | xargs sha256sum >MANIFEST_001
}

edit() {
	jq -c "$2" "$1" >../edited
	mv ../edited "$1"
	seal
}
of_run() { edit run_001.json "$1"; }
of_score() { edit epi_001.json "$1"; }
of_benchmark() { edit benchmark_001.json "$1"; }

raw() {
	zstd -dcq "raw/$1_001.ndjson.zst" | "${@:2}" | zstd -q -f -o ../t
	mv ../t "raw/$1_001.ndjson.zst"
	seal
}
of_trace() { raw trace "$@"; }
of_answers() { raw answers "$@"; }

# has SEVERITY SLUG [FILE]: of this test's folder.
has() {
	local number=${BATS_TEST_DESCRIPTION%%:*} prefix=plant
	[ ! -e "$BATS_FILE_TMPDIR/derived/$number" ] || prefix=derived
	cd "$BATS_FILE_TMPDIR" || return 1
	[ "$(cat $prefix.status)" -eq 3 ]
	[ ! -s $prefix.told ]
	grep -F "\"folder\":\"$prefix/$number/" $prefix.found | tee "$BATS_TEST_TMPDIR/found" |
		grep "^{\"type\":\"finding\",\"severity\":\"$1\",\"folder\":\"[^\"]*\",\"file\":\"${3:-[^\"]*}\",\"slug\":\"$2\",\"sentence\":\"..*\"}$"
}
refuted() { has error "$@"; }
doubted() {
	has warning "$@"
	! grep '"severity":"error"' "$BATS_TEST_TMPDIR/found"
}

@test "a clean folder: silence, status 0" {
	ok epi-verify .
	[ -z "$output" ]
}

@test "folders are found below a path, also with blanks in it" {
	cd ..
	mkdir -p 'the data/baseline'
	mv m_q40 'the data/baseline'
	ok epi-verify 'the data'
	[ -z "$output" ]
	echo >>'the data/baseline/m_q40/power_trace_001.csv'
	take epi-verify 'the data'
	[ "$status" -eq 3 ]
	[ "$(jq -r .folder <<<"$output" | sort -u)" = 'the data/baseline/m_q40' ]
}

@test "odd names: a dash, quotes, a newline" {
	cd ..
	mv m_q40 "./-it's
m_q40"
	take epi-verify -- "-it's
m_q40"
	[ "$(jq -r '"\(.slug) \(.severity) \(.folder)"' <<<"$output")" = "folder-name warning ./-it's
m_q40" ]
	fails 1 epi-verify .
	[[ $stderr == *"has a name with a newline below it"* ]]
}

@test "names of files are names, and no patterns, words or commands" {
	touch -- 'run_*.json' 'epi_a b.json' '-n' '$(touch x)'
	take epi-verify --no-derive .
	[ "$status" -eq 3 ]
	[ "$(jq -r .sentence <<<"$output" | sed -n 's/.*no number: //p')" = $'*\na b' ]
	[ "$(jq -r 'select(.slug == "file-unknown").file' <<<"$output" | sort | xargs -d '\n')" = '$(touch x) -n' ]
	[ ! -e x ]
}

@test "a backslash and a newline in a name are told as they are" {
	touch -- 'a\b' 'a\\b' $'c\nd\\n' $'raw/trace_001.\n\\'
	take epi-verify --no-derive .
	[ "$status" -eq 3 ]
	jq -rc '[.file, .slug]' <<<"$output" | LC_ALL=C sort >found
	diff found - <<-'END'
		["a\\\\b","file-unknown"]
		["a\\b","file-unknown"]
		["c\nd\\n","file-unknown"]
		["raw/trace_001.\n\\","file-unknown"]
		["raw/trace_001.\n\\","manifest-unlisted"]
	END
}

@test "a tab in a name stands in the sentence and the file alone" {
	touch -- $'run_a\tb.json' $'raw/trace_001.\tx'
	take epi-verify --no-derive .
	[ "$status" -eq 3 ]
	jq -rc '[.file, .slug, .sentence]' <<<"$output" | sort >found
	diff found - <<-'END'
		[".","repetition","has files of a repetition that is no number: a\tb"]
		["raw/trace_001.\tx","file-unknown","is no file of a results folder"]
		["raw/trace_001.\tx","manifest-unlisted","is not in MANIFEST_001"]
	END
	printf '{"timestamp":%d,"node":"a\\tb","watts":0}\n' 1 2 >'t	t'
	take epi-verify 't	t'
	jq -se '.[0] | [.file, .sentence] == ["t\tt", "a\tb has no sample over 0 W"]' <<<"$output"
}

@test "work that is not done is left alone" {
	mkdir .run_002
	echo '{' >.run_002/run_001.json
	ok epi-verify .
	[ -z "$output" ]
	cd ..
	ok epi-verify .
	[ -z "$output" ]
}

@test "a toolkit that is not whole accepts nothing" {
	mkdir ../part
	cp "$(command -v epi-verify)" ../part
	fails 1 env PATH=/usr/bin:/bin ../part/epi-verify .
	[[ $stderr == "epi-verify: epi-derive: is not there" ]]
}

@test "what is no folder, and a path without one: status 1" {
	fails 1 epi-verify nowhere
	mkdir empty
	fails 1 epi-verify empty
	[ "$stderr" = "epi-verify: empty: no results folder, and none below it" ]
	echo >>MANIFEST_001
	partly 1 epi-verify nowhere .
	[[ $output == *manifest-malformed* ]]
	fails 2 epi-verify
	fails 2 epi-verify --no-such-option .
}

@test "warnings alone are status 0, an error is status 3" {
	cd "$BATS_FILE_TMPDIR/plant"
	ok epi-verify --no-derive 51 >../warned
	[ -s ../warned ]
	take epi-verify --no-derive 1
	[ "$status" -eq 3 ]
}

@test "of many folders, each has what it has alone" {
	cd "$BATS_FILE_TMPDIR"
	for number in 6 10 20 64; do
		take epi-verify --no-derive plant/$number
		grep -F "\"folder\":\"plant/$number/" plant.found | diff - <(printf '%s\n' "$output")
	done
}

# The root of these machines may read all: find is one that may not.
@test "a folder that cannot be looked into: told, status 1, and the rest is verified" {
	mkdir ../beside
	ln -s "${EPI_BIN:-$root/bin}"/* ../beside
	printf '#!/bin/sh\n/usr/bin/find "$@"\ncase "$*" in *prune*) echo "find: shut: Permission denied" >&2; exit 1 ;; esac\n' >../beside/find
	chmod +x ../beside/find
	cd ..
	echo >>m_q40/power_trace_001.csv
	partly 1 beside/epi-verify .
	[ "$stderr" = "epi-verify: shut: Permission denied" ]
	[[ $output == *manifest-hash* ]]
}

# A file may have four blocks, of 512 or 1024 bytes.
@test "no room for what is found: status 1, and not that all is well" {
	of_score '.energy.kwh_total = 1'
	status=0
	(trap '' XFSZ; ulimit -f 4; epi-verify --no-derive . >../found 2>../told) || status=$?
	[ "$status" -eq 1 ]
	grep -q '^epi-verify: what was found cannot be kept' ../told
}

@test "a trace alone: what is in it, that it is empty, that it cannot be read" {
	zstd -dcq raw/trace_001.ndjson.zst >trace
	ok epi-verify trace
	[ -z "$output" ]
	: >trace
	take epi-verify trace
	[ "$status" -eq 3 ]
	[ "$(jq -r '"\(.file) \(.slug)"' <<<"$output")" = "trace no-samples" ]
	fails 1 epi-verify /proc/self/mem
	[ "$stderr" = "epi-verify: /proc/self/mem: Input/output error" ]
}

@test "called by a relative name, it runs no program of the folder" {
	ln -s "${EPI_BIN:-$root/bin}" ../bin
	mkdir bin
	printf '#!/bin/sh\ntouch "%s/ran"\n' "$PWD" >bin/epi-score
	chmod +x bin/epi-score
	cd ..
	take bin/epi-verify m_q40
	[ "$(jq -r .slug <<<"$output")" = file-unknown ]
	[ ! -e m_q40/ran ]
}

# ---- files and hashes
plant_1() { rm MANIFEST_001; }
@test "1: no manifest" { refuted manifest-missing; }
plant_2() { echo >>raw/calibration_001.json; }
@test "2: a raw file that is not the manifest's" { refuted manifest-hash; }
plant_3() { rm raw/calibration_001.json; }
@test "3: a file of the manifest is gone" { refuted manifest-absent; }
plant_4() { cp raw/calibration_001.json raw/truth_001.ndjson; }
@test "4: a file that is not in the manifest" { refuted manifest-unlisted; }
plant_5() { sed -i '1s,  .*,  ../../secret,' MANIFEST_001; }
@test "5: a manifest that leads out of the folder" { refuted manifest-malformed; }
plant_6() { ln -s /etc/passwd raw/items_001.ndjson.zst; }
@test "6: a link" { refuted link; }
plant_7() { echo >notes.txt; }
@test "7: a file of something else" { doubted file-unknown; }
plant_8() { rm raw/trace_001.ndjson.zst; }
@test "8: no trace" { refuted missing; }
plant_9() { truncate -s -9 raw/trace_001.ndjson.zst; }
@test "9: a cut trace" { refuted cut; }
plant_10() { echo '{' >run_001.json; }
@test "10: a run that is no JSON" { refuted schema; }
plant_11() { edit run_001.json 'del(.begin)'; }
@test "11: a run without a begin" { refuted schema; }
plant_12() { of_score 'del(.run_metadata)'; }
@test "12: a score without a group" { refuted schema; }
plant_13() { of_score '.energy.total_joules |= tostring'; }
@test "13: a score whose joules are text" { refuted units; }
plant_14() { mv ../m_q40 ../M_Q40; }
@test "14: a folder with capitals" { doubted folder-name; }

# ---- derived from raw
derived_15() {
	sed -i '5s/[0-9.]*$/5.999/' power_trace_001.csv
	seal
}
@test "15: a power trace with a sample changed" { refuted derived-differs; }
derived_16() { of_benchmark '.correct = 8 | .accuracy = 1'; }
@test "16: a benchmark with one more right" { refuted derived-differs; }
derived_17() { of_score '.inputs[0].sha256 = "00"'; }
@test "17: a score of other raw files" { refuted derived-differs; }
derived_18() { of_score '.derived.epi = "9.9"'; }
@test "18: a score by another version" { doubted derived-version; }
derived_19() { of_answers jq -c '.generated_tokens = null'; }
@test "19: raw files that give no score" { refuted derive-failed; }

# ---- physics
plant_20() { of_score '.energy |= (.total_joules *= 2 | .joules_per_token *= 2 | .avg_watts_cluster *= 2 | .kwh_total *= 2)'; }
@test "20: joules are not the integral" { refuted energy-integral; }
plant_21() { of_score '.energy.avg_watts_cluster *= 1.01'; }
@test "21: joules are not watts x seconds" { refuted watts-seconds; }
plant_22() { of_score '.energy.joules_per_token *= 0.9'; }
@test "22: J/token are not joules over tokens" { refuted joules-per-token; }
plant_23() { of_score '.energy.kwh_total *= 1000'; }
@test "23: kWh are not the joules" { refuted kwh; }
plant_24() { of_score '.energy.peak_watts_cluster = 1'; }
@test "24: a peak below the mean" { refuted peak; }
plant_25() { of_score '.energy.duration_seconds = 39'; }
@test "25: another duration than the run's" { refuted duration; }
plant_26() { of_score '.epi.value *= 0.5'; }
@test "26: an EPI that is not J/token over accuracy" { refuted epi; }
plant_27() { of_score '.accuracy.own_0shot = 1.2'; }
@test "27: accuracy beyond 1" { refuted accuracy-range; }
plant_28() { of_score '.accuracy.composite = 0.9'; }
@test "28: a composite that is not the mean" { refuted composite; }
plant_29() { of_score '.energy.total_tokens = 160'; }
@test "29: tokens that nobody generated" { refuted tokens-sum; }
plant_30() { of_benchmark '.correct = 9'; }
@test "30: more right than asked" { refuted correct-questions; }
plant_31() { of_trace sed 's/"joules":\([0-9]*\)/"joules":1\1/'; }
@test "31: the counter against the trapezoid" { refuted counter-trapezoid; }
plant_32() { of_trace sed 's/"power_factor":0.600/"power_factor":0.900/'; }
@test "32: watts that are not V x A x PF" { refuted watts-volts-amps; }
plant_33() { of_trace sed '9s/"power_factor":0.600/"power_factor":1.600/'; }
@test "33: a power factor beyond 1" { refuted power-factor-range; }
plant_34() { of_answers jq -c '.max_tokens = 0 | if .id == "q2" then .generated_tokens = 900000 else . end'; }
@test "34: an answer faster than any machine" { refuted answer-rate; }
plant_35() { of_answers jq -c 'if .id == "q2" then .end = .begin - 1 else . end'; }
@test "35: an answer that ends before it begins" { refuted answers-backwards; }
plant_36() { of_answers jq -c 'if .id == "q2" then .seconds = 30 else . end'; }
@test "36: two clocks that disagree about an answer" { refuted answer-clock; }

# ---- protocol
plant_37() { of_trace grep -v warmup; }
@test "37: no warm-up" { refuted warmup-missing; }
plant_38() { of_run '.settings.warmup_seconds = 600'; }
@test "38: a warm-up cut short" { refuted warmup-short; }
plant_39() { of_run '.settings.repetitions = 3'; }
@test "39: fewer repetitions than planned" { refuted repetitions; }
plant_40() { of_score '.coverage = 0.97'; }
@test "40: coverage below 99 %" { refuted coverage; }
plant_41() {
	sed -i 's/1825027200.0/1795305600.0/' raw/calibration_001.json
	seal
}
@test "41: a calibration that had run out" { refuted calibration-expired; }
plant_42() {
	sed -i 's/1793491200.0/1798070400.0/' raw/calibration_001.json
	seal
}
@test "42: a calibration made afterwards" { refuted calibration-later; }
plant_43() { of_run '.calibration = "other"'; }
@test "43: corrected by another calibration" { refuted calibration-other; }
plant_44() { of_run '.meter_check.passed = false'; }
@test "44: a known load that did not verify" { refuted meter-check-failed; }
plant_45() { of_run '.environment.ambient_temp_c = 29'; }
@test "45: a room of 29 degrees" { refuted ambient; }
plant_46() { of_run '.environment.frequency_governor = "ondemand"'; }
@test "46: the governor was ondemand" { refuted governor; }
plant_47() { of_run '.environment.after = [{"host":"b","throttled":{"now":["throttled"]}}]'; }
@test "47: a node that was throttled" { refuted throttled; }
plant_48() { of_run '.clock_offset_seconds = -1'; }
@test "48: clocks a second apart" { refuted clock-offset; }
plant_49() { of_run '.model_file.quantization = "Q8_0"'; }
@test "49: a label that the model's file contradicts" { refuted label-quantization; }
plant_50() { of_trace sed '9i{"timestamp":1795424402.0,"type":"event","event":"clock","offset":1,"step_seconds":3}'; }
@test "50: the host's clock was set meanwhile" { refuted clock-step; }
plant_51() { of_run '.meter_check = null'; }
@test "51: no known load was measured" { doubted meter-check-missing; }
plant_52() { of_run '.environment.ambient_temp_c = null'; }
@test "52: the room's temperature is not known" { doubted ambient-missing; }
plant_53() { of_run '.repetition = 2'; }
@test "53: repetition 1 calls itself 2" { refuted repetition; }

# ---- suspicions
plant_54() { of_score '.energy |= (.total_joules = 0 | .joules_per_token = 0 | .avg_watts_cluster = 0 | .kwh_total = 0)'; }
@test "54: zero energy" { refuted zero-energy; }
plant_55() { of_score '.energy.total_tokens = 0'; }
@test "55: energy for no tokens" { refuted no-tokens; }
plant_56() { of_trace sed -E '700,710s/"watts":[0-9.]*/"watts":-2.0/; s/,"joules":[0-9.]*//'; }
@test "56: a mean over error readings" { refuted error-readings; }
plant_57() { of_trace sed -E '700,702s/"watts":[0-9.]*/"watts":0.0/; s/,"volts.*"joules":[0-9.]*//'; }
@test "57: samples of 0 W between others" { doubted zero-readings; }
plant_58() { of_run '.simulated = true'; }
@test "58: a simulation that is not called one" { refuted simulated-hidden; }
plant_59() { of_answers sed 's/"q6"/"q5"/'; }
@test "59: a question that counts twice" { refuted question-twice; }
plant_60() { of_answers jq -c 'if .id == "q2" then .generated_tokens = 8 else . end'; }
@test "60: more tokens than were asked for" { refuted tokens-over; }
plant_61() { of_answers jq -c 'if .id == "q2" then .model = "N" else . end'; }
@test "61: answers of two models" { refuted models-mixed; }
plant_62() { of_score '.net_of_idle.idle_watts = 99'; }
@test "62: an idle power above that of the run" { doubted idle-above-run; }

# ---- repetitions
plant_63() {
	cp run_001.json run_002.json
	cp raw/trace_001.ndjson.zst raw/trace_002.ndjson.zst
}
@test "63: a repetition that is a copy" {
	refuted repetition-copied
	refuted run-id-twice
}
plant_64() { jq -c '.settings.weights = "own=2" | .run_id = "r2" | .begin += 86400 | .end += 86400' run_001.json >run_002.json; }
@test "64: repetitions that differ in their settings" { refuted repetitions-differ; }
plant_65() { jq -c '.run_id = "r3"' run_001.json >run_003.json; }
@test "65: a repetition that is left out" { refuted repetition-missing; }
plant_66() { cp epi_001.json epi_002.json; }
@test "66: a score of a run that is not there" { refuted missing run_002.json; }
plant_67() { rm run_001.json epi_001.json benchmark_001.json power_trace_001.csv raw/*; }
@test "67: a manifest alone" { refuted manifest-absent; }
plant_68() { of_trace grep -v watts; }
@test "68: a trace without samples" { refuted no-samples; }
plant_69() { cp MANIFEST_001 MANIFEST_1a; }
@test "69: files of a repetition that has no number" { refuted repetition; }
plant_70() { of_answers sed '3s/./?/'; }
@test "70: an answer that is no JSON" { refuted schema raw/answers_001.ndjson.zst; }
plant_71() { echo '[1]' >run_001.json; }
@test "71: a run that is JSON, and no object" { refuted schema run_001.json; }
plant_72() { echo '"epi"' >epi_001.json; }
@test "72: a score that is JSON, and no object" { refuted schema epi_001.json; }
plant_73() { echo '[]' >benchmark_001.json; }
@test "73: an accuracy that is JSON, and no object" { refuted schema benchmark_001.json; }

plant_74() {
	sed -i 's/1825027200.0/"2026-11-22T00:00:00Z"/' raw/calibration_001.json
	seal
}
@test "74: a calibration that had run out, its date in words" { refuted calibration-expired; }
plant_75() {
	: >epi_001.json
	seal
}
@test "75: an empty score" { refuted schema epi_001.json; }
plant_76() {
	: >run_001.json
	seal
}
@test "76: an empty run" { refuted schema run_001.json; }
plant_77() {
	{ sed -n '\,raw/calibration,s/^......../00000000/p' MANIFEST_001; cat MANIFEST_001; } >MANIFEST
	mv MANIFEST MANIFEST_001
}
@test "77: a file with two hashes, one of them wrong" { refuted manifest-malformed; }
plant_78() { of_run '.node_check = { passed: false, channels: [] }'; }
@test "78: nodes that were not measured under their own names" { refuted nodes-unknown; }
plant_79() { of_score '.warnings += ["tokens-twice: 1 of 2 tokens records have begin, end and counts of another one"]'; }
@test "79: a score that was refused, and written all the same" { refuted forced epi_001.json; }

# all_right: 8 of 8, where the answers have 7, through to the EPI.
all_right() {
	of_benchmark '.correct = 8 | .accuracy = 1 | .accuracy_upper = 1'
	of_score '.accuracy[.accuracy | keys[] | select(startswith("own") or . == "composite")] = 1 |
		.benchmarks[0] *= { correct: 8, accuracy: 1 } | .epi *= { accuracy_composite: 1, value: .epi.joules_per_token }'
}
derived_80() { all_right && of_score '.derived.epi = "9.9"'; }
@test "80: more right than the answers have, by another version" { refuted accuracy-answers; }
half_the_power() {
	awk -F , -v OFS=, 'NR > 1 { $NF /= 2 } { print }' power_trace_001.csv >../t
	mv ../t power_trace_001.csv
	of_score '.energy |= (.total_joules /= 2 | .joules_per_token /= 2 | .avg_watts_cluster /= 2 | .kwh_total /= 2) |
		.epi |= (.joules_per_token /= 2 | .value /= 2) | .net_of_idle = null'
}
derived_82() { half_the_power && of_score '.derived.epi = "9.9"'; }
@test "82: half the joules of the trace, by another version" { refuted energy-trace; }
plant_81() { all_right && of_benchmark '.correct = 7 | .accuracy = 0.875'; }
@test "81: a score of another accuracy than the benchmark has" { refuted accuracy-other; }

called_mmlu() {
	of_benchmark ".benchmark = \"mmlu\" | .benchmark_questions = $1"
	of_score '.benchmarks[0].benchmark = "mmlu" | .accuracy.mmlu_0shot = .accuracy.own_0shot'
}
plant_83() { called_mmlu 100; }
@test "83: a part of MMLU that is called by its name" { doubted benchmark-part; }
plant_84() { called_mmlu 14042; }
@test "84: all of MMLU is no part of it" { ! has warning benchmark-part || false; }

plant_85() {
	edit benchmark_001.json '., (.benchmark = "two")'
	of_score '.benchmarks += [.benchmarks[0] | .benchmark = "two"] | .accuracy.two_0shot = .accuracy.own_0shot'
}
@test "85: of two benchmarks each has its own accuracy" { ! has error accuracy-other || false; }

@test "three repetitions of three days are accepted" {
	for n in 002 003; do
		zero=$((zero + 86400))
		repetition $n
	done
	ok epi-verify .
	[ -z "$output" ]
}

@test "no command of the folder is run" {
	edit run_001.json '.commands = {"meter":"touch ../run","serve":"touch ../run"}'
	rm MANIFEST_001
	epi-derive . 001
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
	[ "$status" -eq 3 ]
	[ "$(jq -r 'select(.slug == "error-readings").sentence' <<<"$output")" = \
		"5 samples of nx are negative, -2.000 W again and again, as a meter writes for an error: with them the mean is 13.599975 W, without them 13.605196 W" ]
	# As it was logged, epi-import knows them for what they are.
	epi-import --format mlperf "$spl" | part >../t.ndjson
	doubtful=$(epi-verify ../t.ndjson)
	[ "$(jq -r .sentence <<<"$doubtful")" = "5 samples were lost" ]
}

@test "in the other published traces nothing is wrong" {
	shared mlperf
	for run in rpi4_resnet50_tflite_offline rpi4_mobilenet025_singlestream; do
		epi-import --format mlperf "$shared/$run/spl.txt" >../t.ndjson 2>../told
		ok epi-verify ../t.ndjson
		[ -z "$output" ]
	done
}
