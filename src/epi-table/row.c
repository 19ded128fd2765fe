#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-table/table.h"
#include "report.h"
#include "stats.h"
#include "write.h"

char *
row_text(const struct result *result, const char *path)
{
	struct json_value value = result_at(result, path);
	char *text = report_resize(NULL, value.length + 1, 1);
	long length = json_string(&value, text, value.length + 1);
	bool utf8 = length >= 0 && write_is_utf8(text, (size_t)length);

	if (length < 0) {
		free(text);
		return NULL;
	}
	for (char *at = text; at < text + length; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = ' ';
		else if (!utf8 && (unsigned char)*at >= 0x80)
			*at = '?';
		else if ((unsigned char)*at == 0xC2 &&
		    (unsigned char)at[1] < 0xA0)
			at[0] = at[1] = ' '; /* C1 acts on a terminal too */
	return text;
}

/* "model (surgery)": a model that was cut is another one. */
static char *
model_of(const struct result *result)
{
	char *model = row_text(result, "model");
	char *surgery = row_text(result, "surgery");
	size_t room = (model ? strlen(model) : 0) +
	    (surgery ? strlen(surgery) : 0) + sizeof "unknown ()";
	char *name = report_resize(NULL, room, 1);

	snprintf(name, room, surgery ? "%s (%s)" : "%s",
	    model ? model : "unknown", surgery);
	free(model);
	free(surgery);
	return name;
}

static char *
known_text(const struct result *result, const char *path)
{
	char *text = row_text(result, path);

	return text ? text : report_copy("unknown", strlen("unknown"));
}

/* Figures of a group's keys are in its name too. */
static char *
group_of(const struct result *result, char *const *by)
{
	char *name = NULL;
	size_t size;
	FILE *out = open_memstream(&name, &size);

	if (!out)
		report_fatal("no memory");
	for (char *const *key = by; key && *key; key++) {
		struct json_value value = result_at(result, *key);
		char *text = known_text(result, *key);

		fprintf(out, "%s%s: ", key == by ? "" : ", ", *key);
		if (value.kind == JSON_NUMBER)
			fprintf(out, "%.*s", (int)value.length, value.at);
		else
			fputs(text, out);
		free(text);
	}
	if (fclose(out) != 0)
		report_fatal("no memory");
	return name;
}

/* What epi-score --repetitions takes for one configuration: the values as they
 * stand in the record, which has no line feed within. */
static char *
configuration_of(const struct result *result)
{
	static const char *const paths[] = { "model", "quantization",
		"surgery", "hardware", "instrument", "measurement_point",
		"workload" };
	char *name = NULL;
	size_t size;
	FILE *out = open_memstream(&name, &size);

	if (!out)
		report_fatal("no memory");
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct json_value value = result_at(result, paths[i]);

		fprintf(out, "%d:%.*s\n", value.kind == JSON_ABSENT
		    ? (int)JSON_NULL : (int)value.kind, (int)value.length,
		    value.length > 0 ? value.at : "");
	}
	if (fclose(out) != 0)
		report_fatal("no memory");
	return name;
}

static void
expand(struct cell *cell, double u, double k)
{
	cell->expanded = k * u >= 0 ? k * u : NAN;
	cell->k = isnan(cell->expanded) ? NAN : k;
}

/* The two numbers of an array; NAN where it is none. */
static void
read_pair(const struct result *result, const char *path, double pair[2])
{
	struct json_value array = result_at(result, path), element;
	const char *cursor = NULL;

	for (int i = 0; i < 2; i++)
		if (!json_element(&array, &cursor, &element) ||
		    !json_double(&element, &pair[i]))
			pair[i] = NAN;
}

/* The score has no k of its own for its energy: it is in the interval, which
 * is that of the logarithm. */
static struct cell
read_per_token(const struct result *result)
{
	struct cell cell = {
		result_number(result, "energy.joules_per_token"),
		NAN, NAN, NAN, NAN
	};
	double u = result_number(result, "u_joules_per_token");
	double ci[2];

	read_pair(result, "ci95_joules_per_token", ci);
	if (u == 0)
		expand(&cell, 0, STATS_Z95);
	else
		expand(&cell, u, log(ci[1] / cell.value) * cell.value / u);
	return cell;
}

/* Where few answers made the interval its sides differ. */
static struct cell
read_epi(const struct result *result)
{
	struct cell cell = {
		result_number(result, "epi.value"), NAN, NAN, NAN, NAN
	};
	struct json_value interval = result_at(result, "interval");
	double ci[2];

	expand(&cell, result_number(result, "u"), result_number(result, "k"));
	read_pair(result, "ci95", ci);
	if (json_is(&interval, "mover") && ci[0] < ci[1]) {
		cell.low = ci[0];
		cell.high = ci[1];
	}
	return cell;
}

/* By the list of benchmarks or, in a record that has none, by the name and
 * shots that the paper gives it. */
static struct cell
read_benchmark(const struct result *result, const char *name,
    const char *path)
{
	static const char *const keys[] = {
		"benchmark", "accuracy", "u_accuracy"
	};
	struct json_value marks = result_at(result, "benchmarks"), mark;
	struct cell cell = { NAN, NAN, NAN, NAN, NAN };
	const char *cursor = NULL;

	while (json_element(&marks, &cursor, &mark)) {
		struct json_value values[3];
		struct json_error error;
		double u;

		if (mark.kind != JSON_OBJECT || !json_members(mark.at,
		    mark.length, keys, 3, values, &error) ||
		    !json_is(&values[0], name))
			continue;
		if (!json_double(&values[1], &cell.value))
			cell.value = NAN;
		if (json_double(&values[2], &u))
			expand(&cell, u, STATS_Z95);
		return cell;
	}
	cell.value = result_number(result, path);
	return cell;
}

/* A figure of one that is known, times a factor, with the same share of
 * uncertainty. */
static struct cell
scaled(const struct cell *from, double value)
{
	struct cell cell = { value, NAN, NAN, NAN, from->k };

	cell.expanded = from->expanded / from->value * value;
	return cell;
}

static size_t
count_runs(const struct result *result)
{
	struct json_value runs = result_at(result, "repetitions"), run;
	const char *cursor = NULL;
	size_t count = 0;

	while (json_element(&runs, &cursor, &run))
		count++;
	return count;
}

static void
read_cells(struct row *row, const struct table *table)
{
	static const double joules_per_kwh = 3.6e6;
	const struct result *result = &row->result;
	struct cell *cells = row->cells;
	double per_token;

	cells[PER_TOKEN] = read_per_token(result);
	cells[MMLU] = read_benchmark(result, "mmlu", "accuracy.mmlu_5shot");
	cells[ARC_CHALLENGE] = read_benchmark(result, "arc_challenge",
	    "accuracy.arc_challenge_25shot");
	cells[HELLASWAG] = read_benchmark(result, "hellaswag",
	    "accuracy.hellaswag_10shot");
	cells[ACCURACY] = (struct cell){
		result_number(result, "accuracy.composite"), NAN, NAN, NAN, NAN
	};
	expand(&cells[ACCURACY], result_number(result, "u_accuracy"),
	    STATS_Z95);
	cells[EPI] = read_epi(result);
	per_token = cells[PER_TOKEN].value;
	cells[PER_JOULE] = scaled(&cells[PER_TOKEN], 1 / per_token);
	cells[PRICE] = scaled(&cells[PER_TOKEN],
	    per_token * 1e6 / joules_per_kwh * table->price_kwh);
}

bool
row_read(struct row *row, const struct table *table, struct result *result,
    const char **why)
{
	struct json_value evidence = result_at(result, "evidence");

	*row = (struct row){ .result = *result };
	read_cells(row, table);
	if (!(row->cells[PER_TOKEN].value > 0) ||
	    isinf(row->cells[PER_TOKEN].value)) {
		*why = "a score without joules per token";
		return false;
	}
	row->model = model_of(result);
	row->quant = known_text(result, "quantization");
	row->group = group_of(result, table->by);
	row->configuration = configuration_of(result);
	row->simulated = result->simulated || json_is(&evidence, "simulated");
	row->runs = count_runs(result);
	row->joined = row->runs > 1;
	if (row->runs == 0)
		row->runs = 1;
	return true;
}

void
row_clear(struct row *row)
{
	result_clear(&row->result);
	free(row->model);
	free(row->quant);
	free(row->group);
	free(row->configuration);
}
