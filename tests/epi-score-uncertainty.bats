# epi-score: how well a score is known, net of idle, and repetitions.

load lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$data"/score/*.ndjson .
}

# line SOURCE KEY C [NU [SCOPE]]: a line of an energy's budget.
line() {
	printf '{"source":"%s","key":"%s","c_joules":%s,"nu":%s,"type":"B","distribution":"normal","scope":"%s"}' \
		"$1" "$2" "$3" "${4:-null}" "${5:-run}"
}

# budget LINE,...: the energy records with these lines.
budget() {
	jq -c ". + {budget: [$1]}" energy.ndjson >budgeted.ndjson
}

scored() { ok epi-score "$@" budgeted.ndjson tokens.ndjson accuracy.ndjson; }

# near PATH VALUE [TOLERANCE]: a figure of the output.
near() {
	jq -e "($1) as \$x | (\$x - ($2) | fabs) <= ${3:-1e-12} * ($2 | fabs)" <<<"$output" >&2
}

# The statistics vectors' example: a reference of 1.5 %, 4 J from run to run.
vectors() {
	budget "$(line reference lab 18.5175 null reference),$(line noise run:1 4)"
	jq -c 'if .benchmark == "mmlu" then .u_accuracy = 0.011600443486656745 else . end' \
		accuracy.ndjson >a && mv a accuracy.ndjson
}

@test "u and ci95 are those of the statistics vectors" {
	vectors
	scored
	near .u 0.05009917183951071
	near '.ci95[0]' 2.4076042339394097
	near '.ci95[1]' 2.604039719108894
	near .u_accuracy 0.006413421931270278
	[ "$(jq -c '[.interval, .nu_eff]' <<<"$output")" = '["log",null]' ]
	near .k 1.9599639845400543
}

# Fieller's interval, the check on the log's: worked out elsewhere, it lies
# within 0.001 of it here.
@test "Fieller's interval is close to it" {
	vectors
	scored
	near '.ci95[0]' 2.4072464293031786 1e-3
	near '.ci95[1]' 2.603719406880214 1e-3
}

@test "without an uncertainty of its own an accuracy has the binomial one" {
	vectors
	scored
	# sqrt(p (1 - p) / (n - 1)), as the vectors have it
	near '.benchmarks[1].u_accuracy' 0.014523987638344072
	near '.benchmarks[2].u_accuracy' 0.004967023435680461
}

@test "the budget says what the uncertainty is made of" {
	vectors
	scored
	near '.budget[0].c_relative' 0.015
	near '[.budget[].share] | add' 1
	[ "$(jq -c '[.budget[].source]' <<<"$output")" = '["reference","noise","accuracy","accuracy","accuracy"]' ]
	jq -e '.budget[2:] | all(.c_relative < 0)' <<<"$output"
}

# Welch and Satterthwaite: (u / EPI)^4 / ((4/1234.5)^4 / 5)
@test "few degrees of freedom widen the interval" {
	budget "$(line noise run:1 100 5)"
	scored
	near .nu_eff '((.u / .epi.value) | . * . * . * .) * 5 / ((100 / 1234.5) | . * . * . * .)'
	near '.ci95[1] / .epi.value | log' '.k * .u / .epi.value'
	jq -e '.k > 2.3' <<<"$output"
}

# 9 of 1000 wrong, an exact energy: the limits are those of Wilson's interval,
# (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
@test "few wrong answers: the sides are MOVER's" {
	budget ''
	echo '{"type":"accuracy","benchmark":"mmlu","shots":5,"questions":1000,"correct":991}' >accuracy.ndjson
	scored --weights mmlu=1
	[ "$(jq -r .interval <<<"$output")" = mover ]
	wilson='(1.9599639845400543 | . * .) as $z | 0.991 as $p | ($z * $p * (1 - $p) / 1000 + $z * $z / 4e6 | sqrt) as $h'
	near '.ci95[1]' "$wilson | .epi.joules_per_token * (1 + \$z / 1000) / (\$p + \$z / 2000 - \$h)"
	near '.ci95[0]' "$wilson | .epi.joules_per_token * (1 + \$z / 1000) / (\$p + \$z / 2000 + \$h)"
}

@test "an energy without a budget is said to be one of unknown uncertainty" {
	ok epi-score energy.ndjson tokens.ndjson accuracy.ndjson
	jq -e '.u == null and .ci95 == null and .budget == null and .interval == null' <<<"$output"
	jq -e 'any(.warnings[]; startswith("uncertainty-unknown: "))' <<<"$output"
	near .u_accuracy '0.0064' 0.01
}

@test "without accuracy the joules per token keep their interval" {
	budget "$(line reference lab 12.345)"
	scored --no-accuracy
	near .u_joules_per_token '.epi.joules_per_token * 0.01'
	near '.ci95_joules_per_token[1]' '.epi.joules_per_token * (1.9599639845400543 * 0.01 | exp)'
	jq -e '.u == null and (.budget | length) == 1' <<<"$output"
}

@test "a budget that is none is refused" {
	jq -c '.budget = [{}]' energy.ndjson >budgeted.ndjson
	fails 1 epi-score budgeted.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: budget-malformed: budgeted.ndjson:2: "* ]]
}

# ---- net of idle

# 1234.5 J - 4 W x 100 s
@test "idle watts are taken off, beside the gross figure" {
	budget "$(line reference lab 12.345)"
	scored --idle 4
	[ "$(jq -c '[.gross_joules, .net_of_idle_joules, .net_of_idle.idle_watts]' <<<"$output")" = "[1234.5,834.5,4]" ]
	near .net_of_idle.joules_per_token '834.5 / 987'
	near .net_of_idle.epi '834.5 / 987 / .epi.accuracy_composite'
	jq -e 'any(.warnings[]; startswith("idle-exact: "))' <<<"$output"
}

# Both have the meter's 1 %: 12.345 J - 2 x 2 J are 8.345 J, 1 % of the rest.
@test "idle energy takes its own budget along" {
	budget "$(line reference lab 12.345)"
	jq -c 'select(.scope == "cluster") | .seconds = 50 | .joules = 200 | .mean_watts = 4
		| .budget |= [.[0] | .c_joules = 2]' \
		budgeted.ndjson >idle.ndjson
	scored --idle idle.ndjson
	near .net_of_idle_joules 834.5
	near '(.net_of_idle.u / .net_of_idle.epi | . * .) - (.u_accuracy / .accuracy.composite | . * .)' 0.0001 1e-9
}

@test "idle energy without a budget: what is net of it is not known well" {
	budget "$(line reference lab 12.345)"
	jq -c 'select(.scope == "cluster") | .seconds = 50 | .joules = 200 | .mean_watts = 4' \
		energy.ndjson >idle.ndjson
	scored --idle idle.ndjson
	near .net_of_idle_joules '(1234.5 - 400)'
	jq -e '.net_of_idle | .epi > 0 and .u == null and .ci95 == null and .k == null' <<<"$output"
	jq -e '.u > 0 and any(.warnings[]; startswith("idle-uncertainty-unknown: "))' <<<"$output"
}

# idle SECONDS JOULES: the energy of idle nodes, labelled so, into labelled.ndjson.
idle() {
	jq -c "select(.scope == \"cluster\") | .label = \"idle\" | .seconds = $1 | .joules = $2
		| .mean_watts = .joules / .seconds" \
		budgeted.ndjson >>labelled.ndjson
}

@test "energy labelled idle is taken off, wherever it stands" {
	budget ''
	idle 50 200
	for files in 'labelled.ndjson budgeted.ndjson' 'budgeted.ndjson labelled.ndjson'; do
		# shellcheck disable=SC2086
		ok epi-score $files tokens.ndjson accuracy.ndjson
		[ "$(jq -c '[.gross_joules, .net_of_idle_joules]' <<<"$output")" = "[1234.5,834.5]" ]
	done
}

@test "--idle has a say before a label, and reads a file that holds both" {
	budget ''
	idle 50 200
	scored --idle 2 labelled.ndjson
	near .net_of_idle_joules 1034.5
	cat budgeted.ndjson >>labelled.ndjson
	scored --idle labelled.ndjson
	near .net_of_idle_joules 834.5
}

@test "of several energies labelled idle none is taken off" {
	budget ''
	idle 50 200
	idle 50 300
	scored labelled.ndjson
	jq -e '.net_of_idle_joules == null and any(.warnings[]; startswith("idle-ambiguous: "))' <<<"$output"
	fails 1 epi-score --idle labelled.ndjson budgeted.ndjson tokens.ndjson accuracy.ndjson
}

@test "idle energy alone is none of a run, but for --label" {
	budget ''
	idle 50 200
	fails 1 epi-score labelled.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: energy-missing: "* ]]
	ok epi-score --label idle labelled.ndjson tokens.ndjson accuracy.ndjson
}

@test "idle energy of other nodes is refused" {
	budget ''
	jq -c 'select(.scope == "cluster") | .nodes = ["pi1"]' energy.ndjson >idle.ndjson
	fails 1 epi-score --idle idle.ndjson budgeted.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: idle-other: "* ]]
	fails 1 epi-score --idle missing.ndjson budgeted.ndjson tokens.ndjson accuracy.ndjson
}

# resting JQ [SCOPE]: an idle energy of 200 J in 50 s, changed so, into idle.ndjson.
resting() {
	jq -c "select(.scope == \"${2:-cluster}\") | .seconds = 50 | .joules = 200 | .mean_watts = 4
		| del(.label) | $1" budgeted.ndjson >idle.ndjson
}

# refused SLUG ARGUMENT...: with the idle energy of resting.
refused() {
	fails 1 epi-score "${@:2}" --idle idle.ndjson budgeted.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: $1: "* ]]
}

@test "idle energy that broke off or was not measured throughout is refused" {
	budget ''
	resting '.complete = false'
	refused idle-energy-incomplete
	resting '.coverage = 0.2'
	refused idle-coverage-low
	resting '.joules = 0'
	refused idle-energy-not-positive
}

# Half a second of 50 s was not measured: 198 J in 49.5 s are 4 W, of which a
# run of 100 s takes 400 J.
@test "idle power is that of the time measured" {
	budget ''
	resting '.joules = 198 | .coverage = 0.99'
	scored --idle idle.ndjson
	near .net_of_idle.idle_watts 4
	near .net_of_idle_joules 834.5
	resting 'del(.mean_watts)'
	scored --idle idle.ndjson
	near .net_of_idle_joules 834.5
}

@test "idle energy of no known power is refused" {
	budget ''
	resting 'del(.mean_watts, .seconds)'
	refused idle-unknown
	resting '.joules = null | .mean_watts = null'
	refused idle-energy-unknown
	: >idle.ndjson
	refused idle-missing
}

@test "energy labelled idle that would be refused is left on, aloud" {
	budget ''
	for why in 'energy-incomplete .complete=false' 'coverage-low .coverage=0.2' 'energy-unknown .joules=null'; do
		resting ".label = \"idle\" | ${why#* }"
		scored idle.ndjson
		jq -e '.net_of_idle == null and .net_of_idle_joules == null' <<<"$output"
		jq -e --arg s "idle-${why% *}: " 'any(.warnings[]; startswith($s))' <<<"$output"
	done
}

@test "the file of --idle is an input as the others are" {
	budget ''
	resting .
	scored --idle idle.ndjson
	[ "$(jq -r '.inputs[3] | "\(.sha256)  \(.name)"' <<<"$output")" = "$(sha256sum idle.ndjson)" ]
	echo '{"type":"energy","scope":"cluster","joules":"many"}' >>idle.ndjson
	refused input-malformed
	fails 1 epi-score --idle absent.ndjson budgeted.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: idle-input-unread: "* ]]
}

@test "the idle nodes are those of the run, in any order" {
	budget ''
	resting '.nodes |= reverse'
	scored --idle idle.ndjson
	near .net_of_idle_joules 834.5
	sed -i 's/"pi1"/"\\u0070i1"/' idle.ndjson
	scored --idle idle.ndjson
	resting '.nodes += ["pi5"]'
	refused idle-other
	resting 'del(.nodes)'
	refused idle-other
}

# 300.125 J of pi1 in 100 s, less 4 W.
@test "one node's energy is not taken off another's" {
	budget ''
	sed -i 2d budgeted.ndjson
	sed -i 's/"node_count":4/"node_count":1/' tokens.ndjson
	resting '.joules = 100 | .mean_watts = 2' node
	scored --idle idle.ndjson
	near .net_of_idle_joules 100.125
	resting '.node = "pi2"' node
	refused idle-other
	resting '.scope = "cluster" | .nodes = [.node] | .joules = 100 | .mean_watts = 2 | del(.node)' node
	scored --idle idle.ndjson
	near .net_of_idle_joules 100.125
}

# 1234.5 J in 100 s are 12.345 W: 12.35 W idle leave -0.5 J.
@test "idle watts that leave less than nothing leave no score net of them" {
	budget "$(line reference lab 12.345)"
	scored --idle 12.35
	near .net_of_idle_joules -0.5 1e-9
	jq -e '.net_of_idle | .joules_per_token == null and .epi == null and .u == null and .k == null' <<<"$output"
	jq -e '.epi.value > 0 and any(.warnings[]; startswith("net-not-positive: "))' <<<"$output"
}

@test "idle watts that leave just nothing are warned of" {
	budget "$(line reference lab 12.345)"
	scored --idle 12.345
	near .net_of_idle_joules 0
	jq -e '.net_of_idle.u == null and any(.warnings[]; startswith("net-not-positive: "))' <<<"$output"
	scored --idle 12.34
	near .net_of_idle_joules 0.5 1e-9
	jq -e '.net_of_idle.u > 0 and all(.warnings[]; startswith("net-") | not)' <<<"$output"
}

@test "net of idle, too, nothing is divided by tokens that are not known" {
	budget ''
	sed -i 's/"generated_tokens":987/"generated_tokens":null/' tokens.ndjson
	scored --force --idle 4
	jq -e '.net_of_idle | .joules == 834.5 and .joules_per_token == null and .epi == null' <<<"$output"
}

# ---- repetitions

# run JOULES [MODEL]: the score of one run, with a reference of 2 % and a noise.
run_of() {
	jq -c ".joules = $1 | .budget = [$(line reference lab "($1 * 0.02)" null reference),$(line noise "run:$1" 50)]" \
		energy.ndjson | cat - tokens.ndjson accuracy.ndjson | epi-score --meta model="${2:-m}"
}

@test "of repetitions the median is told whole, and all are listed" {
	for joules in 1234.5 1200 1300; do run_of $joules; done >runs.ndjson 2>/dev/null
	ok epi-score --repetitions runs.ndjson
	[ "$(wc -l <.out)" -eq 1 ]
	near .energy.total_joules 1234.5
	[ "$(jq -c '[.repetitions[].joules_per_token * 987 | round]' <<<"$output")" = "[1200,1235,1300]" ]
}

# The logs' deviation over n - 1 = 2, times 0.66983, the spread of a median of
# three; the reference stays 2 %, the noise of one run is in the spread.
@test "their spread takes the place of what was noise within a run" {
	for joules in 1234.5 1200 1300; do run_of $joules; done >runs.ndjson 2>/dev/null
	ok epi-score --repetitions runs.ndjson
	[ "$(jq -c '[.budget[].source]' <<<"$output")" = '["reference","repeatability","accuracy","accuracy","accuracy"]' ]
	near '.budget[0].c_relative' 0.02
	[ "$(jq '.budget[1].nu' <<<"$output")" = 2 ]
	s='([1200, 1234.5, 1300 | log] | (add / 3) as $m | map(. - $m | . * .) | add / 2 | sqrt)'
	near .repeatability.s "$s" 1e-9
	near '.budget[1].c_relative' "$s * 0.6698292" 1e-9
	near '.u / .epi.value | . * .' "($s * 0.6698292 | . * .) + 0.0004 + (.u_accuracy / .accuracy.composite | . * .)" 1e-9
}

# The energy has its part of the spread, as above, and its reference.
@test "an accuracy of unknown uncertainty is no exact one" {
	for joules in 1234.5 1200 1300; do
		jq -c ".joules = $joules | .budget = [$(line reference lab "($joules * 0.02)" null reference)]" energy.ndjson |
			cat - tokens.ndjson | epi-score --weights mmlu=1 --accuracy mmlu=0.45,shots=5
	done >runs.ndjson
	jq -se 'all(.u == null and .k == null)' runs.ndjson
	ok epi-score --repetitions runs.ndjson
	jq -e 'has("u") and all(.u, .ci95, .k, .nu_eff, .interval, .u_accuracy; . == null)' <<<"$output"
	near .repeatability.nu 2
	near '.u_joules_per_token / .epi.joules_per_token | . * .' '(.repeatability.s * 0.6698292 | . * .) + 0.0004' 1e-9
}

@test "one simulated repetition, or one in the pool, makes the score simulated" {
	for joules in 1200 1234.5 1300; do run_of $joules; done 2>/dev/null | jq -c '.evidence = "calibrated"' >runs
	for joules in 500 510; do run_of $joules other; done 2>/dev/null >pool
	ok epi-score --repetitions --pool pool runs
	[ "$(jq -c '[has("simulated"), .evidence]' <<<"$output")" = '[false,"replicated"]' ]
	jq -c 'if .energy.total_joules == 1300 then .simulated = true else . end' runs >some
	ok epi-score --repetitions some
	[ "$(jq -c '[.simulated, .evidence]' <<<"$output")" = '[true,"simulated"]' ]
	[ "$(grep -o '"simulated":' .out | wc -l)" -eq 1 ]
	sed -i '1s/}$/,"simulated":true}/' pool
	ok epi-score --repetitions --pool pool runs
	[ "$(jq -c '[.simulated, .evidence]' <<<"$output")" = '[true,"simulated"]' ]
}

@test "other configurations' spread may be pooled with it" {
	for joules in 1234.5 1200 1300; do run_of $joules; done >runs.ndjson 2>/dev/null
	for joules in 500 505 510; do run_of $joules other; done >pool.ndjson 2>/dev/null
	ok epi-score --repetitions --pool pool.ndjson runs.ndjson
	q='def squares: map(log) | (add / 3) as $m | map(. - $m | . * .) | add;'
	near .repeatability.s "$q [[1200, 1234.5, 1300], [500, 505, 510] | squares] | add / 4 | sqrt" 1e-9
	[ "$(jq '.budget[1].nu' <<<"$output")" = 4 ]
}

@test "a run that is given twice, or is in the pool too, is no repetition" {
	for joules in 1234.5 1200 1300; do run_of $joules; done >runs.ndjson 2>/dev/null
	head -n 1 runs.ndjson >again.ndjson
	fails 1 epi-score --repetitions runs.ndjson again.ndjson
	[[ $stderr == *"again.ndjson: the score of runs.ndjson once more, "* ]]
	fails 1 epi-score --repetitions --pool again.ndjson runs.ndjson
	[[ $stderr == *"again.ndjson: the score of runs.ndjson once more, "* ]]
	{ run_of 500 other; run_of 505 other; } >pool.ndjson 2>/dev/null
	ok epi-score --repetitions --pool pool.ndjson runs.ndjson
	fails 1 epi-score --repetitions --pool <(cat pool.ndjson pool.ndjson) runs.ndjson
}

@test "an outlier is flagged, and not left out" {
	for joules in 1200 1201 1202 1203 1400; do run_of $joules; done >runs.ndjson 2>/dev/null
	ok epi-score --repetitions runs.ndjson
	near .energy.total_joules 1202
	jq -e '(.repetitions | length) == 5 and any(.warnings[]; startswith("outlier: 1.418"))' <<<"$output"
	for joules in 1200 1201 1202 1203 1204; do run_of $joules; done >runs.ndjson 2>/dev/null
	ok epi-score --repetitions runs.ndjson
	jq -e 'all(.warnings[]; startswith("outlier") | not)' <<<"$output"
}

@test "repetitions are two or more, of one configuration" {
	run_of 1200 >one.ndjson 2>/dev/null
	run_of 1200 other >other.ndjson 2>/dev/null
	fails 1 epi-score --repetitions one.ndjson
	fails 1 epi-score --repetitions one.ndjson other.ndjson
	[[ $stderr == *"other.ndjson: not of the configuration of one.ndjson"* ]]
	fails 2 epi-score --pool one.ndjson one.ndjson
}

@test "epi-compare reads what epi-score writes" {
	for joules in 1234.5 1200 1300; do run_of $joules; done >runs.ndjson 2>/dev/null
	for joules in 834.5 800 900; do run_of $joules; done >less.ndjson 2>/dev/null
	epi-score --repetitions runs.ndjson >a
	epi-score --repetitions less.ndjson >b
	ok epi-compare a b
	near .joules_per_token.ratio '834.5 / 1234.5'
	[ "$(jq -r .verdict <<<"$output")" = better ]
}

# ---- the decode workload beside the benchmarks

# decoded: 20 prompts of 128 tokens, 5,120 J, into decode.ndjson.
decoded() {
	{ jq -c 'select(.scope == "cluster") | .joules = 5120 | .budget = [] | del(.label)' energy.ndjson
		jq -c '.generated_tokens = 2560 | .prompt_tokens = 400' tokens.ndjson; } >decode.ndjson
}

@test "--decode stands beside the figure, with the same accuracy" {
	budget "$(line reference lab 18.5175 null reference)"
	decoded
	scored --decode decode.ndjson
	[ "$(jq -c '[.decode | .joules, .generated_tokens, .prompt_tokens, .joules_per_token]' <<<"$output")" = "[5120,2560,400,2]" ]
	near .decode.epi '2 / .accuracy.composite'
	near .epi.joules_per_token '1234.5 / 987'
	[ "$(jq -r '.inputs[].name' <<<"$output" | head -n 3 | xargs)" = "budgeted.ndjson tokens.ndjson accuracy.ndjson" ]
	[ "$(jq -r '.inputs[3].name' <<<"$output")" = decode.ndjson ]
}

# 51.2 J of 5,120 are 1 % of 2 J/token.
@test "it has an uncertainty of its own" {
	budget "$(line reference lab 18.5175 null reference)"
	decoded
	jq -c "if .budget then .budget = [$(line reference lab 51.2 null reference)] else . end" decode.ndjson >d
	scored --decode d
	near .decode.u_joules_per_token 0.02
	near '(.decode.u / .decode.epi | . * .) - (.u_accuracy / .accuracy.composite | . * .)' 0.0001 1e-9
}

@test "a decode run that did not end well is refused, and so is one without tokens" {
	budget "$(line reference lab 18.5175 null reference)"
	decoded
	jq -c 'if .type == "energy" then .complete = false else . end' decode.ndjson >d
	fails 1 epi-score --decode d budgeted.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: decode-energy-incomplete: "* ]]
	fails 1 epi-score --decode budgeted.ndjson budgeted.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"refused: decode-tokens-missing: "* ]]
	scored --force --decode budgeted.ndjson
	jq -e '.decode | .joules == 1234.5 and .prompt_tokens == null and .generated_tokens == null' <<<"$output"
	jq -e '.decode | .joules_per_token == null and .epi == null' <<<"$output"
}
