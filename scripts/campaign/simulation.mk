# A campaign: two models, three repetitions each, measured, scored, verified.
#
#	make            all of it, or what is not done yet
#	make plan       how long, how many kWh, and how sure it will be
#	make check-meter  a known load: does the calibration still hold?
#
# As it stands the meter, the models and their answers are SIMULATED, which all
# results say.  Lines that begin with "# real:" are what a campaign of your own
# has in their place.  epi-campaign(7) tells of every setting.

# The models: names of folders, small letters, digits and . _ - alone.
MODELS = small_q40 large_q40

small_q40.MODEL = simulated small
small_q40.ASK = $(simulated) accuracy=0.46 prefill=220 decode=9 seed=$(seed)1

large_q40.MODEL = simulated large
large_q40.ASK = $(simulated) accuracy=0.71 prefill=110 decode=4.5 seed=$(seed)2

QUANTIZATION = q40
# real: large_q40.SERVE = ssh pi1 ./dllama-api --model large.m --tokenizer large.t --workers pi2:9998 pi3:9998 pi4:9998
# real: large_q40.URL = http://pi1:9999

# What the nodes are, and where the power is measured.
NODES = pi1 pi2 pi3 pi4
HARDWARE = simulated cluster of 4
MEASUREMENT_POINT = per_node_ac
BOUNDARY = the four nodes at their outlets; without the switch

# The meter writes samples until it is told to end.  A calibration is made
# once: epi-calibration(7).
METER = epi-sim --fast --record $(clamps) --seed "$$EPI_SIM_SEED" --truth "$$EPI_TRUTH" --begin "$$EPI_BEGIN" "$$EPI_PHASES" | \
	epi-tap --replay --calibration calibration.json --node pi1,pi2,pi3,pi4 -
CALIBRATION = calibration.json
CHECK_LOAD = 8,U=0.2%
CHECK_NODE = pi1
# real: METER = epi-tap --calibration calibration.json --node pi1,pi2,pi3,pi4 /dev/ttyACM0

# The questions: so many of each benchmark, and what an answer weighs.
SAMPLE = 425
SEED = @SEED@
BENCHMARKS = mmlu:5 arc_challenge:25 hellaswag:10
WEIGHTS = mmlu=1,arc_challenge=1,hellaswag=1
ITEMS = $(quoted_campaign)/simulated-items $(SAMPLE) $(SEED)
# real: DATA = benchmarks

# The protocol.  No time passes in a simulation but its own.
REPETITIONS = 3
WARMUP = 5m
IDLE = 60s
AMBIENT = echo 22
# real: HOSTS = pi1 pi2 pi3 pi4
# real: NODE_LOAD = ssh
# real: DEMAND = governor=performance,throttled=no,max_load=0.5
PRICE_PER_KWH = 0.31
CURRENCY = EUR

# ---- what is simulated; not in a real campaign

SIMULATED = yes
quoted_campaign = '$(subst ','\'',$(EPI))/campaign'
simulated = $(quoted_campaign)/simulated-model
seed = $(strip $(SEED))
clamps = --board $(seed) @METER@ --reading-noise 0.05

# Known loads of 0, 5 and 15 W at each of the four clamps, a minute each.
calibration.json:
	@mkdir -p .epi; set -e; at=1767000000; set --; \
	for watts in 0 5 15; do \
		printf '%s\n' "0 resistive $$watts" '62 end' >.epi/load; at=$$((at + 1000)); \
		epi-sim --fast --record $(clamps) --seed $$at --begin $$at .epi/load | \
			epi-tap --replay --node pi1,pi2,pi3,pi4 - >.epi/load_$$watts; \
	done; \
	for node in $(NODES); do \
		set -- "$$@" --node $$node --load 0 --load 5,U=0.2% --load 15,U=0.2%; \
	done; \
	epi-calibrate --linearity 0.1 --meta reference.certificate=simulated "$$@" \
		$(foreach node,$(NODES),$(foreach watts,0 5 15,.epi/load_$(watts))) >.epi/calibration; \
	mv .epi/calibration $@
CHECK_METER = printf '%s\n' '0 resistive 8' '62 end' >.epi/load && epi-sim --fast --record $(clamps) --begin 1767300000 .epi/load | \
	epi-tap --replay --node pi1,pi2,pi3,pi4 -
items.ndjson check-meter: | calibration.json

# ----

EPI = @EPI@
space := $() $()
include $(subst $(space),\ ,$(EPI))/epi.mk
