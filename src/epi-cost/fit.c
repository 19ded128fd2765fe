/* fit: what a prompt token and a generated one cost. */
#include <math.h>
#include <string.h>

#include "epi-cost/cost.h"

enum { N = COEFFICIENTS, LEAST = 10, SPAN = 10 };

/* Columns are scaled to their greatest value, so that their squares are of one
 * size; a pivot this small against the diagonal is a column that the others
 * make up. */
static const long double singular = 1e-12L;

static void
row(const struct observation *at, const double scale[N], long double x[N])
{
	x[FIXED] = 1;
	x[PROMPT] = (long double)at->prompt / scale[PROMPT];
	x[PROMPT_SQUARED] = (long double)at->prompt * at->prompt /
	    scale[PROMPT_SQUARED];
	x[GENERATED] = (long double)at->generated / scale[GENERATED];
}

/* The inverse of a symmetric positive definite matrix, by Gauss and Jordan.
 * False: it has none. */
static bool
invert(long double a[N][N])
{
	long double start[N];

	for (int i = 0; i < N; i++)
		start[i] = a[i][i];
	for (int k = 0; k < N; k++) {
		long double pivot = a[k][k];

		if (!(pivot > singular * start[k]))
			return false;
		a[k][k] = 1;
		for (int j = 0; j < N; j++)
			a[k][j] /= pivot;
		for (int i = 0; i < N; i++) {
			long double factor = a[i][k];

			if (i == k)
				continue;
			a[i][k] = 0;
			for (int j = 0; j < N; j++)
				a[i][j] -= factor * a[k][j];
		}
	}
	return true;
}

static void
multiply(long double out[N], long double a[N][N], const long double x[N])
{
	for (int i = 0; i < N; i++) {
		out[i] = 0;
		for (int j = 0; j < N; j++)
			out[i] += a[i][j] * x[j];
	}
}

static long double
dot(const long double a[N], const long double b[N])
{
	long double sum = 0;

	for (int i = 0; i < N; i++)
		sum += a[i] * b[i];
	return sum;
}

/* What the data must be like; sets the scales. */
static const char *
look(const struct observation *rows, size_t count, double scale[N])
{
	double least = INFINITY, most = 0, prompt = 0;

	for (size_t i = 0; i < count; i++) {
		least = fmin(least, rows[i].generated);
		most = fmax(most, rows[i].generated);
		prompt = fmax(prompt, rows[i].prompt);
	}
	if (count < LEAST)
		return "fewer than 10 answers with energy and tokens";
	if (most < SPAN * fmax(least, 1))
		return "the generated tokens do not span a factor of 10: add "
		    "answers to the decode workload (epi-prompt --workload "
		    "decode)";
	if (prompt == 0)
		return "there are no prompt tokens";
	scale[FIXED] = 1;
	scale[PROMPT] = prompt;
	scale[PROMPT_SQUARED] = prompt * prompt;
	scale[GENERATED] = most;
	return NULL;
}

/* The sandwich of the squares of residuals, each widened by its leverage. */
static const char *
spread(struct fit *fit, const struct observation *rows, size_t count,
    const double scale[N], long double inverse[N][N],
    const long double beta[N])
{
	long double variance[N] = { 0 }, squares = 0;

	for (size_t i = 0; i < count; i++) {
		long double x[N], hat[N], rest, leverage;

		row(&rows[i], scale, x);
		multiply(hat, inverse, x);
		leverage = dot(x, hat);
		rest = rows[i].joules - dot(x, beta);
		squares += rest * rest;
		if (leverage > 1 - 1e-9L)
			return "one answer alone tells one of the costs";
		rest /= 1 - leverage;
		for (int j = 0; j < N; j++)
			variance[j] += hat[j] * hat[j] * rest * rest;
	}
	for (int j = 0; j < N; j++)
		fit->u[j] = (double)sqrtl(variance[j]) / scale[j];
	fit->residual = (double)sqrtl(squares / (long double)(count - N));
	return NULL;
}

const char *
fit_tokens(struct fit *fit, const struct observation *rows, size_t count)
{
	long double a[N][N] = { { 0 } }, right[N] = { 0 }, beta[N], x[N];
	double scale[N];
	const char *why = look(rows, count, scale);

	if (why)
		return why;
	for (size_t i = 0; i < count; i++) {
		row(&rows[i], scale, x);
		for (int j = 0; j < N; j++) {
			right[j] += x[j] * rows[i].joules;
			for (int k = 0; k < N; k++)
				a[j][k] += x[j] * x[k];
		}
	}
	if (!invert(a))
		return "prompt and generated tokens do not vary independently "
		    "of each other: prompts of three lengths or more are "
		    "needed";
	multiply(beta, a, right);
	for (int j = 0; j < N; j++)
		fit->value[j] = (double)(beta[j] / scale[j]);
	fit->questions = (int64_t)count;
	return spread(fit, rows, count, scale, a, beta);
}
