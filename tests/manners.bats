# The manners of every program in bin/.

load lib

@test "there are programs to test" {
	ls "${EPI_BIN:-$root/bin}" || skip "nothing is built yet"
}
