# epi-model: files made here byte by byte, whose sizes are known by hand.

load lib

# le BYTES NUMBER...: little-endian numbers; with $big set, big-endian ones.
# (Few commands: each costs a trap here.)
le() {
	local v b text=
	for v in "${@:2}"; do
		printf -v b '%016x' "$v"
		b="\\x${b:0:2}\\x${b:2:2}\\x${b:4:2}\\x${b:6:2}\\x${b:8:2}\\x${b:10:2}\\x${b:12:2}\\x${b:14:2}"
		b=${b:32 - 4 * $1}
		[ "$big" ] || b=${b:28:4}${b:24:4}${b:20:4}${b:16:4}${b:12:4}${b:8:4}${b:4:4}${b:0:4}
		text+=$b
	done
	printf %b "$text"
}

# Counts have 8 bytes; in version 1, 4.
count() { le "${wide:-8}" "$@"; }
text() { count ${#1} && printf %s "$1"; }
u32_key() { text "$1" && le 4 4 "$2"; }
text_key() { text "$1" && le 4 8 && text "$2"; }

# head VERSION TENSORS KEYS
head_of() { printf GGUF && le 4 "$1" && count "$2" "$3"; }

# tensor NAME TYPE OFFSET DIMENSION...
tensor() { text "$1" && le 4 $(($# - 3)) && count "${@:4}" && le 4 "$2" && le 8 "$3"; }

# padded FILE BYTES ALIGNMENT: zeros to the alignment, then so many.
padded() {
	local size
	size=$(stat -c %s "$1")
	truncate -s $(((size + $3 - 1) / $3 * $3 + $2)) "$1"
}

# small [FILE_TYPE]: a llama of 2560 weights in 10 blocks of 210
# bytes (Q6_K), 65536 in 256 of 144 (Q4_K), and 256 of 4 bytes (F32).
small_head() {
	head_of "${version:-3}" 3 7
	text_key general.architecture llama
	text_key general.name 'Tiny Llama 68K'
	u32_key general.file_type "${1:-15}"
	u32_key llama.block_count 1
	u32_key llama.attention.head_count 4
	u32_key llama.attention.head_count_kv 2
	u32_key llama.context_length 512
	tensor token_embd.weight 14 0 256 10
	tensor blk.0.attn_q.weight 12 2112 256 256
	tensor output_norm.weight 0 38976 256
}
small() {
	if [ $# -eq 0 ] && [ ! "$version$big" ]; then
		cp "$BATS_FILE_TMPDIR/small.gguf" .
		return
	fi
	small_head "$@" >small.gguf
	padded small.gguf 40000 32
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" && small 15
}

# dllama FLOAT_TYPE: 6400 + 5 x 64 weights of f32, and 2 x (2 x 64 x 64 +
# 2 x 64 x 32 + 3 x 64 x 128) + 6400 = 80128 of its own type.
pairs() { printf '\xcd\xab\x00\x0a' && le 4 $((8 + 4 * $#)) "$@"; }
dllama() {
	pairs 0 0 1 $((0xABCD00)) 2 64 3 128 4 2 5 4 6 2 9 100 10 256 11 1 13 "$1" >m
	truncate -s $((96 + 4 * 6720 + $2)) m
}

field() { jq -c ".$1" <<<"$output"; }

@test "a GGUF file: what it states, and what its tensors hold" {
	small
	ok epi-model small.gguf
	[ "$(jq -c '[.type,.format,.format_version,.architecture,.name,.quantization,.file_type]' <<<"$output")" = \
		'["model","gguf",3,"llama","Tiny Llama 68K","Q4_K_M",15]' ]
	[ "$(jq -c '[.layers,.heads,.kv_heads,.context_length,.experts]' <<<"$output")" = '[1,4,2,512,null]' ]
}

@test "types, the most weights first, with weights and bytes" {
	small
	ok epi-model small.gguf
	[ "$(jq -c '[.types[]|[.type,.tensors,.parameters,.bytes]]' <<<"$output")" = \
		'[["Q4_K",1,65536,36864],["Q6_K",1,2560,2100],["F32",1,256,1024]]' ]
	# 8 x (36864 + 2100 + 1024) / 68352
	[ "$(jq -c '[.parameters,.active_parameters,(.bits_per_weight*68352)]' <<<"$output")" = '[68352,68352,319904]' ]
}

@test "bytes and SHA-256 are the file's, also from a pipe" {
	small
	hash=$(sha256sum <small.gguf)
	ok epi-model small.gguf
	[ "$(jq -c '[.bytes,.sha256]' <<<"$output")" = "[$(stat -c %s small.gguf),\"${hash%% *}\"]" ]
	ok sh -c 'cat small.gguf | epi-model'
	[ "$(jq -c '[.file,.sha256]' <<<"$output")" = "[\"standard input\",\"${hash%% *}\"]" ]
}

@test "bytes behind the tensors, padding or not, are hashed too" {
	small
	echo more >>small.gguf
	hash=$(sha256sum <small.gguf)
	ok epi-model small.gguf
	[ "$(field sha256)" = "\"${hash%% *}\"" ]
}

@test "versions 1 and 2, and big-endian files, say the same" {
	small
	ok epi-model small.gguf
	same=$(jq -c 'del(.format_version,.bytes,.sha256)' <<<"$output")
	for version in 1 2; do
		wide=$((version == 1 ? 4 : 8)) small
		ok epi-model small.gguf
		[ "$(jq -c 'del(.bytes,.sha256)' <<<"$output")" = "$(jq -c ".format_version=$version" <<<"$same" |
			jq -c '{type,file,format,format_version} + .')" ]
	done
	unset version
	big=1 small
	ok epi-model small.gguf
	[ "$(jq -c 'del(.format_version,.bytes,.sha256,.big_endian)' <<<"$output")" = "$same" ]
	[ "$(field big_endian)" = true ]
}

@test "versions that are not known are refused" {
	for version in 0 4 77; do
		small
		fails 1 epi-model small.gguf
		[[ $stderr == "epi-model: small.gguf: GGUF of version $version, which is not known" ]]
	done
}

@test "of a mixture of experts, those that a token uses" {
	{
		head_of 3 4 3
		text_key general.architecture qwen3moe
		u32_key qwen3moe.expert_count 4
		u32_key qwen3moe.expert_used_count 1
		tensor blk.0.attn_q.weight 1 0 32 32
		tensor blk.0.ffn_up_exps.weight 2 2048 32 64 4
		tensor blk.0.ffn_up_shexp.weight 2 6656 32 2
		tensor blk.0.ffn_up.3.weight 2 6720 32 64
	} >moe
	padded moe 8192 32
	ok epi-model moe
	# 1024 + 8192 + 64 + 2048; of the 10240 of experts a quarter
	[ "$(jq -c '[.parameters,.active_parameters,.experts,.experts_used,.quantization]' <<<"$output")" = \
		'[11328,3648,4,1,"Q4_0"]' ]
}

@test "experts of which it is not said how many are used: null" {
	{
		head_of 3 1 1
		u32_key qwen3moe.expert_count 4
		tensor blk.0.ffn_up_exps.weight 1 0 32 64 4
	} >moe
	padded moe 16384 32
	ok epi-model moe
	[ "$(jq -c '[.parameters,.active_parameters]' <<<"$output")" = '[8192,null]' ]
}

@test "keys of another architecture's part are not taken" {
	{
		head_of 3 0 4
		u32_key clip.block_count 99
		text_key general.architecture llama
		u32_key clip.attention.head_count 98
		u32_key llama.context_length 7
	} >two
	ok epi-model two
	[ "$(jq -c '[.layers,.heads,.context_length]' <<<"$output")" = '[null,null,7]' ]
}

@test "a head count for each layer is none that could be told" {
	{
		head_of 3 0 2
		text_key general.architecture llama
		text llama.attention.head_count && le 4 9 5 && le 8 2 && le 4 8 16
	} >layers
	ok epi-model layers
	[ "$(field heads)" = null ]
}

@test "an alignment other than 32 moves the data" {
	{
		head_of 3 1 1
		u32_key general.alignment 1024
		tensor a 0 0 8
	} >wide
	padded wide 32 1024
	ok epi-model wide
	truncate -s -1 wide
	fails 1 epi-model wide
	[ "$stderr" = "epi-model: wide: cut: 1055 bytes of 1056" ]
}

@test "a type that came later is told, and its weights counted" {
	{ head_of 3 1 0 && tensor a 99 0 8 4; } >new
	padded new 0 32
	ok epi-model new
	[ "$(jq -c '[.types[0].type,.types[0].bytes,.parameters,.quantization,.bits_per_weight]' <<<"$output")" = \
		'[null,null,32,null,null]' ]
	[[ $(field 'warnings[0]') == '"type-unknown: '* ]]
}

@test "a part of a split model says so" {
	{
		head_of 3 0 2
		text split.no && le 4 2 && le 2 1
		text split.count && le 4 2 && le 2 3
	} >part
	ok epi-model part
	[[ "$(jq -c '[.part,.parts]' <<<"$output")" == '[2,3]' && $(field 'warnings[0]') == '"split: '* ]]
}

@test "distributed-llama: sizes by its header, of all four types" {
	while read -r type name bytes; do
		dllama "$type" "$bytes"
		ok epi-model m
		[ "$(jq -c '[.format,.architecture,.quantization,.parameters,.types[0].parameters,.types[0].bytes]' <<<"$output")" = \
			"[\"dllama\",\"llama\",\"$name\",86848,$([ "$type" = 0 ] && echo 86848,347392 || echo "80128,$bytes")]" ] || return 1
	done <<<'0 f32 320512
		1 f16 160256
		2 q40 45072
		3 q80 85136'
	[ "$(jq -c '[.layers,.heads,.kv_heads,.embedding_length,.context_length]' <<<"$output")" = '[2,4,2,64,256]' ]
}

@test "distributed-llama before v0.7.0: the size tells the type" {
	{ le 4 $((0xABCD00)) 64 128 2 4 2 0 0 100 256; } >m
	truncate -s $((40 + 4 * 6720 + 45072)) m
	ok epi-model m
	[ "$(jq -c '[.quantization,.parameters]' <<<"$output")" = '["q40",86848]' ]
	echo >>m
	fails 1 epi-model m
	[[ $stderr == *"71993 bytes are the weights of no type"* ]]
}

@test "Qwen3 MoE of distributed-llama: router and norms of f32" {
	# A layer: attention 64 x 8 x (2 x 4 + 2 x 2) = 6144, four experts of
	# 3 x 64 x 32 = 6144 each; router 256, norms 16 + 128.  Outside of it:
	# embedding and logits 6400 each, a norm of 64.
	pairs 0 0 1 $((0xABCD02)) 2 64 3 128 4 1 5 4 6 2 7 4 8 2 9 100 10 256 13 2 19 8 21 32 >m
	truncate -s $((120 + 4 * (6400 + 64 + 256 + 144) + 18 * (6144 + 24576 + 6400) / 32)) m
	ok epi-model m
	[ "$(jq -c '[.architecture,.parameters,.active_parameters,.experts,.experts_used]' <<<"$output")" = \
		'["qwen3_moe",43984,31696,4,2]' ]
}

@test "the router of mixtral has the type of the weights" {
	pairs 0 0 1 $((0xABCD02)) 2 64 3 32 4 1 5 8 6 4 7 4 8 2 9 100 10 256 13 2 >m
	truncate -s $((104 + 4 * (6400 + 192) + 18 * (6144 * 2 + 24576 + 6400 + 256) / 32)) m
	ok epi-model m
	[ "$(jq -c '[.architecture,.active_parameters]' <<<"$output")" = '["mixtral",37824]' ]
}

@test "a file of distributed-llama that is longer or shorter is refused" {
	dllama 2 45072
	truncate -s -1 m
	fails 1 epi-model m
	[ "$stderr" = "epi-model: m: cut: 72047 bytes of 72048" ]
	truncate -s +2 m
	fails 1 epi-model m
	[ "$stderr" = "epi-model: m: 72049 bytes, of which the header tells of 72048" ]
}

@test "--quantization: the file's own word, however it is written" {
	small
	for label in Q4_K_M q4km q4-k-m Q4_K; do
		ok epi-model --quantization "$label" small.gguf || return 1
	done
	dllama 2 45072
	ok epi-model --quantization Q40 m
	dllama 1 160256
	ok epi-model --quantization fp16 m
}

@test "--quantization that contradicts the file is refused" {
	small
	for label in Q4_K_S Q4_0 Q6_K q40 Q8_0; do
		fails 1 epi-model --quantization "$label" small.gguf || return 1
		[ "$stderr" = "epi-model: small.gguf: not $label: it holds Q4_K_M" ]
	done
	dllama 2 45072
	fails 1 epi-model --quantization Q4_K_M m
	[[ $stderr == "epi-model: m: not Q4_K_M: it holds q40: distributed-llama has its own "* ]]
}

@test "a file that calls itself what it does not hold: a warning, and no label" {
	small 7
	ok epi-model small.gguf
	[[ $(field 'warnings[0]') == '"file-type: '* ]]
	fails 1 epi-model --quantization Q8_0 small.gguf
	[[ $stderr == *"it calls itself Q8_0, and holds no Q8_0: most of it is Q4_K" ]]
}

@test "without a file_type, the type of most weights is the label" {
	small 1000
	ok epi-model --quantization Q4_K small.gguf
	[ "$(jq -c '[.quantization,.file_type]' <<<"$output")" = '["Q4_K",1000]' ]
	fails 1 epi-model --quantization Q4_K_M small.gguf
}

@test "--model: a name that shares a word, and whose size is about right" {
	small
	for name in tinyllama llama-0.07m tiny; do
		ok epi-model --model "$name" small.gguf || return 1
	done
	for name in qwen3-0.6b mistral llama-1b tiny-8x7b; do
		fails 1 epi-model --model "$name" small.gguf || return 1
	done
	[[ $stderr == *"not tiny-8x7b: it holds 68352 parameters, not 8x7b" ]]
}

# As qwen2.5-7b-instruct-1m is called: a million tokens of context.
@test "--model: beside a size in b one in m is of the context" {
	small
	ok epi-model --model tiny-0.00007b-1m small.gguf
	fails 1 epi-model --model tiny-1b-0.07m small.gguf
	fails 1 epi-model --model tiny-1m small.gguf
}

@test "--model of a file without a name: another family is refused" {
	dllama 2 45072
	ok epi-model --model mistral m
	ok epi-model --model deepseek-r1-distill-llama m
	fails 1 epi-model --model qwen3 m
	fails 1 epi-model --model llama-8b m
}

@test "--model: active parameters are those of a token" {
	pairs 0 0 1 $((0xABCD02)) 2 64 3 128 4 1 5 4 6 2 7 4 8 2 9 100 10 256 13 2 19 8 21 32 >m
	truncate -s $((120 + 4 * (6400 + 64 + 256 + 144) + 18 * (6144 + 24576 + 6400) / 32)) m
	ok epi-model --model qwen3-0.044m-a0.032m m
	fails 1 epi-model --model qwen3-0.044m-a0.01m m
	[[ $stderr == *"it holds 31696 active parameters, not a0.01m" ]]
}

@test "several files: each its record, and the refused one is named" {
	small
	dllama 2 45072
	partly 1 epi-model --quantization q40 small.gguf m
	[ "$(jq -r .file <<<"$output")" = m ]
}

# refused WHY: what is on standard input is, in one line, time and memory bounded.
refused() {
	[ -x /usr/bin/time ] || skip "no GNU time"
	cat >bad
	fails 1 timeout 10 /usr/bin/time -q -f %M -o kib epi-model bad
	[ "$(tail -n 1 kib)" -lt 200000 ]
	[[ $stderr == "epi-model: bad: "$1 && $(wc -l <"$BATS_TEST_TMPDIR/.err") -eq 1 ]] || wrong "expected $1" epi-model
}

@test "hostile files: one line each, and bounded memory" {
	huge=$((1 << 60))
	: | refused "cut: the file ends in the magic number, after 0 bytes"
	printf GGUX | refused "neither a GGUF file nor one of distributed-llama"
	printf GGUF | refused "cut: the file ends in the header, after 4 bytes"
	head_of 3 $huge $huge | refused "cut: the file ends in the metadata*"
	head_of 3 $huge 0 | refused "cut: the file ends in the list of tensors*"
	{ head_of 3 0 1 && count $huge; } | refused "a key of $huge bytes"
	{ head_of 3 0 1 && text a && le 4 8 && count $huge; } | refused "cut: *in the metadata*"
	{ head_of 3 0 1 && text a && le 4 9 8 && count $huge; } | refused "cut: *in the metadata*"
	{ head_of 3 0 1 && text a && le 4 9 12 && count -1; } | refused "cut: *in the metadata*"
	{ head_of 3 0 1 && text a && le 4 9 && for i in 1 2 3 4 5 6; do le 4 9 && count 1; done; } |
		refused "arrays are nested more than 4 deep"
	{ head_of 3 0 1 && text a && le 4 13; } | refused "a value of type 13, which is not known"
}

@test "hostile keys and tensors are named" {
	huge=$((1 << 40))
	{ head_of 3 0 2 && u32_key general.file_type 1 && u32_key general.file_type 2; } |
		refused "general.file_type stands twice"
	{ head_of 3 0 1 && text_key general.file_type x; } | refused "general.file_type is no whole number"
	{ head_of 3 0 1 && u32_key general.name 1; } | refused "general.name is no text"
	{ head_of 3 0 1 && text a.block_count && le 4 5 -1; } | refused "a.block_count is out of range"
	{ head_of 3 0 1 && u32_key general.alignment 24; } | refused "general.alignment is no power of 2"
	{ head_of 3 1 0 && tensor a 0 0 1 1 1 1 1; } | refused "tensor a has 5 dimensions"
	{ head_of 3 1 0 && tensor a 0 0 $huge $huge; } | refused "tensor a is too large"
	{ head_of 3 1 0 && tensor a 0 1 8; } | refused "tensor a is not where it may begin"
	{ head_of 3 1 0 && tensor a 0 $((1 << 62)) 8; } | refused "cut: * bytes of *"
	{ head_of 3 1 0 && tensor a 12 0 100 256; } | refused "tensor a: rows of 100 are no blocks of Q4_K"
}

@test "hostile headers of distributed-llama are named" {
	pairs 1 | refused "a header of 12 bytes"
	{ le 4 $((0xA00ABCD)) $((1 << 30)); } | refused "a header of 1073741824 bytes"
	pairs 0 0 22 1 | refused "header key 22 is not known"
	pairs 2 1 2 1 | refused "dim stands twice"
	pairs 2 64 | refused "no arch_type"
	pairs 1 5 | refused "arch_type 5 is not known"
	pairs 1 $((0xABCD00)) 2 64 | refused "hidden_dim is missing or not above 0"
	pairs 1 $((0xABCD00)) 2 -64 3 1 4 1 5 1 6 1 9 1 | refused "dim is missing or not above 0"
	pairs 1 $((0xABCD00)) 2 $((1 << 30)) 3 1 4 1 5 1 6 1 9 1 | refused "dim is out of range"
	pairs 1 $((0xABCD00)) 2 1 3 16777216 4 16777216 5 1 6 1 7 16777216 9 1 | refused "larger than a file can be"
	pairs 1 $((0xABCD00)) 2 65 3 1 4 1 5 4 6 1 9 1 | refused "dim is no multiple of n_heads"
	pairs 1 $((0xABCD00)) 2 64 3 1 4 1 5 4 6 1 9 1 13 9 | refused "weights_float_type 9 is not known"
	pairs 1 $((0xABCD00)) 2 64 3 1 4 1 5 4 6 1 8 3 9 1 | refused "n_active_experts is above n_experts"
}

@test "a file cut anywhere in its header is refused, and said where" {
	small_head >whole
	size=$(stat -c %s whole)
	for ((at = 0; at < size; at += 37)); do
		head -c $at whole | refused "cut: *, after *" || return 1
	done
}

@test "a control byte of a name does not reach the terminal" {
	{ head_of 3 0 1 && text_key general.name $'\e[31m'; } >esc
	fails 1 epi-model --model other esc
	[[ $stderr != *$'\e'* ]]
}
