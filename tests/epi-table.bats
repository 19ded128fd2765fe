# epi-table: scores as a table in four formats, and in place in a file.

load lib

# score MODEL J/TOKEN U ACCURACY: a score with a standard uncertainty of its
# EPI, relative U or null, and of 1 % of its joules per token; k is 2.
score() {
	jq -nc --arg model "$1" --argjson cost "$2" --argjson u "$3" --argjson accuracy "$4" '
	($cost / $accuracy) as $epi | (2 * 0.01 | exp) as $wide |
	{type: "score", model: $model, quantization: "q40", hardware: "pi", evidence: "calibrated",
	energy: {joules_per_token: $cost}, accuracy: {composite: $accuracy}, epi: {value: $epi},
	benchmarks: [["mmlu", 5, 0.4, 0.0116], ["arc_challenge", 25, 0.55, 0.015], ["hellaswag", 10, 0.6, null]
		| {benchmark: .[0], shots: .[1], protocol: "gen-letter", accuracy: .[2], u_accuracy: .[3]}],
	budget: [], warnings: [], u_accuracy: null,
	run_metadata: {run_id: "r-\($model)"}} +
	if $u then {u: ($epi * $u), k: 2, interval: "log", ci95: [$epi / (2 * $u | exp), $epi * (2 * $u | exp)],
		u_joules_per_token: ($cost * 0.01), ci95_joules_per_token: [$cost / $wide, $cost * $wide]}
	else {u: null, k: null, ci95: null, interval: null, u_joules_per_token: null, ci95_joules_per_token: null} end'
}

# change FILTER: the score on standard input, changed.
change() {
	jq -c "$1"
}

# models: the first column of the Markdown table, but for its heads.
models() {
	sed -n 's/^| \([^:|]*\) |.*/\1/p' .out | grep -v '^Model' | xargs
}

# U of 1.25 with 1 % and k = 2 is 0.025; of 2.5 with 2 % it is 0.1; of 0.4,
# 1.96 times 0.0116 = 0.0227.
@test "the paper's columns, each with its uncertainty to two digits" {
	ok epi-table <<<"$(score a 1.25 0.02 0.5)"
	grep -qxF '| Model | Quant | J/Token | MMLU | ARC-C | HSwag | Accuracy | EPI |' .out
	grep -qxF '| a | q40 | 1.250 ± 0.025 | 0.400 ± 0.023 | 0.550 ± 0.029 | 0.6 | 0.5 | 2.50 ± 0.10 |' .out
}

@test "the notes say k, and that what has no uncertainty is not exact" {
	ok epi-table <<<"$(score a 1.25 0.02 0.5)"
	grep -qxF -- '- ±: expanded uncertainty U = k u, coverage about 95 %; k = 1.96 to 2.00, by degrees of freedom.' .out
	grep -qxF -- '- Without ± the uncertainty is unknown, which is not 0.' .out
	ok epi-table <<<"$(score a 1.25 null 0.5 | change '.benchmarks = []')"
	[[ $output != *expanded* && $output == *"| 1.25 | – | – | – | 0.5 | 2.5 |"* ]]
	grep -qxF -- '- –: the figure is not known.' .out
}

@test "the value goes as far as its uncertainty, above 100 too" {
	ok epi-table <<<"$(score a 123456 0.02 0.5)"
	# U = 2469.12 and 9876.48
	[[ $output == *"| 123500 ± 2500 |"*"| 246900 ± 9900 |"* ]]
}

@test "an exact energy has no uncertainty, and says 0" {
	ok epi-table <<<"$(score a 1.25 0.02 0.5 | change '.u_joules_per_token = 0 | .ci95_joules_per_token = [1.25, 1.25]')"
	[[ $output == *"| 1.25 ± 0 |"* ]]
}

@test "an interval whose sides differ stands in brackets" {
	ok epi-table <<<"$(score a 1.25 0.02 0.5 | change '.interval = "mover" | .ci95 = [2.41, 2.63]')"
	[[ $output == *"| 2.50 [2.41, 2.63] |"*"its two sides differ"* ]]
}

@test "rows are sorted by EPI, or by a column or key, up or down" {
	{ score b 1 null 0.5; score c 3 null 0.9; score a 2 null 0.5; } >in
	ok epi-table in
	[ "$(models)" = "b c a" ]
	ok epi-table --sort j/token in
	[ "$(models)" = "b a c" ]
	ok epi-table --sort -energy.joules_per_token in
	[ "$(models)" = "c a b" ]
	ok epi-table --sort Model in
	[ "$(models)" = "a b c" ]
	ok epi-table --sort -model in
	[ "$(models)" = "c b a" ]
}

@test "a benchmark's column is sorted by what stands in it, whatever the shots" {
	for row in 'a 0.6' 'b 0.2' 'c 0.4'; do
		score ${row% *} 1 null 0.5 | change ".benchmarks[0] |= (.shots = 0 | .accuracy = ${row#* })"
	done >in
	ok epi-table --sort MMLU in
	[ "$(models)" = "b c a" ]
	ok epi-table --sort -mmlu in
	[ "$(models)" = "a c b" ]
}

@test "what has no such key comes last, up or down" {
	{ score a 1 null 0.5 | change '.watts = null'; score b 2 null 0.5 | change '.watts = 1'; } >in
	ok epi-table --sort watts in
	[ "$(models)" = "b a" ]
	ok epi-table --sort -watts in
	[ "$(models)" = "b a" ]
}

@test "hardware makes groups, or other keys, or none" {
	{ score a 1 null 0.5; score b 2 null 0.5 | change '.hardware = "atom"'; score c 3 null 0.5; } >in
	ok epi-table in
	[ "$(models)" = "b a c" ]
	[ "$(grep '^\*\*' .out | xargs)" = "**hardware: atom** **hardware: pi**" ]
	ok epi-table --by model,hardware in
	grep -qxF '**model: b, hardware: atom**' .out
	ok epi-table --together in
	[ "$(models)" = "a b c" ]
	[ "$(grep -c '^\*\*' .out)" -eq 0 ]
}

# 1 / 1.25 = 0.8; 1.25e6 J are 0.34722 kWh, of 0.36 EUR 0.125; 2 % of each
@test "tokens per joule and a price are columns on demand" {
	ok epi-table --per-joule --price '0.36 EUR' <<<"$(score a 1.25 0.02 0.5)"
	[[ $output == *" EPI | Token/J | EUR/Mtoken |"*"| 0.800 ± 0.016 | 0.1250 ± 0.0025 |"*"0.36 EUR per kWh"* ]]
}

@test "a price without a currency, a wrong number and an empty key are refused" {
	for price in 0.3 'x EUR' '-1 EUR' $'1 \e'; do fails 2 epi-table --price "$price" </dev/null; done
	fails 2 epi-table --sort '' </dev/null
}

@test "simulated rows are marked in every format" {
	score a 1 null 0.5 | change '.simulated = true' >in
	for format in markdown latex html; do
		ok epi-table --$format in
		[[ $output == *"a (SIMULATED)"*"SIMULATED, not measured"* ]]
	done
	ok epi-table --csv in
	[[ $output == *,SIMULATED,* ]]
	score a 1 null 0.5 | change '.evidence = "simulated"' >in
	ok epi-table in
	[[ $output == *"a (SIMULATED)"* ]]
}

@test "nothing that was measured is called simulated" {
	score a 1 null 0.5 >in
	for format in markdown csv latex html; do ok epi-table --$format in && [[ ${output,,} != *simulated* ]]; done
}

@test "of repetitions the median run is told, and that their spread is missing" {
	for cost in 3 1 2; do score a $cost 0.02 0.5; done >in
	warns epi-table in
	[ "$(models)" = a ]
	[[ $output == *"| 2.000 ± 0.040 |"*"The median of 3 runs, whose spread is not in"* ]]
	[[ $stderr == *"epi-score --repetitions"* ]]
}

@test "what epi-score joined is told as it stands" {
	ok epi-table <<<"$(score a 2 0.02 0.5 | change '.repetitions = [{}, {}, {}]'; score b 3 0.02 0.5)"
	[ "$(models)" = "a b" ]
	[[ $output == *"The median of 3 runs: a q40."* ]]
}

@test "another quantization or instrument is another configuration" {
	{ score a 1 null 0.5; score a 2 null 0.5 | change '.quantization = "q80"'; } >in
	ok epi-table in
	[ "$(models)" = "a a" ]
	{ score a 1 null 0.5; score a 2 null 0.5 | change '.instrument = "plug"'; } >in
	ok epi-table in
	[ "$(models)" = "a a" ]
	[[ $output == *"The rows differ in their instrument."* ]]
}

@test "a forced score says why it was refused" {
	ok epi-table <<<"$(score a 1 null 0.5 | change '.warnings = ["coverage-low: 0.5 measured"]')"
	[[ $output == *"FORCED in spite of coverage-low: a q40."* ]]
}

@test "every reason to refuse a score that epi-score(1) tells is known" {
	slugs=$(sed -n '/^is 1, if$/,/^\.El$/s/^\.It Cm //p' "$root/man/epi-score.1" | tr -d ,)
	[ "$(wc -w <<<"$slugs")" -gt 20 ]
	for slug in $slugs; do
		ok epi-table <<<"$(score a 1 null 0.5 | change ".warnings = [\"$slug: such a thing\"]")" >/dev/null
		[[ $output == *"FORCED in spite of $slug: a q40."* ]]
	done
}

@test "a score without joules per token is no row, and is named" {
	partly 1 epi-table <<<"$(score a 1 null 0.5 | change '.energy.joules_per_token = null'; score b 1 null 0.5)"
	[ "$(models)" = b ]
	[[ $output == *"Left out: a, run r-a (standard input:1): a score without joules per token."* ]]
	[[ $stderr == *"standard input:1: a score without joules per token"* ]]
}

@test "other records are passed over; no score at all is an error" {
	ok epi-table <<<"$(echo '{"type":"energy"}'; score a 1 null 0.5)"
	[ "$(models)" = a ]
	fails 1 epi-table <<<'{"type":"energy"}'
	[[ $stderr == *"no score records"* ]]
}

@test "a cut model is another model, an unknown one is called so" {
	ok epi-table <<<"$(score a 1 null 0.5 | change '.surgery = "8 layers"'; score x 2 null 0.5 | change '.model = null')"
	[[ $output == *"| a (8 layers) |"*"| unknown |"* ]]
}

hostile='a|b<script>alert(1)</script> & "q" *b* `c` [l](u) \x $m$ _i_ x_y ~s~ {z} #h %p ^c --'

@test "Markdown: nothing in a name is markup" {
	ok epi-table <<<"$(score "$hostile" 1 null 0.5)"
	grep -qF '| a\|b&lt;script&gt;alert(1)&lt;/script&gt; &amp; "q" \*b\* \`c\` \[l\](u) \\x \$m\$ \_i\_ x_y \~s\~ {z} #h %p ^c -- |' .out
	[ "$(grep -c '[^\]|' .out)" -eq 3 ]
}

@test "HTML: nothing in a name is markup" {
	ok epi-table --html <<<"$(score "$hostile'" 1 null 0.5)"
	[[ $output != *"<script"* && $output == *"&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;q&quot;"*"&#39;"* ]]
}

@test "LaTeX: nothing in a name is a command" {
	ok epi-table --latex <<<"$(score "$hostile" 1 null 0.5)"
	[[ $output == *'a\textbar{}b\textless{}script'*'\& \textquotedbl{}q'*'\textbackslash{}x \$m\$ \_i\_'*'\textasciitilde{}s'*'\{z\} \#h \%p \textasciicircum{}c -{}- &'* ]]
}

@test "CSV is RFC 4180, as another reader takes it" {
	score "$hostile, x" 1.25 0.02 0.5 >in
	ok epi-table --csv in
	[ "$(grep -c $'\r$' .out)" -eq 2 ]
	[ "$(wc -l <.out)" -eq 2 ]
	command -v mlr || skip "no miller (make deps-dev)"
	[ "$(mlr --icsv --ojson cat .out | jq -r '.[0].Model')" = "$hostile, x" ]
	[ "$(mlr --icsv --ojson cat .out | jq -c '.[0] | [.hardware, .["J/Token"], .["U J/Token"], .EPI, .["U EPI"], .k, .Run[:3]]')" = \
		'["pi",1.25,0.025,2.5,0.1,2,"r-a"]' ]
	[[ $output == *,q40,1.250,0.025,0.400,0.023,0.550,0.029,0.6,,0.5,,2.50,0.10,* ]]
}

@test "LaTeX takes what is written" {
	command -v pdflatex || skip "no pdflatex"
	epi-table --latex --price '1 EUR' <<<"$(score "$hostile" 1.25 0.02 0.5)" >table.tex
	printf '%s\n' '\documentclass{article}\usepackage{booktabs}\usepackage[T1]{fontenc}' \
		'\begin{document}\input{table}\end{document}' >page.tex
	pdflatex -interaction=nonstopmode -halt-on-error page.tex >log || { tail log >&2; false; }
}

@test "lines and control bytes in a name stay in their cell" {
	for format in markdown latex html; do
		ok epi-table --$format <<<"$(score $'a\nb\e[2J\r' 1 null 0.5)"
		[ "$(LC_ALL=C grep -c $'[\e\r]' .out)" -eq 0 ]
		[[ $output == *"a b "*"[2J"* ]]
	done
}

@test "the same input gives the same bytes, whatever the locale" {
	{ score b 1.5 0.02 0.5; score a 1.25 0.02 0.5; } >in
	ok epi-table --price '0.3 EUR' in >one
	ok env LC_ALL=de_DE.UTF-8 LC_NUMERIC=de_DE.UTF-8 epi-table --price '0.3 EUR' in >two
	cmp one two
}

# ---- --into

# readme: a file with marks, odd bytes around them, no newline at its end.
readme() {
	printf 'before \xff\r\n<!-- epi-table -->\nold\n\n<!-- /epi-table -->\n\tafter\0\nlast' >README.md
}

@test "--into puts the table between the marks and keeps every other byte" {
	readme
	score a 1 null 0.5 >in
	chmod 640 README.md
	ok epi-table --into README.md in
	[ ! -s .out ]
	{ printf 'before \xff\r\n<!-- epi-table -->\n'; epi-table in; printf '<!-- /epi-table -->\n\tafter\0\nlast'; } | cmp - README.md
	[ "$(stat -c %a README.md)" = 640 ]
	[ "$(echo README.md*)" = README.md ]
}

@test "--into again changes nothing, and does not touch the file" {
	readme
	score 'x <!-- /epi-table -->' 1 null 0.5 >in
	ok epi-table --into README.md in
	stat -c '%i %y' README.md >before
	ok epi-table --into README.md in
	stat -c '%i %y' README.md | cmp - before
}

@test "--into follows a link, and takes paths with spaces" {
	mkdir 'a b'
	readme
	mv README.md 'a b/c d'
	ln -s 'a b/c d' link
	ok epi-table --into link <<<"$(score a 1 null 0.5)"
	[ -L link ]
	grep -q '^| a |' 'a b/c d'
}

@test "--into refuses marks that are absent, doubled or turned round" {
	score a 1 null 0.5 >in
	refuses() { cp "$1" before; fails 1 epi-table --into "$1" in && cmp "$1" before; }
	echo plain >f
	refuses f
	[[ $stderr == *"f: no line <!-- epi-table -->"* ]]
	echo '<!-- epi-table -->' >f
	refuses f
	[[ $stderr == *"no line <!-- /epi-table -->"* ]]
	{ readme; cat README.md; echo; cat README.md; } >f
	refuses f
	[[ $stderr == *"f:9: a second line"* ]]
	printf '%s\n' '<!-- /epi-table -->' '<!-- epi-table -->' >f
	refuses f
	[[ $stderr == *"stands before"* ]]
	echo '<!-- epi-table --> <!-- /epi-table -->' >f
	refuses f
}

@test "--into has marks of LaTeX's own, and none for CSV" {
	printf '%s\n' x '% epi-table' '% /epi-table' y >paper.tex
	ok epi-table --latex --into paper.tex <<<"$(score '% /epi-table' 1 null 0.5)"
	[ "$(head -n 3 paper.tex | tail -n 1)" = '% wants \usepackage{booktabs} and \usepackage[T1]{fontenc}' ]
	fails 2 epi-table --csv --into paper.tex </dev/null
}

@test "--into leaves the file as it was after any complaint" {
	readme
	cp README.md before
	fails 1 epi-table --into README.md <<<"$(score a 1 null 0.5; echo '{')"
	cmp README.md before
	fails 1 epi-table --into nowhere <<<"$(score a 1 null 0.5)"
	[ ! -e nowhere ]
	fails 1 epi-table --into . <<<"$(score a 1 null 0.5)"
}

@test "--into a folder that is not ours to write says so" {
	mkdir shut
	readme
	mv README.md shut
	chmod 555 shut
	score a 1 null 0.5 >in
	chmod 644 in
	as=$([ "$(id -u)" -ne 0 ] || echo "setpriv --reuid=65534 --clear-groups")
	chmod 755 . .. 2>/dev/null || true
	# shellcheck disable=SC2086
	$as test -r "$PWD/in" || skip "the folder of the tests is shut to others"
	# shellcheck disable=SC2086
	fails 1 $as epi-table --into shut/README.md in
	[[ $stderr == *"left as it was"* ]]
	[ "$(ls -A shut)" = README.md ]
}

@test "rows of other shots or protocols are told, also where one way ends another" {
	{ score a 1.25 0.02 0.5; score b 1.25 0.02 0.5 | change '.benchmarks[1].shots = 5'; } >in
	ok epi-table in
	grep -qxF -- '- ARC-C: 25-shot, gen-letter; 5-shot, gen-letter (the rows differ).' .out
	grep -qxF -- '- MMLU: 5-shot, gen-letter.' .out
}

@test "a name cannot act on a terminal" {
	ok epi-table <<<"$(score $'a\xc2\x9b31mb\xc2\x85' 1.25 0.02 0.5)"
	[ "$(grep -cP '\xc2[\x80-\x9f]' .out)" = 0 ]
	[[ $(models) == a*31mb* ]]
}
