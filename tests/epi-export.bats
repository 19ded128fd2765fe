# epi-export: samples as CSV, and back.

load lib

sample='{"timestamp":1773050400.123456789,"node":"pi1","watts":7.412,"volts":121.03,"joules":1234.567}'

@test "a sample is a row under a header" {
	ok epi-export <<<"$sample"
	[ "$output" = $'timestamp,node,watts\n1773050400.123456789,pi1,7.412' ]
}

@test "--columns chooses keys and their order; what is not there is empty" {
	ok epi-export --columns volts,seq,timestamp,note,watts < <(echo '{"watts":-1.5e0,"note":"a, \"b\"","volts":null,"timestamp":"1970-01-01T00:00:02Z","node":"a"}')
	[ "$output" = $'volts,seq,timestamp,note,watts\n,,2.000000,"a, ""b""",-1.5e0' ]
}

@test "a name with a comma, a quote or a blank at its end is quoted" {
	ok epi-export < <(printf '{"timestamp":1,"node":"%s","watts":1}\n' 'a,b' 'a\"b' 'a ')
	[ "$output" = $'timestamp,node,watts\n1.000000,"a,b",1.000\n1.000000,"a""b",1.000\n1.000000,"a ",1.000' ]
}

@test "no samples: the header alone" {
	ok epi-export </dev/null
	[ "$output" = timestamp,node,watts ]
}

@test "import, export, import: the same samples byte for byte" {
	all=timestamp,node,watts,volts,amps,power_factor,vars,hertz,joules,seq
	awk 'BEGIN { srand(7); for (i = 0; i < 2000; i++)
		printf "{\"timestamp\":%d.%09d,\"node\":\"pi%d\",\"watts\":%s%d.%0*d,\"volts\":%d.%02d,\"amps\":0.%04d,\"power_factor\":0.%03d,\"vars\":-%d.%02d,\"hertz\":59.%02d,\"joules\":%d.%06d,\"seq\":%d}\n",
			1773050400 + i, rand() * 1e9, i % 4, i % 7 ? "" : "-", rand() * 1e6, 3 + i % 7, rand() * 1000,
			rand() * 300, rand() * 100, rand() * 10000, rand() * 1000, rand() * 50, rand() * 100, rand() * 100, rand() * 1e9, rand() * 1e6, i }' >drawn
	epi-import --format ndjson drawn | grep -v '"type"' >first
	[ "$(wc -l <first)" -eq 2000 ]
	epi-export --columns $all first | epi-import | grep -v '"type"' | cmp - first
}

@test "of records that are no samples the stop is needed and the lost are told" {
	start='{"timestamp":1,"type":"event","event":"start"}' stop='{"timestamp":9,"type":"event","event":"stop"}'
	ok epi-export < <(printf '%s\n' "$start" "$sample" '{"type":"energy","joules":1}' "$stop")
	warns epi-export < <(printf '%s\n' "$start" "$sample" '{"timestamp":2,"type":"event","event":"lost","begin":1,"end":2,"count":3}' "$stop")
	[ "$(wc -l <<<"$output")" -eq 2 ]
	[[ $stderr == *"1 lost"* ]]
	partly 1 epi-export < <(printf '%s\n' "$start" "$sample")
}

@test "a malformed record is told and passed over" {
	partly 1 epi-export < <(printf '%s\n' "$sample" '{"timestamp":1,"node":"a"}' "$sample")
	[ "$(wc -l <<<"$output")" -eq 3 ]
	[[ $stderr == *'standard input:2: no "watts"' ]]
}

@test "a format or columns that make no sense are refused" {
	fails 2 epi-export --format xlsx
	fails 2 epi-export --columns a,,b
	fails 2 epi-export --columns watts,watts
}
