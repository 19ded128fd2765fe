load lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	command -v gnuplot >where || skip "no gnuplot (make deps)"
	cat >trace <<-END
		{"timestamp":100,"type":"event","event":"start","instrument":"bench meter","rate_hz":1,"nodes":["a","b"]}
		{"timestamp":100,"node":"a","watts":4}
		{"timestamp":100,"node":"b","watts":5}
		{"timestamp":101,"node":"a","watts":6}
		{"timestamp":101,"node":"b","watts":5}
		{"timestamp":104,"node":"a","watts":2}
		{"timestamp":104,"node":"b","watts":1}
		{"timestamp":104,"type":"event","event":"stop"}
	END
}

# score MODEL J/TOKEN ACCURACY: a score record, of no uncertainty.
score() {
	jq -nc --arg model "$1" --argjson j "$2" --argjson a "$3" '{type: "score", model: $model,
		instrument: "bench meter", evidence: "calibrated", energy: {joules_per_token: $j},
		accuracy: {composite: $a}, epi: {value: ($j / $a)}, budget: []}'
}

# well_formed FILE: XML, and no id twice.
well_formed() {
	if command -v xmllint >/dev/null; then xmllint --noout "$1"; else python3 -c \
		'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' "$1"; fi
	[ -z "$(grep -oE "\bid=['\"][^'\"]*" "$1" | tr \" \' | sort | uniq -d)" ]
}

# draw ARGUMENT...: a picture, in the file picture.
draw() {
	ok epi-plot "$@" >picture
}

# lacks FILE PATTERN: no line of it has that.
lacks() {
	! grep -qE "$2" "$1" || wrong "in $1: $2" grep
}

# letters FILE: what a picture says.
letters() { sed -n 's/<\/*[a-z][^>]*>//gp' "$1" | tr -s ' \t\n' ' '; }

# says FILE WORD...: what the picture's letters, or its description, say.
says() {
	local word said
	said=$(letters "$1")
	for word in "${@:2}"; do
		[[ $said == *"$word"* ]] || wrong "not in $1: $word" sed || return 1
	done
}

@test "a trace: each node and all of them, with unit, instrument and evidence" {
	ok epi-plot trace trace >trace.svg
	well_formed trace.svg
	says trace.svg 'all 2 nodes' a b watts 'seconds since 1970-01-01T00:01:40Z' \
		'bench meter, 1 Hz, uncalibrated' '6 samples, all drawn'
}

@test "its data: watts of each time, all nodes added, a gap where there was one" {
	draw trace --keep kept trace
	[ "$(tail -n +2 kept/node-1.tsv)" = $'0.000000\t4\n1.000000\t6\n\n4.000000\t2' ]
	[ "$(tail -n +2 kept/all.tsv)" = $'0.000000\t9\n1.000000\t11\n\n4.000000\t3' ]
}

@test "a sample that stands twice is one, and no sample of another node" {
	jq -c 'select(.timestamp != 101 or .node != "b") | if .watts and .timestamp > 100 then (., .) else . end' trace >in
	ok epi-plot trace --keep kept in >picture
	[ "$(cat kept/all.tsv)" = $'# seconds since 100.000000\twatts\n0.000000\t9\n\n4.000000\t3' ]
	says picture '5 samples, all drawn'
}

@test "a sample is where it belongs, to the pixel" {
	printf '{"timestamp":%d,"node":"a","watts":%d}\n' 0 10 10 50 >two
	ok epi-plot trace --size 400x300 two >two.svg
	# Two lines of caption leave 136 px, from 60 to 196, for 50 W and 5 % more:
	# 10 W are at 196 - 136 * 10 / 52.5 = 170.095, 50 W at 196 - 129.524 = 66.476.
	grep -qE "d='M70\.00,170\.(09|10) L37[56]\.[0-9]+,66\.4[6-9]'" two.svg
}

@test "a long trace is thinned, and keeps its one peak and its one dip" {
	jq -nc 'range(100000) | {timestamp: (. / 100), node: "a",
		watts: (if . == 77777 then 9 elif . == 33333 then 1 else 5 end)}' >long
	draw trace --size 400x300 --keep kept long
	[ "$(wc -l <kept/node-1.tsv)" -le 1601 ]
	grep -qx $'777.770000\t9' kept/node-1.tsv
	grep -qx $'333.330000\t1' kept/node-1.tsv
	[ "$(tail -n 1 kept/node-1.tsv)" = $'999.990000\t5' ]
}

@test "thinned or not, columns are the same whatever the order of nodes" {
	jq -nc 'range(3000) | {timestamp: ., node: "a", watts: (. % 7)}, {timestamp: ., node: "b", watts: 1}' >one
	sort -sk 2 -t , one >other
	draw trace --keep kept one
	draw trace --keep kept2 other
	cmp kept/node-1.tsv kept2/node-1.tsv
}

@test "many nodes without a common time have a place each" {
	for i in $(seq 14); do printf '{"timestamp":%s.%02d,"node":"n%d","watts":5}\n' 100 "$i" "$i" 101 "$i" "$i"; done | LC_ALL=C sort >in
	ok epi-plot trace in >svg
	grep -q 'height="1276"' svg # 240 + 14 x 74
}

@test "names of nodes that CSV has to quote" {
	printf '%s\n' '{"timestamp":0,"node":"rack 1, \"left\"","watts":1}' \
		'{"timestamp":1,"node":"rack 1, \"left\"","watts":2}' >odd
	ok epi-plot trace odd >odd.svg
	well_formed odd.svg
	says odd.svg 'rack 1, "left"'
}

@test "phases: marks and tokens, their seconds, joules and mean watts" {
	cat trace - >in <<-END
		{"timestamp":100,"type":"event","event":"mark","label":"idle","edge":"begin"}
		{"timestamp":101,"type":"event","event":"mark","label":"idle","edge":"end"}
		{"type":"tokens","prefill_seconds":0.25,"decode_seconds":0.25,"requests":1,"begin":100.5,"end":101}
	END
	ok epi-plot phases in >phases.svg
	well_formed phases.svg
	# idle: (9 + 11) / 2 W for 1 s; prefill: from 10 W to 10.5 W; decode: to 11 W
	says phases.svg idle prefill decode '10.00 J' '10.0 W' '2.563 J' '10.3 W' '2.688 J' '10.8 W'
}

@test "phases: what is marked is not drawn a second time from the log" {
	mark() { printf '{"timestamp":%s,"type":"event","event":"mark","label":"%s","edge":"%s"}\n' "$@"; }
	{
		cat trace
		mark 100.5 decode begin
		mark 101 decode end
		mark 100 "pp8 (2)" begin
		mark 100.25 "pp8 (2)" end
		echo '{"type":"tokens","prefill_seconds":0.25,"decode_seconds":0.125,"requests":1,"begin":100.25,"end":101}'
		echo '{"type":"tokens","test":"pp8","prefill_seconds":0.25,"decode_seconds":0,"requests":2,"begin":100,"end":100.25}'
	} >in
	ok epi-plot phases in >phases.svg
	# pp8: from 9 W to 9.5 W; prefill: to 10 W; decode: to 11 W
	says phases.svg 'pp8 (2)' '2.313 J' prefill '2.438 J' decode '5.250 J'
	[[ $(letters phases.svg) != *times* ]]
}

# 1 W for 11 s in files of a second each, of which the last line has no newline.
@test "phases: many files are one stream in their order, each line whole" {
	printf '{"timestamp":%s,"type":"event","event":"mark","label":"run","edge":"%s"}\n' 100 begin 111 end >marks
	for i in $(seq 100 111); do printf '{"timestamp":%d,"node":"a","watts":1}' "$i" >"$i"; done
	ok epi-plot phases marks $(seq 100 111) >phases.svg
	says phases.svg '11.00 s' '11.00 J' '1.00 W'
}

@test "phases: samples of which none was added up are told" {
	cat trace - >in <<-END
		{"timestamp":100,"type":"event","event":"mark","label":"run","edge":"begin"}
		{"timestamp":104,"type":"event","event":"mark","label":"run","edge":"end"}
		{"timestamp":103,"node":"a","watts":900}
	END
	partly 1 epi-plot phases in >phases.svg
	[[ $stderr == "epi-plot: time goes backwards for its node"* ]]
}

# From 100 to 102 with samples from 101 on: 5 J in a second, a mean of 5 W; and 5 J in
# another second.
@test "phases: mean power of the time measured, and which share that is" {
	printf '{"timestamp":%s,"type":"event","event":"mark","label":"%s","edge":"%s"}\n' 100 run begin 102 run end 102 rest begin 103 rest end >in
	printf '{"timestamp":%d,"node":"a","watts":5}\n' 101 102 103 >>in
	ok epi-plot phases in >phases.svg
	says phases.svg '2.000 s' '5.000 J' '5.00 W' 'Of run 50 % was measured.'
	[[ $(letters phases.svg) != *"2.50 W"* && $(letters phases.svg) != *"Of rest"* ]]
}

@test "phases, and what was lost, of times in RFC 3339" {
	cat trace - >in <<-END
		{"timestamp":"1970-01-01T00:01:40.5Z","type":"event","event":"mark","label":"run","edge":"begin"}
		{"timestamp":"1970-01-01T02:01:41+02:00","type":"event","event":"mark","label":"run","edge":"end"}
		{"timestamp":101,"type":"event","event":"gap","begin":"1970-01-01T00:01:41Z","end":"1970-01-01T00:01:44Z"}
	END
	ok epi-plot phases in >phases.svg
	says phases.svg '0.5000 s' '5.250 J' 'Hatched: 1 time' # from 10 W to 11 W
}

@test "samples of one time have no line" {
	echo '{"timestamp":100,"node":"a","watts":4}' >in
	fails 1 epi-plot trace in
	[ "$stderr" = "epi-plot: no line to draw: all samples are of one time" ]
}

@test "phases without any: refused" {
	fails 1 epi-plot phases trace
	[[ $stderr == *"no phase to draw"* ]]
}

@test "what was lost is told" {
	{ sed '$d' trace && echo '{"type":"event","event":"gap","timestamp":104,"begin":101,"end":104}' && sed -n '$p' trace; } >lost
	ok epi-plot trace lost >lost.svg
	says lost.svg 'Hatched: 1 time that nothing was measured'
}

@test "a trace that broke off: drawn, told, and status 1" {
	sed '$d' trace >cut
	partly 1 epi-plot trace cut >cut.svg
	says cut.svg 'broke off'
	[[ $stderr == "epi-plot: "*"no stop"* ]]
}

@test "SIMULATED is plain to see, in the frame and in the caption" {
	sed '1s/}$/,"simulated":true}/' trace >simulated
	ok epi-plot trace simulated >simulated.svg
	says simulated.svg ' SIMULATED ' 'SIMULATED: this power was never measured'
	ok epi-plot trace trace >real.svg
	lacks real.svg SIMULATED
}

@test "pareto: the frontier's names, the verdicts of epi-pareto, its data" {
	{ score small 1 0.4 && score poor 2 0.3 && score large 4 0.6; } >scores
	epi-pareto scores >pareto
	cat scores pareto | ok epi-plot pareto --keep kept >pareto.svg
	well_formed pareto.svg
	says pareto.svg small large dominated 'bench meter' 'Evidence: calibrated' 'J/token'
	[ "$(tail -n +2 kept/frontier-1.tsv)" = $'1\t0.4\n4\t0.6' ]
	[ "$(tail -n +2 kept/dominated.tsv | cut -f 1-2)" = $'2\t0.3' ]
	epi-plot pareto scores | cmp - pareto.svg
}

@test "pareto: intervals are 1.96 standard uncertainties of the logarithm" {
	jq -nc '{type: "pareto", model: ("a", "b"), group: 1, cost: 10, benefit: 0.5,
		u_cost: 1, u_benefit: 0.05, verdict: "indistinguishable"}' | head -1 >one
	ok epi-plot pareto --keep kept one >one.svg
	# 10 exp(-0.196) = 8.2201, 10 exp(0.196) = 12.1653, both by bc
	awk '/^[0-9]/ { exit !($3 > 8.2200 && $3 < 8.2202 && $4 > 12.1652 && $4 < 12.1654) }' kept/indistinguishable.tsv
	says one.svg 'not distinguishable' 'Open diamonds'
}

@test "pareto: a score without an accuracy is told and left out; of such alone there is none" {
	score m 0.25 0.5 | jq -c '.epi.value = null | .accuracy.composite = null' >r
	{ cat r && score small 1 0.41 && score large 2 0.45; } >scores
	ok epi-plot pareto scores >pareto.svg
	says pareto.svg '2 scores' small large 'Without an accuracy, and not in it: 1 score.'
	fails 1 epi-plot pareto r
	[ "$stderr" = "epi-plot: no frontier to draw: no score has an accuracy" ]
}

# A name of 46 letters is cut to 20, an ellipsis and its last 13.
@test "pareto: a long name keeps its end, that tells it from the other one" {
	for q in 2:0.6:q40 5:0.65:q80; do
		IFS=: read -r j accuracy quantization <<<"$q"
		score "Qwen3-30B-A3B-Instruct-2507 very long name" "$j" "$accuracy" | jq -c --arg q "$quantization" '.quantization = $q'
	done >scores
	ok epi-plot pareto scores >pareto.svg
	says pareto.svg ' Qwen3-30B-A3B-Instru…long name q40 ' ' Qwen3-30B-A3B-Instru…long name q80 '
}

@test "pareto: in the terminal no name is written over another" {
	{ score 'DeepSeek-R1-Distill-Qwen-32B q40' 34.01 0.816 && score 'tiny q80' 61 0.85 && score llama 0.35 0.28; score big 485 0.28; } >scores
	ok epi-plot pareto --term scores >text
	grep -q 'DeepSeek-R1-Distill-Qwen-32B q40 .*tiny q80' text
}

@test "compare: ratios, intervals and verdict as epi-compare has them" {
	epi-compare "$data"/compare/{baseline,pruned}.ndjson >comparison
	ok epi-plot compare comparison >compare.svg
	well_formed compare.svg
	says compare.svg 'pruned: better' 'ratio to baseline' 0.9135 '0.8721 to 0.9568' 'within 2 %'
}

@test "repeat: each run, the median and the interval of all" {
	for run in 1 2 3; do
		head -1 "$data/compare/baseline.ndjson" | jq -c --argjson more "1.0$run" \
			'.epi.value *= $more | .energy.joules_per_token *= $more' >run_$run
	done
	epi-score --repetitions run_? >all
	ok epi-plot repeat --keep kept all >repeat.svg
	well_formed repeat.svg
	says repeat.svg baseline "$(jq -r '.epi.value * 1000 | round / 1000' all)"
	# 1250 J / 1000 / 0.542, and one, two and three hundredths more
	[ "$(tail -n +2 kept/runs.tsv | cut -f 1 | cut -c 1-6)" = $'2.3293\n2.3523\n2.3754' ]
}

# As wide as a phone: 72 for each row, and all points below the row's name.
@test "repeat: scores of the same labels are rows of their own, each run once" {
	score m 1 0.5 | jq -c '.run_metadata.run_id = "r1"' >r1
	for n in 1 2; do
		jq -c --argjson n $n '.repetitions = [{run_id: "r\($n)", epi: (2 * $n), joules_per_token: $n}] | .epi.value = 2 * $n' r1 >all_$n
	done
	ok epi-plot repeat --keep kept all_1 all_2 r1 >repeat.svg
	[ "$(tail -n +2 kept/runs.tsv)" = $'2\t0.5\n4\t1.5' ]
	[ "$(tail -n +2 kept/scores.tsv)" = $'2\t2\t2\t0.5\n4\t4\t4\t1.5' ]
}

@test "repeat: without an EPI it is of joules per token" {
	score m 0.25 0.5 | jq -c '.epi.value = null | .accuracy.composite = null' >r
	ok epi-plot repeat --keep kept r >repeat.svg
	says repeat.svg 'energy per token, J / token'
	[ "$(tail -n +2 kept/runs.tsv)" = $'0.25\t0.5' ]
	jq -c '.ci95_joules_per_token = [0.2, 0.3]' r | ok epi-plot repeat --keep kept >repeat.svg
	[ "$(cat kept/alone.tsv)" = $'0.25\t0.2\t0.3\t0.5' ]
	jq -c '.energy.joules_per_token = null' r >none
	fails 1 epi-plot repeat none
	[ "$stderr" = "epi-plot: no repetition to draw: no score has an EPI, or joules per token" ]
}

@test "repeat: names that have no room beside their rows stand above them, whole" {
	{ score Llama-3.1-8B-Instruct-abliterated 1 0.5; score Qwen3-30B-A3B-Instruct-2507 2 0.4; } >two
	for size in 360x 800x; do
		ok epi-plot repeat --size $size --keep kept-$size two >$size.svg
		well_formed $size.svg
		says $size.svg Llama-3.1-8B-Instruct-abliterated Qwen3-30B-A3B-Instruct-2507
		[ "$(grep -c … $size.svg)" -eq 0 ]
	done
	grep -q ' viewBox="0 0 360 394"' 360x.svg
	awk '!/^#/ && ($2 % 1 < 0.3 || $2 % 1 > 0.95) { exit 1 }' kept-360x/runs.tsv
	awk '!/^#/ && $2 % 1 != 0.5 { exit 1 }' kept-800x/runs.tsv
}

@test "budget: shares add up, A and B are told apart" {
	jq -nc '{type: "score", instrument: "m", evidence: "calibrated", u: 1, epi: {value: 50}, budget: [
		{source: "gain", type: "B", share: 0.5, c_relative: 0.03}, {source: "gain", type: "B", share: 0.25, c_relative: 0.04},
		{source: "noise", type: "A", share: 0.25, c_relative: 0.01}]}' >budget
	ok epi-plot budget --keep kept budget >budget.svg
	well_formed budget.svg
	# sqrt(3 % squared + 4 % squared)
	says budget.svg gain noise '75 %' '± 5.0 %' '± 1.0 %' 'standard uncertainty 1.0 (2.0 %)'
	[ "$(tail -n +2 kept/budget.tsv)" = $'75\t0.5\tB\n25\t1.5\tA' ]
}

@test "a budget in the terminal: no figure on another one" {
	score m 1 0.5 | jq -c '.u = 0.1 | .budget = [{source: "gain", type: "B", share: 1, c_relative: 0.05},
		{source: "time", type: "B", share: 4e-6, c_relative: 0.0001}]' >r
	ok epi-plot budget --term r | grep -qE 'time.* <0\.01 % +± 0\.010 %'
	ok epi-plot budget --term <(sed 's/0\.0001}/0.000012}/' r) | grep -qE 'time.* <0\.01 % +± 0\.0012 %'
}

@test "a budget: of one record, not of several, not of none" {
	fails 1 epi-plot budget <<<"$(score a 1 0.5)"
	[[ $stderr == *"no budget"* ]]
	jq -nc 'range(2) | {type: "score", budget: [{source: "x", type: "A", share: 1}]}' >two
	fails 1 epi-plot budget two
	[[ $stderr == *"2 records have a budget"* ]]
}

@test "a budget without an EPI is of joules per token" {
	score m 0.25 0.5 | jq -c '.epi.value = null | .accuracy.composite = null | .u_joules_per_token = 0.02
		| .ci95_joules_per_token = [0.2, 0.3] | .budget = [{source: "gain", type: "B", share: 1, c_relative: 0.08}]' >r
	ok epi-plot budget r >budget.svg
	says budget.svg 'What the uncertainty of the energy per token is made of' \
		'Energy per token of m: 0.2500 J / token, standard uncertainty 0.020 (8.0 %); 95 % interval 0.2000 to 0.3000.'
}

@test "the same input gives the same bytes, with no date and no program's version" {
	ok epi-plot trace trace >one
	ok epi-plot trace trace >other
	cmp one other
	lacks one "[Gg][Nn][Uu][Pp][Ll][Oo][Tt] [0-9]|$(date +%Y)"
}

@test "what is kept draws the same picture again" {
	draw trace -o trace.svg --keep "a folder/of it" trace
	cd "a folder/of it"
	sh -c "$(sed -n '1s/^# \(.*\) draws it again\.$/\1/p' plot.gp)"
	cmp plot.svg ../../trace.svg
}

@test "two pictures in one page: no id is in both, title and description are" {
	ok epi-plot trace --id one trace >one
	ok epi-plot trace --id two trace >two
	[ -z "$(grep -ohE "\bid=['\"][^'\"]*" one two | tr \" \' | sort | uniq -d)" ]
	grep -q 'role="img" aria-labelledby="one-title one-description"' one
	grep -q '<title id="one-title">Power</title>' one
	grep -q ' viewBox="0 0 800 ' one
}

@test "all that an SVG refers to is in it" {
	ok epi-plot trace trace >svg
	lacks svg "(href|src)=['\"][^#]"
	for id in $(grep -oE "href='#[^']*|url\(#[^)]*" svg | sed 's/.*#//' | sort -u); do grep -q "id='$id'" svg; done
}

@test "a PNG of twice the size in pixels, light and dark" {
	ok epi-plot trace --size 400x300 -o light.png trace
	ok epi-plot trace --dark --size 400x300 -o dark.png trace
	[ "$(head -c 8 light.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
	[ "$(od -An -j 16 -N 8 -tx1 light.png | tr -d ' \n')" = 0000032000000258 ]
	[ "$(cksum <light.png)" != "$(cksum <dark.png)" ]
}

@test "in the terminal, on a pipe: letters, in lines of 100" {
	ok epi-plot trace --term trace >text
	grep -q 'all 2 nodes' text
	! grep -qP '[^\x00-\x7f\n]|.{102}' text || wrong 'letters that are none' grep
}

@test "without a height, as high as what is drawn" {
	for model in a b c d; do score $model 1 0.5; done >four
	ok epi-plot repeat --size 640x four >four.svg
	head -n 1 four | ok epi-plot repeat --size 640x >one.svg
	# A frame of 150, and 58 for each row, for one row 110.
	grep -q ' viewBox="0 0 640 382"' four.svg
	grep -q ' viewBox="0 0 640 260"' one.svg
}

@test "the figures of an axis have as many decimals as one another" {
	{ score small 1 0.41 && score large 2 0.45; } >scores
	ok epi-plot pareto scores >svg
	sed -n 's|.*<text>\(0\.4[0-9]*\)</text>.*|\1|p' svg >figures
	[ "$(wc -l <figures)" -ge 4 ]
	[ "$(awk '{ print length }' figures | sort -u)" -eq "$(awk 'NR == 1 { print length }' figures)" ]
}

# 372 px for 0.0157 to 0.0199: 44 px for each 0.0005, where "0.0160" takes 46.
@test "the figures of an axis do not run into one another" {
	{ score m 0.016 1 && score m 0.0196 1; } >scores
	ok epi-plot repeat --size 480x200 scores >svg
	[ "$(sed -n 's|.*<text>\(0\.0[0-9]*\)</text>.*|\1|p' svg | xargs)" = "0.016 0.017 0.018 0.019" ]
}

@test "a title, a size and axes of one's own; hostile ones are text" {
	ok epi-plot trace --title '`touch x` <b> & '\''"$(touch x)\' --ylabel 'W & <W>' --size 640x360 trace >svg
	well_formed svg
	says svg '`touch x` &lt;b> &amp;' '"$(touch x)\' 'W &amp; &lt;W>'
	[ ! -e x ]
}

@test "names of models are text, whatever is in them" {
	{ score $'`touch x`\'"\n\e[31m{a}_b^c' 1 0.4; score '</text><script>' 2 0.5; } >scores
	ok epi-plot pareto scores >svg
	well_formed svg
	lacks svg '<script'
	[ ! -e x ]
}

@test "names of files with spaces, quotes and newlines" {
	mkdir $'a "b\'\n c'
	cp trace $'a "b\'\n c/-trace'
	cd $'a "b\'\n c'
	draw trace -o $'x \'y"\n.svg' --keep "k '" -- -trace
	[ -s $'x \'y"\n.svg' ] && [ -s "k '/plot.gp" ]
}

@test "an output that cannot be written leaves what was there" {
	fails 1 epi-plot trace -o no/where.svg trace
	[[ $stderr == "epi-plot: no/where.svg: "* ]]
	echo old >old.svg
	fails 1 epi-plot trace -o old.svg empty
	[ "$(cat old.svg)" = old ]
}

@test "no gnuplot: one line, status 1" {
	mkdir tools
	for tool in sh dirname tr printf; do ln -s "$(command -v $tool)" tools/; done
	ln -s "$(command -v epi-plot)" tools/
	PATH=tools fails 1 tools/epi-plot trace trace
	[ "$stderr" = "epi-plot: no gnuplot (make deps)" ]
}

@test "a malformed record is told with its line, the rest is drawn" {
	{ score a 1 0.5 && echo nonsense && score b 2 0.6; } >bad
	partly 1 epi-plot pareto bad >svg
	[[ $stderr == *"epi-plot: bad:2: not a JSON record"* ]]
	says svg a b
}

@test "what is wrong with a command line: status 2" {
	fails 2 epi-plot
	fails 2 epi-plot histogram
	fails 2 epi-plot trace --size 800
	fails 2 epi-plot trace --size 100x100
	fails 2 epi-plot trace -o picture.gif
	fails 2 epi-plot trace --id 1x
	fails 2 epi-plot trace --run x
	fails 2 epi-plot trace --title
}

@test "a results folder: scores of repetitions, the trace of one run" {
	mkdir -p data/baseline/m_q4/raw
	head -1 "$data/compare/baseline.ndjson" >data/baseline/m_q4/epi_001.json
	jq -c '.energy.joules_per_token *= 1.01' data/baseline/m_q4/epi_001.json >data/baseline/m_q4/epi_002.json
	printf 'timestamp,node,watts\n%d,a,5\n' 100 >data/baseline/m_q4/power_trace_001.csv
	printf '%d,a,5\n' 101 102 >>data/baseline/m_q4/power_trace_001.csv
	draw repeat data --keep kept
	[ "$(tail -n +2 kept/runs.tsv | wc -l)" -eq 2 ]
	draw trace data/baseline/m_q4 --keep kept2
	[ "$(tail -n +2 kept2/node-1.tsv)" = $'0.000000\t5\n1.000000\t5\n2.000000\t5' ]
	fails 1 epi-plot trace data --run 007
	mkdir data/baseline/m_q4/.derive_001.x
	cp data/baseline/m_q4/epi_001.json data/baseline/m_q4/.derive_001.x
	ok epi-plot trace data | cmp - picture # what is not done is no configuration
	mv data $'a\n\' b'
	ok epi-plot trace $'a\n\' b' --run 001 | cmp - picture
}

@test "a score of a folder that is none is told, and the others are drawn" {
	mkdir a b c
	score small 1 0.41 >a/epi_001.json
	: >b/epi_001.json
	echo '{"type":"score' >c/epi_001.json
	partly 1 epi-plot pareto . >svg
	says svg small '1 score.'
	[ "$stderr" = $'epi-plot: b/epi_001.json: not one record of type score\nepi-plot: c/epi_001.json: not one record of type score' ]
}

@test "of a folder that was cut, the trace of 1 Hz, with its marks" {
	mkdir -p m_q4/raw
	head -1 "$data/compare/baseline.ndjson" >m_q4/epi_001.json
	printf 'timestamp,node,watts\n%d,a,5\n' 100 >m_q4/power_trace_001.csv
	{ echo '{"type":"cut","rate_hz":1}' && sed '$d' trace
	printf '{"timestamp":%s,"type":"event","event":"mark","label":"run","edge":"%s"}\n' 100 begin 101 end
	tail -1 trace; } | zstd -q -o m_q4/raw/trace_001.1hz.ndjson.zst
	ok epi-plot phases m_q4 >phases.svg
	says phases.svg 'bench meter' run '10.00 J' # (9 + 11) / 2 W for 1 s
}

# A log that tells of no tokens is none of the run's faults; a cut one is.
@test "a run's engine log that is cut is told, the rest is drawn" {
	mkdir -p m/raw
	echo '{"type":"score"}' >m/epi_001.json
	{ cat trace && printf '{"timestamp":%d,"type":"event","event":"mark","label":"run","edge":"%s"}\n' 100 begin 101 end; } |
		zstd -q -o m/raw/trace_001.ndjson.zst
	seq 10000 | zstd -q -o m/raw/engine_001.log.zst
	warns epi-plot phases m >whole.svg
	[[ $stderr == "epi-plot: engine_001.log: uncountable: "* ]]
	truncate -s -9 m/raw/engine_001.log.zst
	partly 1 epi-plot phases m >cut.svg
	[[ $stderr == "epi-plot: $PWD/m/./raw/engine_001.log.zst: cannot be unpacked" ]]
	cmp whole.svg cut.svg
}

@test "called by a relative name, it runs no program of the folder" {
	ln -s "${EPI_BIN:-$root/bin}" bin
	mkdir -p m/bin
	echo '{"type":"score"}' >m/epi_001.json
	printf '#!/bin/sh\ntouch "%s/ran"\n' "$PWD" >m/bin/find
	chmod +x m/bin/find
	take bin/epi-plot repeat m
	[ ! -e ran ]
	[[ $stderr != *"no epi_NNN.json in it"* ]]
}

@test "-o of a folder: one line, status 1" {
	mkdir place.svg
	fails 1 epi-plot trace -o place.svg trace
	[ "$stderr" = "epi-plot: place.svg: cannot be written" ]
}

# The five are the readings of -2.0 W that TRUTH.tsv tells of, as samples lost.
@test "a published trace: its hours, its samples, and five short gaps that can be seen" {
	shared mlperf
	spl=$shared/xaviernx_3dunet_SENTINEL_offline/spl.txt
	epi-import --format mlperf "$spl" >real 2>told
	ok epi-plot trace --size 800x460 --keep kept real >real.svg
	well_formed real.svg
	says real.svg 'hours since 2022-02-21T01:30:45Z' 'SPEC PTDaemon' 'Hatched: 5 times' \
		"$(($(grep -c '^Time' "$spl") - 5)) samples" ' 0.5 1.0 1.5 ' ' 0 2 4 6 '
	# 4.16 hours are 706 px: a second of them is a twentieth of one.
	grep -oE "first [0-9.]+, graph 0 to first [0-9.]+" kept/plot.gp |
		awk '{ if (($7 - $2) / 4.16 * 706 < 2.9) bad++; n++ } END { exit n != 5 || bad }'
}

@test "published traces of boards and of a server" {
	shared mlperf
	for run in llm_gptj_offline orin_bert_offline rpi4_mobilenet025_singlestream; do
		spl=$shared/$run/spl.txt
		epi-import --format mlperf "$spl" 2>told | epi-plot trace >real.svg
		well_formed real.svg
		says real.svg 'minutes since' "$(grep -c '^Time' "$spl") samples"
	done
}

@test "the axes of a frontier are what epi-pareto was asked for" {
	for i in 1 2; do
		echo "{\"type\":\"score\",\"model\":\"m$i\",\"energy\":{\"joules_per_token\":$i},\"accuracy\":{\"composite\":0.$i},\"speed\":{\"it's\":$i},\"budget\":[]}"
	done >scores
	epi-pareto scores | ok epi-plot pareto >usual.svg
	says usual.svg 'Energy and accuracy: the frontier' 'energy per token (J/token), less is better' 'accuracy, more is better'
	epi-pareto --benefit "speed.it's" scores | ok epi-plot pareto >other.svg
	says other.svg "Energy and speed.it's: the frontier" 'energy per token (J/token), less is better' "speed.it's, more is better"
	[ "$(grep -c accuracy other.svg)" -eq 0 ]
	{ epi-pareto scores; epi-pareto --benefit "speed.it's" scores; } | ok epi-plot pareto >both.svg
	says both.svg 'Energy and benefit: the frontier' 'benefit, more is better'
}

# Groups and members counted by jq; the frontier is epi-pareto's.
@test "187 published configurations in groups, each with its own frontier" {
	shared mlenergy
	jq -c '.configurations[] | {type: "score", model: .nickname, quantization: .weight_precision, hardware: "\(.num_gpus) x \(.gpu_model)",
		energy: {joules_per_token: .energy_per_token_joules}, throughput: .output_throughput_tokens_per_sec}' "$shared/gpqa.json" >scores
	epi-pareto --benefit throughput scores >pareto
	cat scores pareto | ok epi-plot pareto --title 'GPQA' --ylabel 'output, tokens/s' --keep kept >real.svg
	well_formed real.svg
	groups=$(jq -r .hardware scores | sort -u | wc -l)
	says real.svg GPQA 'output, tokens/s' "187 scores in $groups groups" '8 x H100'
	[ "$(cat kept/frontier-*.tsv | grep -vc '^#')" -eq "$(grep -c '"verdict":"frontier"' pareto)" ]
	# No two groups have the same dash and colour.
	grep -oE "dt [0-9] lw 1.6 lc rgb [a-z]+" kept/plot.gp | sort | uniq -d >twice
	[ ! -s twice ]
}

@test "it runs in dash and in bash, in a German locale too" {
	ok epi-plot trace trace >here
	for shell in dash bash; do
		command -v $shell >where || continue
		LC_ALL=de_DE.UTF-8 $shell "$(command -v epi-plot)" trace trace 2>err | cmp - here
	done
}

@test "the pictures of the README say what the demo gives" {
	ok "$root/scripts/pictures" "$PWD"
	for picture in "$root"/man/*.svg; do
		well_formed "$picture"
		[ "$(letters "${picture##*/}")" = "$(letters "$picture")" ]
		grep -q SIMULATED "$picture"
		grep -qF "](man/${picture##*/})" "$root/README.md"
	done
}

@test "a picture goes where a link leads" {
	ln -s target.svg link.svg
	ok epi-plot trace -o link.svg trace
	[ -h link.svg ]
	epi-plot trace trace | cmp - target.svg
}
