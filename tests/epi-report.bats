# epi-report: a results folder as one page.

load lib

# One folder and its page for all tests, as each picture takes its time.
setup_file() {
	PATH=${EPI_BIN:-$BATS_TEST_DIRNAME/../bin}:$PATH
	export LC_ALL=C
	cd "$BATS_FILE_TMPDIR" || return 1
	epi-plot --version >/dev/null && command -v gnuplot >/dev/null && command -v zstd >/dev/null || return 0
	measured
	results "my data"
	rm "my data/b_q40/epi_002.json" "my data"/b_q40/raw/*2*
	sed -i /raw/d "my data/b_q40/MANIFEST_002"
	status=0
	epi-report --price '0.31 EUR' -o 'the page.html' 'my data' 2>said || status=$?
	echo $status >status
}

# Tests run beside one another: each is in a folder of its own, and only reads
# what is shared.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -e "$BATS_FILE_TMPDIR/status" ] || skip "no gnuplot or no zstd (make deps)"
	ln -s "$BATS_FILE_TMPDIR"/{'my data',trace,said,status} .
	page=$BATS_FILE_TMPDIR/'the page.html'
}

# measured: what a simulated meter saw of two nodes, in trace, and its energy.
measured() {
	printf '%s\n' '0 idle' '2 decode' '5 idle' '6 end' >phases
	epi-sim --fast --nodes 2 --rate 10 phases |
		epi-tap --node pi1,pi2 --begin 1795340400.070 - >power
	jq -nc '["run", "begin", 1795340402], ["run", "end", 1795340405], ["idle_after", "begin", 1795340405], ["idle_after", "end", 1795340405.5]
		| {timestamp: .[2], type: "event", event: "mark", label: .[0], edge: .[1], simulated: true}' >marks
	{ LC_ALL=C sort -sm <(grep -v '"stop"' power) marks; grep '"stop"' power; } >trace
	epi-window --span marks trace | epi-integrate | grep '"cluster"' >energy
}

# results DIR: two configurations of two simulated runs each.
results() {
	for model in a b; do
		for n in 001 002; do
			run_of "$1/${model}_q40" $model $n
		done
	done
}

# run_of FOLDER MODEL NNN
run_of() {
	mkdir -p "$1/raw"
	zstd -qf trace -o "$1/raw/trace_$3.ndjson.zst"
	jq -nc --arg n "$3" --arg m "$2" '("mmlu", "arc_challenge", "hellaswag") as $b
		| {type: "accuracy", benchmark: $b, shots: {mmlu: 5, arc_challenge: 25, hellaswag: 10}[$b],
		protocol: "gen-letter", questions: 400, correct: ({a: 180, b: 220}[$m]), simulated: true}' >"$1/benchmark_$3.json"
	jq -nc --arg n "$3" --arg m "$2" '{type: "tokens", prompt_tokens: 6000, node_count: 2, status: "complete", eos_counted: true,
		generated_tokens: ({a: 30, b: 20}[$m] + ($n | tonumber)), begin: 1795340402.1, end: 1795340404.9, simulated: true}' >tokens
	epi-score --label run --meta model="$2" --meta quantization=q40 --meta hardware='2 x Pi 5' --meta workload=benchmark \
		--meta run_metadata.run_id="$2-$3" energy tokens "$1/benchmark_$3.json" >"$1/epi_$3.json"
	jq -nc --arg n "$3" --arg m "$2" '{type: "run", run_id: "\($m)-\($n)", repetition: ($n | tonumber), simulated: true,
		labels: {model: $m, quantization: "q40", hardware: "2 x Pi 5"}, commands: {meter: "epi-tap <&3"},
		settings: {repetitions: 3, psu: "supply \($n)"}, warnings: ["psu-warm: it was"],
		environment: {before: [{host: "pi1", governor: "performance"}], after: [{host: "pi1", governor: "schedutil"}]}}' >"$1/run_$3.json"
	(cd "$1" && sha256sum "run_$3.json" "raw/trace_$3.ndjson.zst" "benchmark_$3.json" "epi_$3.json" >"MANIFEST_$3")
}

# blind CMD...: where epi-plot draws nothing, as drawing takes its time, but what
# is in $eyes.
eyes=
blind() {
	if [ ! -e blind ]; then
		mkdir blind
		ln -s "${EPI_BIN:-$root/bin}"/* blind
		rm blind/epi-plot
		printf '#!/bin/sh\ncase " $EYES " in *" $1 "*) exec "%s" "$@" ;; esac\necho "epi-plot: no <eyes> to draw with" >&2\nexit 1\n' \
			"${EPI_BIN:-$root/bin}/epi-plot" >blind/epi-plot
		chmod +x blind/epi-plot
	fi
	EYES=$eyes PATH=$PWD/blind:$PATH "$@"
}

# text: the page as its readers see it, pictures and all, one line.
text() {
	sed -n '/<body>/,$p' "${1:-$page}" | sed 's/<[^>]*>/ /g' | tr -s ' \t\n' ' '
}

# small DIR: a folder with one score alone, which is quickly drawn.
small() {
	rm -rf "$1" && mkdir -p "$1/m_q" && jq -c "${2:-.}" 'my data'/a_q40/epi_001.json >"$1/m_q/epi_001.json"
}

@test "the page has a table, the frontier, repetitions and each run's power" {
	for what in frontier repetitions power-1-001 power-1-002 power-2-001 budget-1 budget-2; do
		[ "$(grep -c "id=\"$what-wide-title\"" "$page")" -eq 1 ]
		[ "$(grep -c "id=\"$what-narrow-title\"" "$page")" -eq 1 ]
	done
	[[ $(text) == *"Model Quant J/Token MMLU"*"EUR/Mtoken"*" a (SIMULATED) q40 "* ]]
}

# a: 31 and 32 tokens; of two runs the one with fewer joules a token is told.
@test "the row of a configuration is epi-score's of its repetitions" {
	epi-score --repetitions "my data"/a_q40/epi_*.json | epi-table --html --per-joule --price '0.31 EUR' | grep '<th scope="row">a ' >row
	grep -qxF "$(cat row)" "$page"
	[[ $(text) == *"002 a-002 scored, reported "* ]]
}

@test "what is simulated is called so: at the top, in the table, in every picture" {
	[[ $(text) == *"SIMULATED: 2 of 2 configurations"*"a (SIMULATED)"* ]]
	awk '/<svg/ { n++; badge = 0 } /<text>SIMULATED<\/text>/ { badge++ } /<\/svg>/ && badge != 1 { bad++ }
		END { exit n < 10 || bad }' "$page"
	jq -c '.simulated = null | .evidence = "calibrated"' 'my data'/a_q40/epi_001.json >measured.json
	mkdir real
	mv measured.json real/epi_001.json
	blind ok epi-report real >real.html
	[[ $(text real.html) == *"Measured, with a calibrated instrument."* && $(text real.html) != *SIMULATED* ]]
}

@test "a run without a score, and one that is not there at all, are told" {
	[[ $(text) == *"b q40, run 002: REFUSED or not derived: no score"*"a q40, run 3: MISSING"* || \
		$(text) == *"a q40, run 3: MISSING"*"b q40, run 002: REFUSED or not derived: no score"* ]]
	grep -q '^epi-report: ./b_q40: run 002 has no score$' said
}

@test "every hash of the manifests is there, and checked" {
	cut -c 1-64 "my data"/*/MANIFEST_* | while read -r hash; do grep -qF "$hash" "$page" || exit 1; done
	[ "$(cat status)" -eq 1 ]
	grep -q 'b_q40/epi_002.json: not that of MANIFEST_002 (missing)' said
	[[ $(text) == *"Files of run 001: all 4 are those of its manifest"* ]]
	small changed
	(cd changed/m_q && sha256sum epi_001.json >MANIFEST_001 && echo '{"a b":1}' >>MANIFEST_001 && echo >>epi_001.json)
	blind partly 1 epi-report changed >changed.html
	[[ $stderr == *"m_q/epi_001.json: not that of MANIFEST_001 (changed)"* && $(text changed.html) == *"epi_001.json is CHANGED since"* ]]
}

@test "a trace that was cut is drawn, and not missing; what is missing beside it is" {
	small one
	mkdir one/m_q/raw
	cp 'my data'/a_q40/raw/trace_001.ndjson.zst one/m_q/raw/trace_001.1hz.ndjson.zst
	printf '%064d  %s\n' 0 raw/trace_001.ndjson.zst >one/m_q/MANIFEST_001
	blind ok epi-report one >page
	[[ $(text page) == *"Power No picture"*"but its trace, of which what was cut to 1 Hz is here"*"$(printf %064d 0) cut "* ]]
	printf '%064d  %s\n' 0 raw/answers_001.ndjson.zst >>one/m_q/MANIFEST_001
	blind partly 1 epi-report one >page
	[[ $(text page) == *"raw/answers_001.ndjson.zst is MISSING"* ]]
}

@test "a manifest's paths lead nowhere else" {
	small away
	echo "$(printf x | sha256sum | cut -c 1-64)  ../../etc/passwd" >away/m_q/MANIFEST_001
	blind partly 1 epi-report away >/dev/null
	[[ $stderr == *"(outside)"* ]]
}

@test "tokens are told to the last one, and a coverage is not rounded up to 1" {
	small one '.energy.total_tokens = 12345 | .coverage = 0.99996'
	blind epi-report one >page
	[[ $(text page) == *" 12345 "*" 0.9999 "* ]]
}

@test "the last file of a manifest is checked, where its line has no newline too" {
	small one
	printf '%064d  epi_001.json' 0 >one/m_q/MANIFEST_001
	blind partly 1 epi-report one >page
	[[ $(text page) == *"run 001: epi_001.json is CHANGED"* ]]
}

@test "settings that differ between runs are told by run, hosts before and after" {
	[[ $(text) == *"settings.psu 001: supply 001 002: supply 002 "*"pi1: governor performance schedutil"* ]]
	[[ $(text) == *"commands.meter epi-tap &lt;&amp;3 "*"run 001: psu-warm: it was"* ]]
}

@test "what is false, and what is none, is told as that" {
	small one && jq -c '. + {meter_check: {passed: false}} | .environment = {
		before: [{host: "pi1", clock: {synchronized: true}, throttled: {now: []}}],
		after: [{host: "pi1", clock: {synchronized: false}, throttled: {now: ["throttled"]}}]}' \
		'my data'/a_q40/run_001.json >one/m_q/run_001.json
	blind epi-report -o page one 2>told || true
	[[ $(text page) == *"meter_check.passed false "*"pi1: clock.synchronized true false pi1: throttled.now none throttled "* ]]
}

@test "the same folder gives the same bytes, whatever the locale" {
	small one
	eyes=budget
	blind ok epi-report --date 2026-11-25 one >one.html
	blind ok env LC_ALL=de_DE.UTF-8 LC_NUMERIC=de_DE.UTF-8 TZ=Asia/Tokyo epi-report --date 2026-11-25 one >two.html
	cmp one.html two.html
	grep -q '>2026-11-25<' one.html
	[ "$(grep -oE '20[0-9]{2}-[01][0-9]-[0-3][0-9]' "$page" | sort -u)" = 2026-11-22 ]
}

@test "nothing is loaded: no address outside the page" {
	[ "$(grep -oE '[ :"](src|href|srcset|data|action)=[^ >]*|url\([^)]*' "$page" | grep -vcE 'href=["'\'']?#|^url\(["'\'']?#')" -eq 0 ]
	grep -q "default-src 'none'" "$page"
}

@test "names are text, in the page and in its pictures" {
	small hostile '.model = "<script>alert(1)</script>\u001b[2J" | .quantization = "\" onload=x \u0027" | .warnings = ["<img src=x onerror=alert(2)>: y"] | .run_metadata.run_id = "@@ style\n@@ style" | .budget[0].source = "</svg><script>alert(3)</script>"'
	jq -c '{type: "run", labels: {"<b>": "</table>"}, settings: {x: "\n@@ style"}}' -n >hostile/m_q/run_001.json
	ok epi-report --title '<script>alert(4)</script>' hostile >hostile.html
	[ "$(grep -ci '<script' hostile.html)" -eq 1 ] && [ "$(grep -ciE '<(img|b)[ >]|<[a-z][^>]* on[a-z]+=' hostile.html)" -eq 0 ]
	[ "$(LC_ALL=C grep -c $'\e' hostile.html)" -eq 0 ] && [ "$(grep -c '^:root' hostile.html)" -eq 1 ]
	grep -q '&lt;script&gt;alert(1)&lt;/script&gt;' hostile.html
	grep -q 'id="budget-1-narrow-title"' hostile.html
}

@test "a score or run that is none is told, and the rest is done" {
	small bad
	echo '{' >bad/m_q/epi_002.json
	echo '[1]' >bad/m_q/run_001.json
	blind partly 1 epi-report bad >bad.html
	[[ $stderr == *"epi_002.json: not one record of type score"*"run_001.json: not"* || $stderr == *"run_001.json: not"*"epi_002.json: not"* ]]
	[[ $(text bad.html) == *"run 002: no score: epi_002.json is not readable"* ]]
}

@test "work that is not done is no configuration" {
	small one
	mkdir one/m_q/.run_002 one/m_q/.derive_001.x
	cp 'my data'/a_q40/run_001.json one/m_q/.run_002/run_002.json
	cp one/m_q/epi_001.json one/m_q/.derive_001.x
	blind epi-report one >page 2>told || true
	[ "$(grep -c '<h2 id="c' page)" -eq 1 ]
}

@test "-o is there as a whole or not at all; a wrong folder is told" {
	small one
	blind fails 1 epi-report -o nowhere/page.html one
	[ ! -e nowhere ]
	fails 1 epi-report absent
	[[ $stderr == *"absent: no such folder"* ]]
	mkdir -p empty
	fails 1 epi-report empty
	[[ $stderr == *"no results in it"* ]]
	fails 2 epi-report && fails 2 epi-report one two && fails 2 epi-report --price free one
}

# needs TOOL: or a skip.
needs() {
	command -v "$1" >where || skip "no $1 (make deps-dev)"
}

# browser ARGUMENT...: one without a window.
browser() {
	timeout 100 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1400,900 \
		--user-data-dir="$BATS_TEST_TMPDIR/browser" "$@" 2>"$BATS_TEST_TMPDIR/browser.told"
}

# read_at WIDTH... <PAGE: what page.js says of it at these widths, in an attribute
# of a frame each, as no window is as narrow as a phone.
read_at() {
	sed 's/&/\&amp;/g; s/"/\&quot;/g' >"$BATS_TEST_TMPDIR/source"
	{
		echo '<!DOCTYPE html><meta charset="utf-8"><body><script>'
		cat "$BATS_TEST_DIRNAME/page.js"
		echo '</script>'
		for width; do
			printf '<iframe style="border:0;width:%dpx;height:900px" srcdoc="' "$width"
			cat "$BATS_TEST_TMPDIR/source"
			echo '"></iframe>'
		done
		echo '<script>onload = () => { document.body.innerHTML = [...document.querySelectorAll("iframe")].map(f =>
			`<p>width ${f.clientWidth}</p>` + page_faults(f.contentDocument, f.clientWidth).map(l =>
			`<p>${f.clientWidth}: ${l.replaceAll("<", "(")}</p>`).join("")).join("") + "<p>done</p>"; };</script>'
	} >"$BATS_TEST_TMPDIR/host.html"
	browser --dump-dom "file://$BATS_TEST_TMPDIR/host.html" | sed -n 's|<[/]*p>|\n|gp' | grep -E '^(width )?[0-9]|^done'
}

# What a browser makes of it: the policy's hash is that of the script, or no
# head of a column would have become a button.
@test "on a phone, on a desk: all can be read, reached and sorted" {
	needs chromium
	read_at 390 1366 <"$page" >read
	cat read
	[ "$(cat read)" = $'width 390\nwidth 1366\ndone' ]
}

@test "what cannot be read or reached would be seen" {
	needs chromium
	sed 's/--faint: #595959/--faint: #aaaaaa/; s/\.narrow { display: none; }//; s/overflow-x: auto/overflow-x: visible/
		s/<th scope="col">Quant/<th>Quant/; s/href="#frontier"/href="#nowhere"/; s/>seconds since/>seconds, and words that find no room at all, since/; s/>2</>2222222222222222</
		s/cell.dataset.value/"x"/' "$page" >bad.html
	read_at 390 <bad.html >read
	cat read
	for fault in 'faint: ' 'cut: seconds, and' 'on one another: [0-9]*, ' 'link: Frontier' 'head of a table: Quant' 'wider than 390: ' '0 columns can be'; do
		grep -q "^390: $fault" read
	done
}

@test "in a browser nothing but its own script runs" {
	needs chromium
	small hostile '.model = "<script>document.title = 1</script><img src=x onerror=document.title=2>"'
	blind ok epi-report --title quiet hostile >hostile.html
	browser --dump-dom "file://$PWD/hostile.html" >dom
	grep -q '<button type="button">Model</button>' dom
	grep -q '<title>quiet</title>' dom
}

# pdftotext tells of each word where it stands: 595 x 842 points are A4.
@test "on A4 no word is beyond the paper, and what was folded is open" {
	needs chromium
	needs pdftotext
	sed 's/@page { margin: 15mm; }/@page { margin: 15mm; size: A4; }/' "$page" >a4.html
	browser --no-pdf-header-footer --print-to-pdf="$PWD/a4.pdf" "file://$PWD/a4.html"
	pdftotext -bbox a4.pdf words
	awk -F '"' '/<page/ { if ($2 < 594 || $2 > 596) bad++ } /<word/ { n++; if ($2 < 40 || $6 > 555 || $8 > 802) { print; bad++ } }
		END { exit n < 500 || bad }' words
	hash=$(cut -c 1-64 "my data/a_q40/MANIFEST_001" | head -n 1)
	pdftotext -layout a4.pdf a4.txt
	grep -q "$hash" a4.txt
}

# The rules of a page for all: checked by hand where no tool is.
@test "headings, tables and pictures can be found without seeing them" {
	grep -q '<html lang="en">' "$page"
	[ "$(grep -c '<h1' "$page")" -eq 1 ]
	[ "$(grep -c '<main>' "$page")" -eq 1 ]
	[ "$(grep -oE '<th[ >]' "$page" | wc -l)" -eq "$(grep -oE '<th scope="(col|row|rowgroup)"' "$page" | wc -l)" ]
	[ "$(grep -c 'role="img" aria-labelledby=' "$page")" -eq "$(grep -c '<svg' "$page")" ]
	grep -oE ' id=["'\''][^"'\'']*' "$page" | tr "'" '"' | sort | uniq -d >twice
	[ ! -s twice ]
	grep -oE '<h[1-6]' "$page" | awk '{ now = substr($0, 3); if (now > last + 1) exit 1; last = now }'
}

@test "a picture that could not be drawn is told in its place" {
	small one
	blind ok epi-report one >one.html
	[ "$(grep -c '<svg' one.html)" -eq 0 ] && [ "$(grep -c '<p class="none">No picture: no &lt;eyes&gt; to draw with.</p>' one.html)" -eq 3 ]
}

# tidy knows HTML; to it an id of an SVG's title is of no standard, which it is of.
@test "a validator of HTML has nothing to say" {
	needs tidy
	tidy -q -e "$page" 2>&1 | grep -vE ' - Warning: <title> proprietary attribute "id"$' >told || :
	[ ! -s told ]
	sed 's,</table>,,' "$page" >bad.html
	tidy -q -e bad.html >told 2>&1 || :
	grep -q 'missing </table>' told
}

# module NAME: where npm put it, for all or below EPI_NODE.
module() {
	for place in "${EPI_NODE:-nowhere}/node_modules" "$(npm root -g 2>/dev/null)"; do
		[ ! -e "$place/$1" ] || { echo "$place/$1"; return; }
	done
}

@test "a second validator of HTML has nothing to say" {
	needs node
	validator=$(module html-validate)
	[ "$validator" ] || skip "no html-validate (npm install -g html-validate@9)"
	echo '{"root": true, "extends": ["html-validate:recommended", "html-validate:document", "html-validate:a11y"]}' >.htmlvalidate.json
	ok node "$validator/bin/html-validate.mjs" --config .htmlvalidate.json "$page"
}

# It is the page's policy that only its own script runs: not in this copy.
@test "axe finds no barrier" {
	needs chromium
	axe=$(module axe-core)
	[ "$axe" ] || skip "no axe-core (npm install -g axe-core@4)"
	grep -v 'http-equiv="Content-Security-Policy"' "$page" >open.html
	{
		echo '<script>'
		cat "$axe/axe.min.js"
		echo '</script><script>axe.run().then(r => document.title = "axe: " + r.passes.length + " passed; " + r.violations.map(v => v.id + " " + v.nodes[0].html).join("; "))</script>'
	} >>open.html
	browser --virtual-time-budget=60000 --dump-dom "file://$PWD/open.html" | grep -o '<title>axe: [^<]*' | head -n 1 >told
	grep -E '^<title>axe: [1-9][0-9]+ passed; $' told
}

# b's trace has lost its stop: epi-plot draws it, and says that it broke off.
@test "runs that ask nothing have no frontier, which is no failure" {
	small one '.epi.value = null | .accuracy.composite = null'
	eyes='pareto repeat budget' blind ok epi-report -o page one
	[[ $(text page) == *"No picture: no frontier to draw: no score has an accuracy."*"energy per token, J / token"* ]]
}

@test "a picture that is not whole is there, told, and status 1" {
	mkdir half
	cp -R 'my data/b_q40' half
	rm half/b_q40/MANIFEST_00?
	grep -v '"stop"' trace | zstd -qf -o half/b_q40/raw/trace_001.ndjson.zst
	eyes=phases
	blind partly 1 epi-report half >half.html
	[[ $stderr == *"epi-report: ./b_q40: no whole picture, phases: "*"no stop"* ]]
	grep -q 'id="power-1-001-wide-title"' half.html
}

@test "a picture for phones alone that is not there is told, and status 1" {
	small one
	blind true
	printf '#!/bin/sh\ncase "$*" in *" 360x "*) echo "epi-plot: no paper" >&2; exit 1 ;; esac\nexec "%s" "$@"\n' \
		"${EPI_BIN:-$root/bin}/epi-plot" >blind/epi-plot
	blind partly 1 epi-report one >one.html
	[[ $stderr == *"no whole picture, pareto: no paper"* ]]
}

@test "a page is not put where a folder is" {
	mkdir place
	small one
	fails 1 epi-report -o place one
	[ "$stderr" = "epi-report: $PWD/place: is a folder, not a place for a page" ]
	[ -z "$(ls place)" ]
}

@test "called by a relative name, it runs no program of the folder" {
	small one
	blind true
	ln -s blind bin
	mkdir one/bin one/m_q/bin
	printf '#!/bin/sh\ntouch "%s/ran"\n' "$PWD" | tee one/bin/jq >one/m_q/bin/jq
	chmod +x one/bin/jq one/m_q/bin/jq
	take bin/epi-report one
	[ "$status" -eq 0 ]
	[ ! -e ran ]
}

@test "a page goes into what is no file, and where a link leads" {
	small one
	mkfifo pipe
	ln -s target link
	blind ok epi-report one >page
	timeout 60 cat pipe >came & reader=$!
	blind ok epi-report -o pipe one
	wait $reader
	[ -p pipe ]
	cmp came page
	blind ok epi-report -o link one
	[ -h link ]
	cmp target page
	mv one ./-
	OLDPWD=/ blind ok epi-report --title "Energy per intelligence: one" -- - >dash
	cmp dash page
}
