# Conformance: the published power of MLPerf runs, from their raw traces.
# TRUTH.tsv of the shared data: avg_W is the mean of the samples inside the
# span with watts over 0, computed from the raw file by other means, and equal
# to the published figure (but for the Xavier run, whose published mean took
# five error readings in).

load lib

# column RUN NAME: a cell of TRUTH.tsv.
column() {
	awk -F '\t' -v run="$1" -v name="$2" '/^#/ { next }
		!n { for (n = 1; $n != name; n++); next }
		$1 == run { print $n }' "$shared/TRUTH.tsv"
}

# rfc3339 "MM-DD-YYYY hh:mm:ss.mmm"
rfc3339() {
	sed -E 's/^(..)-(..)-(....) (.*)$/\3-\1-\2T\4Z/' <<<"$1"
}

# near A B: within 1e-9 relative.
near() {
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d * d <= b * b * 1e-18) }'
}

# measure RUN: its cluster's energy record is $output.
measure() {
	epi-import --format mlperf "$shared/$1/spl.txt" |
		epi-window --from "$(rfc3339 "$(column "$1" power_begin_utc)")" \
			--to "$(rfc3339 "$(column "$1" power_end_utc)")" |
		epi-integrate --method mean >energy
	output=$(jq -c 'select(.scope == "cluster")' energy)
}

# agrees RUN: mean and joules = mean times span are those of TRUTH.tsv.
agrees() {
	measure "$1"
	near "$(jq .mean_watts <<<"$output")" "$(column "$1" avg_W)"
	near "$(jq .seconds <<<"$output")" "$(column "$1" duration_s)"
	near "$(jq .joules <<<"$output")" "$(awk -v w="$(column "$1" avg_W)" -v t="$(column "$1" duration_s)" 'BEGIN { printf "%.17g", w * t }')"
	[ "$(jq -c '[.samples, .lost_samples, .complete]' <<<"$output")" = "[$(column "$1" n_samples_in_window),$(column "$1" n_nonpositive),true]" ]
}

@test "GPT-J on eight GPUs, offline: the published 4775 W" {
	shared mlperf
	agrees llm_gptj_offline
}

@test "BERT on an Orin, offline: the published 53.6 W" {
	shared mlperf
	agrees orin_bert_offline
}

@test "MobileNet on a Raspberry Pi 4, single stream" {
	shared mlperf
	agrees rpi4_mobilenet025_singlestream
}

@test "ResNet-50 on a Raspberry Pi 4, single stream" {
	shared mlperf
	agrees rpi4_resnet50_armnn_singlestream
}

@test "ResNet-50 on a Raspberry Pi 4, offline: the published 5.83 W" {
	shared mlperf
	agrees rpi4_resnet50_tflite_offline
}

@test "3D-UNet on a Xavier NX: 13.6052 W, five error readings lost, and a warning" {
	shared mlperf
	agrees xaviernx_3dunet_SENTINEL_offline
	near "$(jq .mean_watts <<<"$output")" 13.605196424985008
	[ "$(jq .lost_samples <<<"$output")" -eq 5 ]
	[[ $(jq -c .warnings <<<"$output") == *lost* ]]
}

@test "three channels add up to the total of GPT-J within their rounding" {
	shared mlperf
	epi-import --format mlperf --channels "$shared/llm_gptj_offline/spl.txt" | epi-integrate --method mean >channels
	epi-import --format mlperf "$shared/llm_gptj_offline/spl.txt" | epi-integrate --method mean >total
	[ "$(jq -s 'map(select(.scope == "cluster").mean_watts) | (.[0] / .[1] - 1) | fabs < 1e-4' channels total)" = true ]
}
