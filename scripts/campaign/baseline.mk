# A campaign on a cluster of four nodes: five models, three repetitions each.
# epi-campaign(7) tells of every setting.  Before the first run:
#
#	1. fill in the lines that have ??? (make refuses until then)
#	2. put the benchmarks' files into benchmarks/mmlu, benchmarks/arc_challenge
#	   and benchmarks/hellaswag; see epi-prompt(1)
#	3. make check-meter, and make plan
#
# Which engine: distributed-llama spreads a model over 1, 2, 4 or 8 nodes, runs
# Llama 3, Qwen3 and, from v0.16.0 on, Qwen3 MoE, from its own files in q40
# alone, and tells no log-probabilities.  llama.cpp runs any GGUF, Q4_K_M among
# them, on one node that holds it whole.  A q40 and a Q4_K_M of one model are
# two models: their weights differ, and so may their answers.

MODELS = llama3.2-1b_q40 llama3.1-8b_q40 qwen3-8b_q40 qwen3-14b_q40 qwen3-30b-a3b_q40

llama3.2-1b_q40.MODEL = Llama-3.2-1B-Instruct
llama3.2-1b_q40.FILE = dllama_model_llama3.2-1b-instruct_q40.m
llama3.2-1b_q40.TOKENIZER = dllama_tokenizer_llama3_2.t

llama3.1-8b_q40.MODEL = Llama-3.1-8B-Instruct
llama3.1-8b_q40.FILE = dllama_model_llama3.1_instruct_q40.m
llama3.1-8b_q40.TOKENIZER = dllama_tokenizer_llama_3_1.t

qwen3-8b_q40.MODEL = Qwen3-8B
qwen3-8b_q40.FILE = dllama_model_qwen3_8b_q40.m
qwen3-8b_q40.TOKENIZER = dllama_tokenizer_qwen3.t

qwen3-14b_q40.MODEL = Qwen3-14B
qwen3-14b_q40.FILE = dllama_model_qwen3_14b_q40.m
qwen3-14b_q40.TOKENIZER = dllama_tokenizer_qwen3.t

# A mixture of experts: 30 B parameters, of which 3 B work on a token.
qwen3-30b-a3b_q40.MODEL = Qwen3-30B-A3B
qwen3-30b-a3b_q40.FILE = dllama_model_qwen3_30b_a3b_q40.m
qwen3-30b-a3b_q40.TOKENIZER = dllama_tokenizer_qwen3.t

# The same model by llama.cpp, on the first node alone:
# MODELS += qwen3-30b-a3b_q4km
# qwen3-30b-a3b_q4km.MODEL = Qwen3-30B-A3B
# qwen3-30b-a3b_q4km.QUANTIZATION = Q4_K_M
# qwen3-30b-a3b_q4km.ENGINE = llama.cpp
# qwen3-30b-a3b_q4km.NODES = pi1
# qwen3-30b-a3b_q4km.SERVE = ssh pi1 ./llama-server --model qwen3-30b-a3b-q4_k_m.gguf --host 0.0.0.0 --port 9999 --no-warmup

# The engine, started for each run on the first node, its workers on the others.
# stdbuf: through a pipe its lines would come late, or never.
ENGINE = distributed-llama
ENGINE_VERSION = ???
SERVE = ssh pi1 stdbuf -oL ./dllama-api --port 9999 --model $(FILE) --tokenizer $(TOKENIZER) \
	--buffer-float-type q80 --nthreads 4 --max-seq-len 8192 --workers pi2:9998 pi3:9998 pi4:9998
URL = http://pi1:9999
QUANTIZATION = q40
SURGERY = none
PREPARE =

NODES = pi1 pi2 pi3 pi4
HOSTS = pi1 pi2 pi3 pi4
# Before the first run of a day each node is loaded by ssh: does its channel rise?
NODE_LOAD = ssh
# The files of the model, from this folder to the first node, if they are not there:
# SHARDS = pi1:$(FILE) pi1:$(TOKENIZER)
DEMAND = governor=performance,throttled=no,max_load=0.5
HARDWARE = ???
PSU = ???
BOUNDARY = ???
MEASUREMENT_POINT = per_node_ac

# More such clusters, each with a machine that has its meter: they share the runs.
# See A sweep in epi-campaign(7).
# LOGINS = east west
# west.METER = epi-tap --calibration west.json --node pi1,pi2,pi3,pi4 /dev/ttyACM0
# west.CALIBRATION = west.json
# SHIP = calibration.json west.json

METER = epi-tap --calibration $(CALIBRATION) --node pi1,pi2,pi3,pi4 ???
CALIBRATION = calibration.json
CHECK_LOAD = ???
CHECK_NODE = pi1
AMBIENT = ???

DATA = benchmarks
SAMPLE = 425
SEED = @SEED@
REPETITIONS = 3
WARMUP = 5m
IDLE = 60s

# ----

EPI = @EPI@
space := $() $()
include $(subst $(space),\ ,$(EPI))/epi.mk
