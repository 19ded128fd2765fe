# epi.mk: a campaign of measurements under GNU make.  epi-campaign(7) tells how;
# epi-new makes a campaign's Makefile, which is a list of models, their settings,
# and an include of this file.

ifeq ($(filter grouped-target,$(.FEATURES)),)
$(error epi.mk wants GNU make 4.3 or later)
endif

# Nothing else works while it is measured.
.NOTPARALLEL:
.DEFAULT_GOAL := all

quoted = '$(subst ','\'',$(1))'

# Without the blanks that a comment has before it; those within a value stay, which
# strip would not let them.
comma := ,
space := $() $()
tab := $()	$()
cut = $(subst <:end:>,,$(subst $(space)<:end:>,,$(subst $(tab)<:end:>,,$(1)<:end:>)))
trim = $(if $(strip $(foreach c,space tab,$(findstring $($(c))<:end:>,$(1)<:end:>))),$(call trim,$(cut)),$(1))

# Where this file is, and the programs that belong to it: beside it, or those that
# are found, as of a build elsewhere.
EPI ?= $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
campaign := $(call quoted,$(EPI)/campaign)
EPI_BIN ?= $(shell cd $(call quoted,$(EPI)) && { [ -x ../bin/epi-score ] || cd ..; } && \
	cd ../bin 2>/dev/null && [ -x epi-score ] && pwd || { found=$$(command -v epi-score) && dirname -- "$$found"; })
export PATH := $(if $(EPI_BIN),$(EPI_BIN):)$(PATH)
have = $(shell [ -x $(call quoted,$(EPI_BIN)/$(1)) ] && echo yes)

# ---- settings, for all models; MODEL.NAME is that of one

METER ?=
CALIBRATION ?=
LOCK ?=
NODES ?=
HOSTS ?=
SHARDS ?=
SHARDS_TO ?= .
NODE_LOAD ?=
NODE_TIME ?= 5s
LOGINS ?=
SSH ?= ssh
SHIP ?=
SERVE ?=
URL ?= http://localhost:9999
HEALTH ?= epi-ask --health --url $(URL)
ASK ?= epi-ask --url $(URL)
LOAD_TIMEOUT ?= 30m
ENGINE ?=
ENGINE_VERSION ?=
MODEL ?=
MODEL_FILE ?=
QUANTIZATION ?=
SURGERY ?=
PREPARE ?=
TOKENIZER ?=
HARDWARE ?=
INSTRUMENT ?=
MEASUREMENT_POINT ?= per_node_ac
PSU ?=
BOUNDARY ?=
WORKLOAD ?= benchmark
PROTOCOL ?= gen-letter
BENCHMARKS ?= mmlu:5 arc_challenge:25 hellaswag:10
DATA ?= benchmarks
ITEMS ?=
SAMPLE ?= 425
SEED ?= 1
WEIGHTS ?= mmlu=1,arc_challenge=1,hellaswag=1
REPETITIONS ?= 3
WARMUP ?= 5m
IDLE ?= 60s
AMBIENT ?=
ENVIRONMENT ?=
DEMAND ?=
FORCE ?=
METER_HOST ?=
PRICE_PER_KWH ?=
CURRENCY ?= EUR
CHECK_LOAD ?=
CHECK_METER ?=
CHECK_NODE ?=
CHECK_TIME ?= 60s
SIMULATED ?=

# FILE is for the user's own commands.
FILE ?=

of_campaign := FORCE BENCHMARKS DATA ITEMS SAMPLE SEED PROTOCOL WORKLOAD REPETITIONS LOCK \
	SHIP PRICE_PER_KWH CURRENCY CHECK_LOAD CHECK_METER CHECK_NODE CHECK_TIME
of_model := METER CALIBRATION NODES NODE_LOAD NODE_TIME HOSTS SHARDS SHARDS_TO LOGINS SERVE URL HEALTH ASK LOAD_TIMEOUT ENGINE \
	ENGINE_VERSION MODEL MODEL_FILE QUANTIZATION SURGERY PREPARE TOKENIZER HARDWARE \
	INSTRUMENT MEASUREMENT_POINT PSU BOUNDARY WEIGHTS WARMUP IDLE AMBIENT ENVIRONMENT \
	DEMAND METER_HOST SIMULATED FILE

# Who does not answer is given up after a minute, if SSH does not say otherwise: of
# an option the first one counts.
export EPI_SSH = $(SSH) -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=3

# The parts read them as EPI_NAME; where a model has its own, its targets do.  A
# model's own is MODEL.NAME, else that of a part of its name, as of q40 in
# small_q40; before both comes that of the machine that a sweep measures on.
machine := $(if $(filter command%,$(origin MACHINE)),$(MACHINE))
whose = $(firstword $(foreach k,$(machine) $(1) $(subst _, ,$(1)),\
	$(if $(filter undefined,$(origin $(k).$(2))),,$(k))))
$(foreach s,$(of_campaign) $(of_model),$(eval export EPI_$(s) = $$(call trim,$$($(s)))))
own = data/baseline/$(1)/% .epi/plan/$(1).json .epi/prepared/$(1): $(2) = $$($(3).$(2))
$(foreach m,$(sort $(MODELS)),$(foreach s,$(of_model),$(foreach k,$(call whose,$(m),$(s)),\
	$(eval $(call own,$(m),$(s),$(k))))))
of = $(if $(call whose,$(1),$(2)),$($(call whose,$(1),$(2)).$(2)),$($(2)))
weights := $(foreach m,$(MODELS),$(call quoted,$(call trim,$(call of,$(m),WEIGHTS))))

# ---- what there will be

# Asked once for each make, not once for each use.
order := $(shell $(campaign)/order $(call quoted,$(call trim,$(SEED))) $(call quoted,$(call trim,$(REPETITIONS))) $(MODELS))
raw := $(foreach r,$(order),data/baseline/$(dir $(r))run_$(notdir $(r)).json)
# Runs beyond REPETITIONS, of when there were more, count too: made anew like others.
beyond := $(patsubst data/baseline/%.json,%,$(filter-out $(raw),$(foreach m,$(sort $(MODELS)),\
	$(wildcard data/baseline/$(m)/run_[0-9][0-9][0-9].json data/baseline/$(m)/run_[0-9][0-9][0-9][0-9].json))))
beyond := $(subst /run_,/,$(beyond))
manifests := $(foreach r,$(order) $(beyond),data/baseline/$(dir $(r))MANIFEST_$(notdir $(r)))
plans := $(foreach m,$(sort $(MODELS)),.epi/plan/$(m).json)

# What other machines measure, as RUN@LOGIN,LOGIN; nothing, on one of them.
logins = $(if $(machine),,$(subst $(space),$(comma),$(strip $(call of,$(1),LOGINS))))
at = $(if $(call logins,$(1)),$(1)/$(2)@$(call logins,$(1)))
away := $(strip $(foreach r,$(order),$(call at,$(patsubst %/,%,$(dir $(r))),$(notdir $(r)))))
# What was set on the command line, for them.
export EPI_OVERRIDES = $(MAKEOVERRIDES)

ifeq ($(strip $(MODELS)),)
$(error MODELS is empty: a campaign measures at least one model)
endif
ifeq ($(order),)
$(error REPETITIONS is no number from 1 on: $(REPETITIONS))
endif
unset := $(strip $(foreach s,$(of_campaign) $(of_model) SSH,$(if $(findstring ???,$($(s))),$(s))))
ifneq ($(unset),)
$(error still to be filled in, where ??? stands: $(unset))
endif

all: $(if $(away),sweep) plan measure score verify table plots report
	@:

plan: .epi/plan.txt
	$(if $(filter plan,$(MAKECMDGOALS)),@cat .epi/plan.txt,@:)
measure: $(if $(away),sweep) $(raw)
	@:
sweep: $(if $(away),items.ndjson $(foreach m,$(sort $(MODELS)),.epi/prepared/$(m)))
	$(if $(away),@$(campaign)/sweep $(away),$(error no model has LOGINS: nothing to sweep))
score: results/scores.ndjson
	@:
.PHONY: all plan measure sweep score table plots report verify submit check-meter

# shown GOAL: a new one is shown, here, if it will not be as the goal.
shown = $(if $(filter $(1),$(MAKECMDGOALS)),,&& cat $@)

# ---- raw, made once

items.ndjson:
	@$(campaign)/items make

.epi/plan.txt: $(plans) .epi/planned .epi/price
	@$(campaign)/plan show $(plans) >$@.new && mv $@.new $@ $(call shown,plan)

define of_each_model
.epi/plan/$(1).json: | items.ndjson .epi/prepared/$(1)
	@$$(campaign)/$(or $(addprefix sweep ,$(call at,$(1),plan)),plan $(1) 9$$(words $$(filter-out $(1),$$(MODELS))))
.epi/prepared/$(1):
	@$$(campaign)/prepare $(1)
endef

# PLACE is how many runs come before.
before :=
define run
$$(raw_of_$(1)) &: | items.ndjson .epi/plan/$(2).json
	@$$(campaign)/$(or $(addprefix sweep ,$(call at,$(2),$(3))),measure $(2) $(3) $(words $(before)))
.PRECIOUS: $$(raw_of_$(1))
before += $(1)
endef
define derived
raw_of_$(1) := data/baseline/$(2)/run_$(3).json data/baseline/$(2)/raw/trace_$(3).ndjson.zst \
	data/baseline/$(2)/raw/answers_$(3).ndjson.zst
data/baseline/$(2)/power_trace_$(3).csv data/baseline/$(2)/benchmark_$(3).json \
data/baseline/$(2)/epi_$(3).json data/baseline/$(2)/MANIFEST_$(3) &: $$(raw_of_$(1)) .epi/version .epi/weights
	@epi-derive --weights "$$$$EPI_WEIGHTS" data/baseline/$(2) $(3)
endef
$(foreach m,$(sort $(MODELS)),$(eval $(call of_each_model,$(m))))
$(foreach r,$(order) $(beyond),$(eval $(call derived,$(r),$(patsubst %/,%,$(dir $(r))),$(notdir $(r)))))
$(foreach r,$(order),$(eval $(call run,$(r),$(patsubst %/,%,$(dir $(r))),$(notdir $(r)))))

# ---- derived, made anew when something changed

# same FILE COMMAND: FILE is touched only when the command says something else.
# Two makes have a new one each.
same = @mkdir -p $(@D); new=$@.new$$$$; $(1) >$$new && \
	{ cmp -s $$new $@ && rm $$new || mv $$new $@; } || { rm -f $$new; false; }

.epi/version: always
	$(call same,epi-score --version)
.epi/weights: always
	$(call same,printf '%s\n' $(weights))
.epi/planned: always
	$(call same,printf '%s\n' "$$EPI_REPETITIONS $$EPI_SAMPLE $$EPI_BENCHMARKS")
.epi/price: always
	$(call same,printf '%s\n' "$$EPI_PRICE_PER_KWH $$EPI_CURRENCY")
.PHONY: always

results/scores.ndjson: $(manifests)
	@mkdir -p $(@D); $(campaign)/score $(sort $(MODELS)) >$@.new && mv $@.new $@

# skipped PROGRAM: what this toolkit cannot do is said.
skipped = @echo "$@: skipped: there is no $(1) in this toolkit" >&2

ifeq ($(call have,epi-table),yes)
table: results/table.md results/table.csv results/table.tex results/table.html
	$(if $(filter table,$(MAKECMDGOALS)),@cat results/table.md,@:)
results/table.md: results/scores.ndjson .epi/price
	@epi-table $(if $(PRICE_PER_KWH),--price "$$EPI_PRICE_PER_KWH $$EPI_CURRENCY") $< >$@.new && mv $@.new $@ $(call shown,table)
results/table.csv results/table.tex results/table.html: results/scores.ndjson
	@epi-table --$(subst tex,latex,$(subst .,,$(suffix $@))) $< >$@.new && mv $@.new $@
else
table:
	$(call skipped,epi-table)
endif

ifeq ($(call have,epi-plot)$(shell command -v gnuplot >/dev/null && echo yes),yesyes)
plots: $(if $(filter decode,$(call trim,$(WORKLOAD))),,results/pareto.svg) results/repeat.svg
	@:
results/pareto.svg: results/scores.ndjson
	@epi-plot pareto -o $@ $<
results/repeat.svg: results/scores.ndjson
	@epi-plot repeat -o $@ $(foreach r,$(sort $(order)),data/baseline/$(dir $(r))epi_$(notdir $(r)).json)
else
plots:
	$(call skipped,epi-plot with gnuplot)
endif

ifeq ($(call have,epi-report),yes)
report: results/report.html
	@:
results/report.html: results/scores.ndjson $(manifests) .epi/price
	@epi-report -o $@ $(if $(PRICE_PER_KWH),--price "$$EPI_PRICE_PER_KWH $$EPI_CURRENCY") data/baseline
else
report:
	$(call skipped,epi-report)
endif

ifeq ($(call have,epi-verify),yes)
verify: results/verify.ndjson
	@:
results/verify.ndjson: $(manifests)
	@$(campaign)/verify $(sort $(MODELS)) >$@.new && mv $@.new $@
else
verify:
	$(call skipped,epi-verify)
endif

# An archive of each model's folder, for data/community.
submit: verify
	@mkdir -p submit; for model in $(sort $(MODELS)); do \
		epi-submit -o submit/$$model.tar.gz data/baseline/$$model || exit; done

check-meter:
	@$(campaign)/check-meter
